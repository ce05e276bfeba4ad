// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/bounded_queue.h"

#include <sched.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/report.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/sleeper.h"

namespace {

using namespace std::chrono_literals;
using takt::BoundedQueue;
using takt::Status;
using takt::StatusCode;
using takt::TimePoint;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::Sleeper;
using takt::test::SteppedClock;

static_assert(!std::is_copy_constructible_v<BoundedQueue<int, 1>>);
constinit BoundedQueue<int, 1'000> constant_initialised;

/// What the destructors of live items find; moved-from ones do not count.
struct Probe {
  explicit Probe(int its_number, std::atomic<int>* counter = nullptr)
      : number(its_number), destroyed(counter) {}
  Probe(Probe&& other) noexcept
      : number(other.number), destroyed(std::exchange(other.destroyed, nullptr)) {}
  Probe& operator=(Probe&&) = delete;
  ~Probe() {
    if (destroyed != nullptr) destroyed->fetch_add(1);
  }
  int number;
  std::atomic<int>* destroyed;
};

TEST(BoundedQueue, is_first_in_first_out) {
  BoundedQueue<int, 3> queue;
  EXPECT_EQ(queue.capacity(), 3);
  for (int round = 0; round < 10; ++round) {  // around the ring
    for (int i = 0; i < 3; ++i) EXPECT_OK(queue.push(10 * round + i));
    EXPECT_EQ(queue.size(), 3);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(*queue.pop(), 10 * round + i);
    EXPECT_OK(queue.try_push(99));
    EXPECT_EQ(*queue.try_pop(), 10 * round + 2);
    EXPECT_EQ(*queue.pop_for(0ns), 99);
  }
  EXPECT_EQ(queue.size(), 0);
  EXPECT_EQ(queue.high_water(), 3);
  EXPECT_EQ(queue.dropped(), 0);
}

TEST(BoundedQueue, is_constant_initialised) {
  EXPECT_OK(constant_initialised.push(1));
  EXPECT_EQ(*constant_initialised.pop(), 1);
}

TEST(BoundedQueue, says_why_a_try_failed) {
  BoundedQueue<int, 1> queue;
  EXPECT_EQ(queue.try_pop().code(), StatusCode::unavailable);
  EXPECT_OK(queue.try_push(1));
  EXPECT_EQ(queue.try_push(2).code(), StatusCode::unavailable);
  queue.close();
  EXPECT_EQ(queue.try_push(2).code(), StatusCode::closed);
  EXPECT_EQ(*queue.try_pop(), 1);
  EXPECT_EQ(queue.try_pop().code(), StatusCode::closed);
}

// The item that other libraries eat: moved into a parameter, and gone with it.
TEST(BoundedQueue, a_failed_push_leaves_the_item_with_the_caller) {
  BoundedQueue<std::unique_ptr<int>, 1> queue;
  EXPECT_OK(queue.push(std::make_unique<int>(1)));
  auto item = std::make_unique<int>(2);
  EXPECT_EQ(queue.try_push(std::move(item)).code(), StatusCode::unavailable);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(queue.push_for(std::move(item), 1ms).code(), StatusCode::timed_out);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(queue.push_until(std::move(item), TimePoint::min()).code(), StatusCode::timed_out);
  ASSERT_NE(item, nullptr);
  queue.close();
  EXPECT_EQ(queue.try_push(std::move(item)).code(), StatusCode::closed);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(queue.push(std::move(item)).code(), StatusCode::closed);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(*item, 2);  // NOLINT(bugprone-use-after-move): what the test is about
}

TEST(BoundedQueue, a_dropped_item_is_destroyed_and_counted) {
  std::atomic<int> destroyed{0};
  BoundedQueue<Probe, 1> queue;
  EXPECT_TRUE(queue.push_or_drop(Probe(1, &destroyed)));
  EXPECT_EQ(destroyed.load(), 0);
  EXPECT_FALSE(queue.push_or_drop(Probe(2, &destroyed)));
  EXPECT_EQ(destroyed.load(), 1);
  EXPECT_EQ(queue.dropped(), 1);
  EXPECT_EQ(queue.pop()->number, 1);
  EXPECT_EQ(destroyed.load(), 2);
  queue.close();
  EXPECT_FALSE(queue.push_or_drop(Probe(3, &destroyed)));
  EXPECT_EQ(queue.dropped(), 2);
}

TEST(BoundedQueue, an_evicted_item_is_handed_out) {
  std::atomic<int> destroyed{0};
  BoundedQueue<Probe, 2> queue;
  EXPECT_FALSE(queue.push_evict(Probe(1, &destroyed)).has_value());
  EXPECT_FALSE(queue.push_evict(Probe(2, &destroyed)).has_value());
  {
    const std::optional<Probe> evicted = queue.push_evict(Probe(3, &destroyed));
    ASSERT_TRUE(evicted.has_value());
    EXPECT_EQ(evicted->number, 1);
    EXPECT_EQ(destroyed.load(), 0);
  }
  EXPECT_EQ(destroyed.load(), 1);
  EXPECT_EQ(queue.size(), 2);
  EXPECT_EQ(queue.pop()->number, 2);
  queue.close();
  const std::optional<Probe> refused = queue.push_evict(Probe(4, &destroyed));
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->number, 4);
  EXPECT_EQ(queue.pop()->number, 3);
}

