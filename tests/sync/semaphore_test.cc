// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/semaphore.h"

#include <sched.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <semaphore>
#include <thread>
#include <type_traits>
#include <vector>

#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/report.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/sleeper.h"

namespace {

using namespace std::chrono_literals;
using takt::Semaphore;
using takt::TimePoint;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::Sleeper;
using takt::test::SteppedClock;

static_assert(!std::is_copy_constructible_v<Semaphore>);
static_assert(Semaphore::max() == 1'048'575);
constinit Semaphore constant_initialised(3);

// One contract for us and for the standard's semaphore.
TEST_TYPES(Semaphore, counts_as_the_standards, Semaphore, std::counting_semaphore<1'000>) {
  Type semaphore(2);
  EXPECT_TRUE(semaphore.try_acquire());
  semaphore.acquire();
  EXPECT_FALSE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire_for(0ns));
  EXPECT_FALSE(semaphore.try_acquire_until(std::chrono::steady_clock::now()));
  semaphore.release();
  semaphore.release(2);
  EXPECT_TRUE(semaphore.try_acquire_for(1h));
  EXPECT_TRUE(semaphore.try_acquire_until(std::chrono::steady_clock::now() + 1h));
  EXPECT_TRUE(semaphore.try_acquire_until(std::chrono::system_clock::now() + 1h));
  EXPECT_FALSE(semaphore.try_acquire());
}

TEST(Semaphore, is_constant_initialised) {
  constant_initialised.release(Semaphore::max() - 3);
  EXPECT_TRUE(constant_initialised.try_acquire());
}

TEST(Semaphore, misuse_aborts) {
  EXPECT_ABORT([] { Semaphore semaphore(-1); }, "Semaphore: permits out of range");
  EXPECT_ABORT([] { Semaphore semaphore(Semaphore::max() + 1); },
               "Semaphore: permits out of range");
  EXPECT_ABORT([] { Semaphore(0).release(-1); }, "Semaphore: update out of range");
  EXPECT_ABORT([] { Semaphore(0).release(Semaphore::max() + 1); },
               "Semaphore: update out of range");
  EXPECT_ABORT([] { Semaphore(Semaphore::max()).release(); }, "Semaphore: released above max()");
  EXPECT_ABORT([] { Semaphore(1).release(Semaphore::max()); }, "Semaphore: released above max()");
}

TEST(Semaphore, uncontended_makes_no_system_call) {
  const FaultInjection futex(SystemCall::futex, ENOSYS, 1'000'000);
  Semaphore semaphore(1);
  for (int i = 0; i < 100; ++i) {
    semaphore.acquire();
    EXPECT_FALSE(semaphore.try_acquire());
    semaphore.release();
    EXPECT_TRUE(semaphore.try_acquire_until(takt::kNever));
    semaphore.release(1);
    semaphore.release(0);
  }
  EXPECT_EQ(futex.calls(), 0);
}

// Neither who was woken nor who gave up is looked for later.
TEST(Semaphore, makes_no_system_call_after_a_wait) {
  Semaphore semaphore(0);
  Sleeper waiter([&] { semaphore.acquire(); });
  semaphore.release();
  waiter.join();
  EXPECT_FALSE(semaphore.try_acquire_for(1ms));
  const FaultInjection futex(SystemCall::futex, ENOSYS, 1'000'000);
  semaphore.release();
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_EQ(futex.calls(), 0);
}

TEST(Semaphore, times_out) {
  Semaphore semaphore(0);
  const TimePoint start = takt::now();
  EXPECT_FALSE(semaphore.try_acquire_for(2ms));
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_FALSE(semaphore.try_acquire_until(start + 5ms));
  EXPECT_GE(takt::now(), start + 5ms);
  const auto wall = std::chrono::system_clock::now() + 2ms;
  EXPECT_FALSE(semaphore.try_acquire_until(wall));
  EXPECT_GE(std::chrono::system_clock::now(), wall);
}

TEST(Semaphore, a_deadline_that_has_passed_times_out_at_once) {
  Semaphore semaphore(0);
  EXPECT_FALSE(semaphore.try_acquire_for(0ns));
  EXPECT_FALSE(semaphore.try_acquire_for(std::chrono::hours::min()));
  EXPECT_FALSE(semaphore.try_acquire_until(TimePoint::min()));
  EXPECT_FALSE(semaphore.try_acquire_until(TimePoint{}));
  EXPECT_FALSE(semaphore.try_acquire_until(std::chrono::system_clock::time_point::min()));
  semaphore.release(2);
  EXPECT_TRUE(semaphore.try_acquire_until(TimePoint::min()));
  EXPECT_TRUE(semaphore.try_acquire_for(-1s));
}

// The wall clock is set back by 5 ms during the wait: a wait until one of its times lasts as much
// longer. Set forward by an hour, it is over when the wait looks at it again.
TEST(Semaphore, a_wait_until_a_wall_time_notices_that_it_was_set) {
  Semaphore semaphore(0);
  const TimePoint start = takt::now();
  SteppedClock::will_step_by(-5ms);
  EXPECT_FALSE(
      semaphore.try_acquire_until(SteppedClock::time_point(start.time_since_epoch() + 1ms)));
  EXPECT_GE(takt::now(), start + 6ms);
  SteppedClock::will_step_by(1h);
  const auto soon = SteppedClock::time_point(takt::now().time_since_epoch() + 2ms);
  EXPECT_FALSE(semaphore.try_acquire_until(soon));
}

