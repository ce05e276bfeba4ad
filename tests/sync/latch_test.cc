// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/latch.h"

#include <atomic>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "takt/platform/thread_id.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/report.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Latch;
using takt::StatusCode;
using takt::TimePoint;

static_assert(!std::is_copy_constructible_v<Latch>);
static_assert(Latch::max() == INT_MAX);
constinit Latch constant_initialised(3);

TEST(Latch, opens_at_zero) {
  Latch latch(2);
  EXPECT_FALSE(latch.try_wait());
  latch.count_down();
  EXPECT_EQ(latch.count(), 1);
  EXPECT_FALSE(latch.try_wait());
  latch.count_down();
  EXPECT_EQ(latch.count(), 0);
  EXPECT_TRUE(latch.try_wait());
  latch.wait();
  latch.wait();  // it stays open
}

TEST(Latch, of_zero_is_open) {
  const Latch latch(0);
  latch.wait();
  EXPECT_OK(latch.wait_for(0ns));
}

TEST(Latch, counts_down_by_several) {
  Latch latch(Latch::max());
  latch.count_down(0);
  EXPECT_EQ(latch.count(), Latch::max());
  latch.count_down(Latch::max() - 1);
  EXPECT_EQ(latch.count(), 1);
  latch.arrive_and_wait();
  EXPECT_EQ(latch.count(), 0);
}

TEST(Latch, is_constant_initialised) {
  constant_initialised.arrive_and_wait(3);
  EXPECT_TRUE(constant_initialised.try_wait());
}

TEST(Latch, misuse_aborts) {
  EXPECT_ABORT([] { Latch latch(-1); }, "Latch: count out of range");
  // There is no count above max() where ptrdiff_t has 32 bits.
  if constexpr (Latch::max() < PTRDIFF_MAX) {
    EXPECT_ABORT([] { Latch latch(std::ptrdiff_t{INT_MAX} + std::ptrdiff_t{sizeof(void*) == 8}); },
                 "Latch: count out of range");
  }
  EXPECT_ABORT([] { Latch(1).count_down(2); }, "Latch: counted down below zero");
  EXPECT_ABORT([] { Latch(1).count_down(-1); }, "Latch: update out of range");
}

TEST(Latch, times_out) {
  const Latch latch(1);
  const TimePoint start = takt::now();
  EXPECT_EQ(latch.wait_for(2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_EQ(latch.wait_until(start + 5ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 5ms);
  const auto wall = std::chrono::system_clock::now() + 2ms;
  EXPECT_EQ(latch.wait_until(wall).code(), StatusCode::timed_out);
  EXPECT_GE(std::chrono::system_clock::now(), wall);
}

TEST(Latch, a_deadline_that_has_passed_times_out_at_once) {
  const Latch latch(1);
  EXPECT_EQ(latch.wait_for(0ns).code(), StatusCode::timed_out);
  EXPECT_EQ(latch.wait_for(std::chrono::hours::min()).code(), StatusCode::timed_out);
  EXPECT_EQ(latch.wait_until(TimePoint::min()).code(), StatusCode::timed_out);
  EXPECT_EQ(latch.wait_until(TimePoint{}).code(), StatusCode::timed_out);
  EXPECT_EQ(latch.wait_until(std::chrono::system_clock::time_point::min()).code(),
            StatusCode::timed_out);
}

TEST(Latch, an_open_one_ignores_the_deadline) {
  const Latch latch(0);
  EXPECT_OK(latch.wait_until(TimePoint::min()));
  EXPECT_OK(latch.wait_for(-1s));
}

/// Each form of waiting without end.
enum class Form { wait, for_max, until_never, until_wall_max };
constexpr const char* to_string(Form form) noexcept {
  constexpr const char* kNames[] = {"wait", "for_max", "until_never", "until_wall_max"};
  return kNames[static_cast<int>(form)];
}
TEST_EACH(Latch, wakes_who_sleeps, Form::wait, Form::for_max, Form::until_never,
          Form::until_wall_max) {
  Latch latch(1);
  std::atomic<std::int32_t> id{0};
  std::thread waiter([&] {
    id.store(takt::platform::thread_id());
    switch (param) {
      case Form::wait:
        return latch.wait();
      case Form::for_max:
        return static_cast<void>(EXPECT_OK(latch.wait_for(std::chrono::hours::max())));
      case Form::until_never:
        return static_cast<void>(EXPECT_OK(latch.wait_until(takt::kNever)));
      case Form::until_wall_max:
        return static_cast<void>(
            EXPECT_OK(latch.wait_until(std::chrono::system_clock::time_point::max())));
    }
  });
  takt::test::wait_until_asleep(id);
  latch.count_down();
  waiter.join();
}

TEST(Latch, wakes_all_who_sleep) {
  Latch latch(1);
  std::atomic<std::int32_t> ids[8] = {};
  std::vector<std::thread> waiters;
  for (auto& id : ids) {
    waiters.emplace_back([&latch, &id] {
      id.store(takt::platform::thread_id());
      latch.wait();
    });
  }
  for (auto& id : ids) takt::test::wait_until_asleep(id);
  latch.count_down();
  for (std::thread& waiter : waiters) waiter.join();
}

TEST(Latch, orders_what_was_before_the_arrivals) {
  constexpr int kThreads = 8;
  const auto rounds = static_cast<int>(200 / takt::test::time_scale());
  for (int round = 0; round < rounds; ++round) {
    Latch latch(kThreads);
    int written[kThreads] = {};  // plain: the thread sanitizer judges
    std::vector<std::thread> arrivals;
    for (int& value : written) {
      arrivals.emplace_back([&latch, &value] {
        value = 1;
        latch.arrive_and_wait();
      });
    }
    latch.wait();
    for (const int value : written) EXPECT_EQ(value, 1);
    for (std::thread& arrival : arrivals) arrival.join();
  }
}

// Whoever returns from wait() may destroy the latch at once, while count_down() is still on its way
// out of the other thread. The memory is scribbled over and used for the next latch.
TEST(Latch, may_be_destroyed_by_who_waited) {
  const auto rounds = static_cast<std::uint32_t>(100'000 / takt::test::time_scale());
  std::optional<Latch> latch;
  std::atomic<Latch*> offered{nullptr};
  std::thread counter([&offered, rounds] {
    for (std::uint32_t round = 0; round < rounds; ++round) {
      Latch* taken = nullptr;
      while ((taken = offered.exchange(nullptr)) == nullptr) ::sched_yield();
      taken->count_down();
    }
  });
  for (std::uint32_t round = 0; round < rounds; ++round) {
    latch.emplace(1);
    offered.store(&*latch);
    latch->wait();
    latch.reset();
  }
  counter.join();
}

}  // namespace