TEST(BoundedQueue, destroys_what_is_left) {
  std::atomic<int> destroyed{0};
  {
    BoundedQueue<Probe, 3> queue;
    for (int i = 0; i < 3; ++i) EXPECT_OK(queue.push(Probe(i, &destroyed)));
    EXPECT_EQ(queue.pop()->number, 0);
    EXPECT_OK(queue.push(Probe(3, &destroyed)));  // around the ring
  }
  EXPECT_EQ(destroyed.load(), 4);
}

/// Its destructor uses the queue that it came from: under the lock it would wait for itself.
struct Caller {
  explicit Caller(BoundedQueue<Caller, 2>* home) : queue(home) {}
  Caller(Caller&& other) noexcept : queue(std::exchange(other.queue, nullptr)) {}
  ~Caller();
  BoundedQueue<Caller, 2>* queue;
};
Caller::~Caller() {
  if (queue != nullptr) EXPECT_LE(queue->size(), 2);
}
TEST(BoundedQueue, no_item_is_destroyed_under_the_lock) {
  BoundedQueue<Caller, 2> queue;
  for (int i = 0; i < 2; ++i) EXPECT_OK(queue.push(Caller(&queue)));
  EXPECT_EQ(queue.try_push(Caller(&queue)).code(), StatusCode::unavailable);
  EXPECT_FALSE(queue.push_or_drop(Caller(&queue)));
  EXPECT_TRUE(queue.push_evict(Caller(&queue)).has_value());
  EXPECT_OK(queue.pop());
  EXPECT_OK(queue.try_pop());
  queue.close();
  EXPECT_FALSE(queue.push_or_drop(Caller(&queue)));
  EXPECT_TRUE(queue.push_evict(Caller(&queue)).has_value());
}

TEST(BoundedQueue, makes_no_system_call_while_nobody_waits) {
  BoundedQueue<int, 2> queue;
  {
    Sleeper popper([&] { EXPECT_OK(queue.pop()); });
    EXPECT_OK(queue.push(1));
  }
  EXPECT_EQ(queue.pop_for(1ms).code(), StatusCode::timed_out);
  EXPECT_OK(queue.push(1));
  EXPECT_EQ(queue.wait_drained_for(1ms).code(), StatusCode::timed_out);
  EXPECT_OK(queue.pop());
  const FaultInjection futex(SystemCall::futex, ENOSYS, 1'000'000);
  for (int i = 0; i < 100; ++i) {
    EXPECT_OK(queue.push(i));
    EXPECT_OK(queue.try_push(i));
    EXPECT_FALSE(queue.push_or_drop(i));
    EXPECT_TRUE(queue.push_evict(i).has_value());
    EXPECT_OK(queue.pop());
    EXPECT_OK(queue.pop_until(takt::kNever));
    queue.wait_drained();
  }
  queue.close();
  EXPECT_EQ(futex.calls(), 0);
}