/// Each form of waiting without end.
enum class Form { acquire, for_max, until_never, until_wall_max };
constexpr const char* to_string(Form form) noexcept {
  constexpr const char* kNames[] = {"acquire", "for_max", "until_never", "until_wall_max"};
  return kNames[static_cast<int>(form)];
}
TEST_EACH(Semaphore, wakes_who_sleeps, Form::acquire, Form::for_max, Form::until_never,
          Form::until_wall_max) {
  Semaphore semaphore(0);
  Sleeper waiter([&] {
    switch (param) {
      case Form::acquire:
        return semaphore.acquire();
      case Form::for_max:
        return static_cast<void>(EXPECT_TRUE(semaphore.try_acquire_for(std::chrono::hours::max())));
      case Form::until_never:
        return static_cast<void>(EXPECT_TRUE(semaphore.try_acquire_until(takt::kNever)));
      case Form::until_wall_max:
        return static_cast<void>(
            EXPECT_TRUE(semaphore.try_acquire_until(std::chrono::system_clock::time_point::max())));
    }
  });
  semaphore.release();
  waiter.join();
  EXPECT_FALSE(semaphore.try_acquire());
}

// Woken means scheduled: the others do not even look.
TEST(Semaphore, a_release_of_one_wakes_exactly_one) {
  Semaphore semaphore(0);
  std::array<std::optional<Sleeper>, 4> waiters;
  for (auto& waiter : waiters) waiter.emplace([&] { semaphore.acquire(); });
  for (std::size_t released = 1; released <= waiters.size(); ++released) {
    semaphore.release(1);
    std::size_t over = 0;
    while (over < released) {
      over = 0;
      for (auto& waiter : waiters) over += waiter->over() ? 1U : 0U;
      ::sched_yield();
    }
    std::size_t undisturbed = 0;
    for (auto& waiter : waiters) undisturbed += waiter->undisturbed() ? 1U : 0U;
    EXPECT_EQ(undisturbed, waiters.size() - released);
  }
}

TEST(Semaphore, a_release_of_several_wakes_as_many) {
  Semaphore semaphore(0);
  std::array<std::optional<Sleeper>, 4> waiters;
  for (auto& waiter : waiters) waiter.emplace([&] { semaphore.acquire(); });
  const FaultInjection futex(SystemCall::futex, ENOSYS, 1'000'000);
  semaphore.release(4);
  EXPECT_EQ(futex.calls(), 1);
  for (auto& waiter : waiters) waiter->join();
  EXPECT_FALSE(semaphore.try_acquire());
}

// A waiter's time is up, a permit comes, goes and comes again while it looks for the last time: it
// takes the permit or leaves it, and whoever needs it gets it. Two waiters of which one gives up
// again and again, one permit that goes round between them.
TEST(Semaphore, no_permit_is_lost_when_the_count_goes_1_0_1_during_the_last_check) {
  const auto rounds = static_cast<int>(20'000 / takt::test::time_scale());
  Semaphore ping(0);
  Semaphore pong(0);
  std::thread patient([&] {
    for (int round = 0; round < rounds; ++round) {
      ping.acquire();
      ping.release();
      ping.acquire();
      pong.release();
    }
  });
  for (int round = 0; round < rounds; ++round) {
    ping.release();
    // Takes it from under the other one's hands or not, and gives it back.
    if (ping.try_acquire_for(1us)) ping.release();
    pong.acquire();
  }
  patient.join();
  EXPECT_FALSE(ping.try_acquire());
  EXPECT_FALSE(pong.try_acquire());
}

TEST(Semaphore, orders_what_was_before_the_release) {
  const auto rounds = static_cast<int>(20'000 / takt::test::time_scale());
  Semaphore full(0);
  Semaphore empty(1);
  int value = 0;  // plain: the thread sanitizer judges
  std::thread writer([&] {
    for (int round = 1; round <= rounds; ++round) {
      empty.acquire();
      value = round;
      full.release();
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    full.acquire();
    EXPECT_EQ(value, round);
    empty.release();
  }
  writer.join();
}

// Who acquired last may destroy the semaphore at once, while release() is still on its way out of
// the other thread. The memory is scribbled over and used for the next semaphore.
TEST(Semaphore, may_be_destroyed_by_who_acquired_last) {
  const auto rounds = static_cast<std::uint32_t>(100'000 / takt::test::time_scale());
  std::optional<Semaphore> semaphore;
  std::atomic<Semaphore*> offered{nullptr};
  std::thread releaser([&offered, rounds] {
    for (std::uint32_t round = 0; round < rounds; ++round) {
      Semaphore* taken = nullptr;
      while ((taken = offered.exchange(nullptr)) == nullptr) ::sched_yield();
      taken->release();
    }
  });
  for (std::uint32_t round = 0; round < rounds; ++round) {
    semaphore.emplace(0);
    offered.store(&*semaphore);
    semaphore->acquire();
    semaphore.reset();
  }
  releaser.join();
}

}  // namespace
