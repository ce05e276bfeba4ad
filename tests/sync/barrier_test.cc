// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/barrier.h"

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "takt/tests/support/test.h"
#include "takt/tests/sync/shared_mapping.h"
#include "takt/tests/sync/sleeper.h"

namespace {

using namespace std::chrono_literals;
using takt::Barrier;
using takt::Result;
using takt::StatusCode;
using takt::TimePoint;
using takt::test::Sleeper;
using Index = Result<std::ptrdiff_t>;

static_assert(!std::is_copy_constructible_v<Barrier<>>);
static_assert(std::is_same_v<Barrier<>::arrival_token, Barrier<>::ArrivalToken>);
static_assert(!std::is_copy_constructible_v<Barrier<>::arrival_token>);
static_assert(Barrier<>::max() == 4095);
constinit Barrier<> constant_initialised(1);

/// Counts its calls.
struct Count {
  void operator()() noexcept { ++*calls; }
  int* calls;
};
static_assert(sizeof(Barrier<Count>) <= 32);

// One contract for us and for the standard's barrier.
TEST_TYPES(Barrier, meets_as_the_standards, Barrier<Count>, std::barrier<Count>) {
  int calls = 0;
  Type barrier(3, Count{&calls});
  auto first = barrier.arrive();
  auto second = barrier.arrive(2);
  EXPECT_EQ(calls, 1);
  static_cast<void>(barrier.wait(std::move(first)));
  static_cast<void>(barrier.wait(std::move(second)));
  barrier.arrive_and_drop();
  auto third = barrier.arrive();
  EXPECT_EQ(calls, 1);
  static_cast<void>(barrier.arrive_and_wait());
  EXPECT_EQ(calls, 2);
  static_cast<void>(barrier.wait(std::move(third)));
  static_cast<void>(barrier.wait(barrier.arrive(2)));  // two parties are left
  EXPECT_EQ(calls, 3);
}

/// Copied instead of moved, which may throw: only calling it must not.
struct Named {
  const std::string name;
  int* calls;
  void operator()() const noexcept { ++*calls; }
};
static_assert(!std::is_nothrow_move_constructible_v<Named>);

TEST_TYPES(Barrier, takes_a_completion_whose_move_may_throw, Barrier<Named>, std::barrier<Named>) {
  int calls = 0;
  Type barrier(1, Named{"a name that is not short enough to be kept inside", &calls});
  static_cast<void>(barrier.wait(barrier.arrive()));
  EXPECT_EQ(calls, 1);
}

TEST(Barrier, of_one_never_waits) {
  for (int phase = 0; phase < 3; ++phase) {
    const Index index = constant_initialised.arrive_and_wait();
    ASSERT_OK(index);
    EXPECT_EQ(*std::as_const(index).operator->(), 0);
  }
}

TEST(Barrier, misuse_aborts) {
  EXPECT_ABORT([] { const Barrier<> barrier(-1); }, "Barrier: parties out of range");
  EXPECT_ABORT([] { const Barrier<> barrier(4096); }, "Barrier: parties out of range");
  EXPECT_ABORT([] { static_cast<void>(Barrier<>(1).arrive(0)); }, "Barrier: update out of range");
  EXPECT_ABORT([] { static_cast<void>(Barrier<>(2).arrive(3)); },
               "Barrier: more arrivals than the phase expects");
  EXPECT_ABORT([] { static_cast<void>(Barrier<>(0).arrive()); },
               "Barrier: more arrivals than the phase expects");
  EXPECT_ABORT(
      [] {
        Barrier<> barrier(1);
        barrier.abort();
        barrier.arrive_and_drop();
        barrier.arrive_and_drop();
      },
      "Barrier: more arrivals than the phase expects");
}

TEST(Barrier, gives_the_order_of_arrival) {
  Barrier<> barrier(3);
  Sleeper first([&] { EXPECT_EQ(barrier.arrive_and_wait().value_or(-1), 0); });
  EXPECT_EQ(barrier.waiting(), 1);
  Sleeper second([&] { EXPECT_EQ(barrier.arrive_and_wait().value_or(-1), 1); });
  EXPECT_EQ(barrier.waiting(), 2);
  EXPECT_TRUE(first.undisturbed() && second.undisturbed());
  EXPECT_EQ(barrier.arrive_and_wait().value_or(-1), 2);
  first.join();
  second.join();
  EXPECT_EQ(barrier.waiting(), 0);
}

TEST(Barrier, a_time_out_breaks_it) {
  Barrier<> barrier(2);
  const TimePoint start = takt::now();
  EXPECT_EQ(barrier.arrive_and_wait_for(2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_TRUE(barrier.broken());
  EXPECT_EQ(barrier.arrive_and_wait().code(), StatusCode::broken);
  EXPECT_EQ(barrier.arrive_and_wait_until(TimePoint::min()).code(), StatusCode::broken);
  EXPECT_EQ(barrier.wait(barrier.arrive()).code(), StatusCode::broken);
  const auto wall = std::chrono::system_clock::now() + 2ms;
  barrier.reset();
  EXPECT_EQ(barrier.arrive_and_wait_until(wall).code(), StatusCode::timed_out);
  EXPECT_GE(std::chrono::system_clock::now(), wall);
}

TEST(Barrier, a_time_out_tells_the_others) {
  Barrier<> barrier(4);
  Sleeper first([&] { EXPECT_EQ(barrier.arrive_and_wait().code(), StatusCode::broken); });
  Sleeper second([&] { EXPECT_EQ(barrier.arrive_and_wait_for(1h).code(), StatusCode::broken); });
  auto token = barrier.arrive();
  EXPECT_EQ(barrier.wait_for(std::move(token), 1ms).code(), StatusCode::timed_out);
}

TEST(Barrier, the_last_arrival_ignores_the_deadline) {
  Barrier<> barrier(2);
  Sleeper waiter([&] { EXPECT_OK(barrier.arrive_and_wait_for(1h)); });
  EXPECT_OK(barrier.arrive_and_wait_until(TimePoint::min()));
}

TEST(Barrier, abort_tells_all) {
  Barrier<> barrier(4);
  std::array<std::optional<Sleeper>, 3> waiters;
  for (auto& waiter : waiters) {
    waiter.emplace([&] { EXPECT_EQ(barrier.arrive_and_wait().code(), StatusCode::broken); });
  }
  barrier.abort();
  for (auto& waiter : waiters) waiter->join();
  EXPECT_TRUE(barrier.broken());
  EXPECT_EQ(barrier.waiting(), 0);
}

TEST(Barrier, reset_begins_anew) {
  Barrier<> barrier(2);
  auto old = barrier.arrive();
  barrier.abort();
  barrier.reset();
  EXPECT_FALSE(barrier.broken());
  EXPECT_EQ(barrier.wait(std::move(old)).code(), StatusCode::broken);
  Sleeper waiter([&] { EXPECT_OK(barrier.arrive_and_wait()); });
  EXPECT_OK(barrier.arrive_and_wait());
}

TEST(Barrier, reset_breaks_those_who_wait) {
  Barrier<> barrier(2);
  Sleeper waiter([&] { EXPECT_EQ(barrier.arrive_and_wait().code(), StatusCode::broken); });
  barrier.reset();
  waiter.join();
  EXPECT_FALSE(barrier.broken());
}

TEST(Barrier, a_drop_lasts) {
  Barrier<> barrier(3);
  barrier.arrive_and_drop();
  barrier.abort();
  barrier.arrive_and_drop();  // of a broken one as well
  barrier.reset();
  for (int phase = 0; phase < 3; ++phase) EXPECT_OK(barrier.arrive_and_wait());
}

/// Breaks the barrier that calls it.
struct Breaker {
  void operator()() const noexcept { (*barrier)->abort(); }
  Barrier<Breaker>** barrier;
};

TEST(Barrier, abort_by_the_completion_breaks_the_next_phase) {
  Barrier<Breaker>* self = nullptr;
  Barrier<Breaker> barrier(1, Breaker{&self});
  self = &barrier;
  EXPECT_OK(barrier.arrive_and_wait());
  EXPECT_TRUE(barrier.broken());
  EXPECT_EQ(barrier.arrive_and_wait().code(), StatusCode::broken);
  barrier.reset();
  EXPECT_OK(barrier.arrive_and_wait());
}

TEST(Barrier, orders_what_was_before_and_runs_the_completion_alone) {
  constexpr int kThreads = 4;
  constexpr int kPhases = 500;
  int calls = 0;  // plain: the thread sanitizer judges
  int written[kThreads] = {};
  Barrier<Count> barrier(kThreads, Count{&calls});
  std::vector<std::thread> threads;
  for (int& own : written) {
    threads.emplace_back([&] {
      for (int phase = 1; phase <= kPhases; ++phase) {
        own = phase;
        EXPECT_OK(barrier.arrive_and_wait());
        EXPECT_EQ(calls, 2 * phase - 1);
        for (const int& other : written) EXPECT_EQ(other, phase);
        EXPECT_OK(barrier.arrive_and_wait());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Barrier, of_as_many_as_there_can_be) {
  Barrier<> barrier(Barrier<>::max());
  auto token = barrier.arrive(Barrier<>::max() - 1);
  EXPECT_EQ(barrier.arrive_and_wait().value_or(-1), Barrier<>::max() - 1);
  EXPECT_OK(barrier.wait(std::move(token)));
}

// In memory that is mapped at two addresses.
TEST(Barrier, works_between_mappings) {
  using Shared = takt::ProcessBarrier<>;
  const takt::test::SharedMapping mapping(sizeof(Shared));
  const takt::test::SharedMapping again = mapping.mapped_again();
  Shared& here = *new (mapping.data()) Shared(2);
  Shared& there = *static_cast<Shared*>(again.data());
  Sleeper waiter([&] { EXPECT_OK(there.arrive_and_wait()); });
  EXPECT_OK(here.arrive_and_wait());
}

}  // namespace