TEST(BoundedQueue, times_out) {
  BoundedQueue<int, 1> queue;
  TimePoint start = takt::now();
  EXPECT_EQ(queue.pop_for(2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 2ms);
  auto wall = std::chrono::system_clock::now() + 2ms;
  EXPECT_EQ(queue.pop_until(wall).code(), StatusCode::timed_out);
  EXPECT_GE(std::chrono::system_clock::now(), wall);
  EXPECT_OK(queue.push(1));
  start = takt::now();
  EXPECT_EQ(queue.push_for(2, 2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_EQ(queue.wait_drained_until(start + 5ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 5ms);
  wall = std::chrono::system_clock::now() + 2ms;
  EXPECT_EQ(queue.push_until(2, wall).code(), StatusCode::timed_out);
  EXPECT_EQ(queue.wait_drained_until(wall).code(), StatusCode::timed_out);
  EXPECT_GE(std::chrono::system_clock::now(), wall);
}

TEST(BoundedQueue, a_deadline_that_has_passed_times_out_at_once) {
  BoundedQueue<int, 1> queue;
  const auto wall_min = std::chrono::system_clock::time_point::min();
  for (const TimePoint passed : {TimePoint::min(), TimePoint{}}) {
    EXPECT_EQ(queue.pop_until(passed).code(), StatusCode::timed_out);
    EXPECT_OK(queue.wait_drained_until(passed));
    EXPECT_OK(queue.push_until(1, passed));
    EXPECT_EQ(queue.push_until(2, passed).code(), StatusCode::timed_out);
    EXPECT_EQ(queue.wait_drained_until(passed).code(), StatusCode::timed_out);
    EXPECT_EQ(*queue.pop_until(passed), 1);
  }
  EXPECT_EQ(queue.pop_until(wall_min).code(), StatusCode::timed_out);
  EXPECT_EQ(queue.pop_for(std::chrono::hours::min()).code(), StatusCode::timed_out);
  EXPECT_OK(queue.push_for(1, -1s));
  EXPECT_EQ(queue.push_until(2, wall_min).code(), StatusCode::timed_out);
  EXPECT_OK(queue.pop_until(wall_min));
}

// Set back by 5 ms during the wait, the wall clock prolongs a wait until one of its times.
TEST(BoundedQueue, a_wait_until_a_wall_time_notices_that_it_was_set) {
  BoundedQueue<int, 1> queue;
  const TimePoint start = takt::now();
  SteppedClock::will_step_by(-5ms);
  const SteppedClock::time_point soon(start.time_since_epoch() + 1ms);
  EXPECT_EQ(queue.pop_until(soon).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 6ms);
}

/// Each form of waiting without end.
enum class Form { plain, for_max, until_never, until_wall_max };
constexpr const char* to_string(Form form) noexcept {
  constexpr const char* kNames[] = {"plain", "for_max", "until_never", "until_wall_max"};
  return kNames[static_cast<int>(form)];
}
template <class Plain, class For, class Until>
auto wait_for_ever(Form form, Plain plain, For wait_for, Until wait_until) {
  switch (form) {
    case Form::plain:
      break;
    case Form::for_max:
      return wait_for(std::chrono::hours::max());
    case Form::until_never:
      return wait_until(takt::kNever);
    case Form::until_wall_max:
      return wait_until(std::chrono::system_clock::time_point::max());
  }
  return plain();
}
TEST_EACH(BoundedQueue, wakes_who_sleeps, Form::plain, Form::for_max, Form::until_never,
          Form::until_wall_max) {
  BoundedQueue<int, 1> queue;
  {
    Sleeper popper([&] {
      EXPECT_EQ(*wait_for_ever(
                    param, [&] { return queue.pop(); }, [&](auto d) { return queue.pop_for(d); },
                    [&](auto t) { return queue.pop_until(t); }),
                1);
    });
    EXPECT_OK(queue.push(1));
  }
  EXPECT_OK(queue.push(2));
  {
    Sleeper pusher([&] {
      EXPECT_OK(wait_for_ever(
          param, [&] { return queue.push(3); }, [&](auto d) { return queue.push_for(3, d); },
          [&](auto t) { return queue.push_until(3, t); }));
    });
    EXPECT_EQ(*queue.pop(), 2);
  }
  Sleeper drainer([&] {
    EXPECT_OK(wait_for_ever(
        param, [&] { return queue.wait_drained(), Status(); },
        [&](auto d) { return queue.wait_drained_for(d); },
        [&](auto t) { return queue.wait_drained_until(t); }));
  });
  EXPECT_EQ(*queue.pop(), 3);
}

/// How many of them have slept on without a break.
template <std::size_t N>
std::size_t undisturbed(std::array<std::optional<Sleeper>, N>& sleepers) {
  std::size_t count = 0;
  for (auto& sleeper : sleepers) count += sleeper->undisturbed() ? 1U : 0U;
  return count;
}

// Who waits for an item, for room and for the queue to be empty: a change wakes one of whom it
// concerns. (Poppers and pushers cannot wait at a time.)
TEST(BoundedQueue, a_wake_up_hits_the_right_sleeper) {
  BoundedQueue<int, 2> queue;
  {
    std::array<std::optional<Sleeper>, 3> poppers;
    for (auto& popper : poppers) popper.emplace([&] { EXPECT_OK(queue.pop()); });
    EXPECT_OK(queue.push(1));
    while (queue.size() != 0) ::sched_yield();
    EXPECT_EQ(undisturbed(poppers), 2);
    EXPECT_OK(queue.push(2));
    EXPECT_OK(queue.push(3));
  }
  EXPECT_OK(queue.push(1));
  EXPECT_OK(queue.push(2));
  std::array<std::optional<Sleeper>, 2> drainers;
  for (auto& drainer : drainers) drainer.emplace([&] { queue.wait_drained(); });
  std::array<std::optional<Sleeper>, 3> pushers;
  for (auto& pusher : pushers) pusher.emplace([&] { EXPECT_OK(queue.push(3)); });
  EXPECT_OK(queue.pop());
  while (queue.size() != 2) ::sched_yield();
  EXPECT_EQ(undisturbed(pushers), 2);
  EXPECT_EQ(undisturbed(drainers), 2);
  for (int i = 0; i < 4; ++i) EXPECT_OK(queue.pop());
  for (auto& drainer : drainers) drainer->join();
  for (auto& pusher : pushers) pusher->join();
}

// A second push does not rely on the thread that the first one woke.
TEST(BoundedQueue, as_many_pushes_wake_as_many_sleepers) {
  BoundedQueue<int, 4> queue;
  std::array<std::optional<Sleeper>, 4> poppers;
  for (auto& popper : poppers) popper.emplace([&] { EXPECT_OK(queue.pop()); });
  for (int i = 0; i < 4; ++i) EXPECT_OK(queue.push(i));
  for (auto& popper : poppers) popper->join();
}

TEST(BoundedQueue, close_strands_no_popper) {
  BoundedQueue<int, 1> queue;
  std::array<std::optional<Sleeper>, 4> poppers;
  for (auto& popper : poppers) {
    popper.emplace([&] { EXPECT_EQ(queue.pop().code(), StatusCode::closed); });
  }
  queue.close();
  for (auto& popper : poppers) popper->join();
  EXPECT_TRUE(queue.closed());
  queue.close();
  EXPECT_EQ(queue.pop_for(1h).code(), StatusCode::closed);
}

TEST(BoundedQueue, close_strands_no_pusher_and_keeps_what_is_there) {
  BoundedQueue<int, 1> queue;
  EXPECT_OK(queue.push(1));
  std::array<std::optional<Sleeper>, 4> pushers;
  for (auto& pusher : pushers) {
    pusher.emplace([&] { EXPECT_EQ(queue.push(2).code(), StatusCode::closed); });
  }
  Sleeper drainer([&] { queue.wait_drained(); });
  EXPECT_FALSE(queue.closed());
  queue.close();
  for (auto& pusher : pushers) pusher->join();
  EXPECT_TRUE(drainer.undisturbed());
  EXPECT_EQ(*queue.pop(), 1);
  EXPECT_EQ(queue.pop().code(), StatusCode::closed);
}

// Empty for a moment only, while who waits for that does not run: it counts.
TEST(BoundedQueue, a_drained_queue_may_be_full_again) {
  BoundedQueue<int, 1> queue;
  EXPECT_OK(queue.push(1));
  Sleeper drainer([&] { queue.wait_drained(); });
  EXPECT_OK(queue.pop());
  EXPECT_OK(queue.push(2));
  drainer.join();
}

TEST(BoundedQueue, orders_what_was_before_the_push) {
  constexpr int kRounds = 20'000;
  const auto rounds = static_cast<int>(kRounds / takt::test::time_scale());
  BoundedQueue<int*, 2> queue;
  static int values[kRounds] = {};  // plain: the thread sanitizer judges
  std::thread pusher([&] {
    for (int round = 0; round < rounds; ++round) {
      values[round] = round;
      EXPECT_OK(queue.push(&values[round]));
    }
  });
  for (int round = 0; round < rounds; ++round) EXPECT_EQ(**queue.pop(), round);
  pusher.join();
}

// Who got the last item may destroy the queue at once, while push() is still on its way out of the
// other thread. The memory is scribbled over and used for the next queue.
TEST(BoundedQueue, may_be_destroyed_by_who_takes_the_last) {
  const auto rounds = static_cast<int>(50'000 / takt::test::time_scale());
  using Queue = BoundedQueue<int, 1>;
  std::optional<Queue> queue;
  std::atomic<Queue*> offered{nullptr};
  std::thread pusher([&offered, rounds] {
    for (int round = 0; round < rounds; ++round) {
      Queue* taken = nullptr;
      while ((taken = offered.exchange(nullptr)) == nullptr) ::sched_yield();
      EXPECT_OK(taken->push(round));
    }
  });
  for (int round = 0; round < rounds; ++round) {
    queue.emplace();
    offered.store(&*queue);
    EXPECT_EQ(*queue->pop(), round);
    queue.reset();
  }
  pusher.join();
}

}  // namespace
