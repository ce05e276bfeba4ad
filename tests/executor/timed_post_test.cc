// SPDX-License-Identifier: Apache-2.0
// post_at() and post_after(): not before their time, in its order, and ended by stop().
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobContext;
using takt::Priority;
using takt::StatusCode;
using takt::StopMode;
using takt::TimePoint;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

constexpr std::uint32_t kTimers = 12;
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .timers = kTimers}> executor;
takt::StaticExecutor<takt::ExecutorLimits{}> without_timers;

TEST(TimedPost, runs_at_its_time_and_not_before) {
  const Running running(executor, {{.name = "worker"}});
  std::atomic<std::uint32_t> ran{0};
  const TimePoint time = takt::now() + 10ms;
  ASSERT_OK(executor.post_at(time, [&](const JobContext& job) {
    EXPECT_EQ(job.release, time);
    EXPECT_GE(takt::now(), time);
    ran.fetch_add(1);
  }));
  const TimePoint before = takt::now();
  ASSERT_OK(executor.post_after(5ms, [&] {
    EXPECT_GE(takt::now(), before + 5ms);
    ran.fetch_add(1);
  }));
  ASSERT_OK(executor.post_at(takt::now() - 1h, [&] { ran.fetch_add(1); }));
  wait_until([&] { return ran.load() == 3; });
}

TEST(TimedPost, later_posts_of_earlier_times_come_first) {
  const Running running(executor, {{.name = "worker"}});
  takt::test::Random random;
  for (int round = 0; round < 20; ++round) {
    std::array<TimePoint, kTimers> order{};
    std::atomic<std::uint32_t> ran{0};
    Gate gate;
    hold_worker(executor, gate);  // until all are posted, however slow this machine is
    for (std::uint32_t i = 0; i < kTimers; ++i) {
      const TimePoint time = takt::now() + 1ms + std::chrono::microseconds(random.below(3'000));
      ASSERT_OK(executor.post_at(time, [&](const JobContext& job) {
        order.at(ran.load()) = job.release;
        ran.fetch_add(1);
      }));
    }
    gate.open();
    wait_until([&] { return ran.load() == kTimers; });
    for (std::uint32_t i = 1; i < kTimers; ++i) {
      EXPECT_TRUE(order.at(i - 1) <= order.at(i));
    }
  }
}

TEST(TimedPost, has_the_priority_that_was_asked_for) {
  const Running running(executor, {{.name = "worker"}});
  std::atomic<std::uint32_t> ran{0};
  std::array<TimePoint, 2> order{};
  const auto note = [&](const JobContext& job) {
    order.at(ran.load()) = job.release;
    ran.fetch_add(1);
  };
  Gate gate;
  hold_worker(executor, gate);
  const TimePoint time = takt::now() + 1ms;
  ASSERT_OK(executor.post_at(time, note, {.priority = Priority::low}));
  ASSERT_OK(executor.post_at(time + 1us, note, {.priority = Priority::critical}));
  wait_until([&] { return takt::now() > time + 1ms; });
  gate.open();
  wait_until([&] { return ran.load() == 2; });
  EXPECT_EQ(order.at(0), time + 1us);
  EXPECT_EQ(order.at(1), time);
}

TEST(TimedPost, refuses_what_the_limits_do_not_hold) {
  EXPECT_EQ(executor.post_after(1ms, [] {}).code(), StatusCode::failed_precondition);
  const auto token = std::make_shared<int>(1);
  const Running running(executor, {{.name = "worker"}});
  for (std::uint32_t i = 0; i < kTimers; ++i) ASSERT_OK(executor.post_after(1h, [token] {}));
  const takt::Status full = executor.post_after(1h, [token] {});
  EXPECT_EQ(full.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(std::string_view(full.text()),
            "post_at: all 12 timers of lane 0 are in use (ExecutorLimits::timers)");
  EXPECT_EQ(token.use_count(), kTimers + 1);
  const Running other(without_timers, {{.name = "worker"}});
  EXPECT_EQ(std::string_view(without_timers.post_after(1h, [] {}).text()),
            "post_at: all 0 timers of lane 0 are in use (ExecutorLimits::timers)");
}

TEST(TimedPost, stop_ends_what_waits_and_gives_its_slot_back) {
  const auto token = std::make_shared<int>(1);
  for (const StopMode mode : {StopMode::drain, StopMode::cancel, StopMode::drain}) {
    const Running running(executor, {{.name = "worker"}});
    ASSERT_OK(executor.add_task({.name = "other", .period = 1ms}, [] {}));
    for (std::uint32_t i = 0; i < kTimers; ++i) ASSERT_OK(executor.post_after(1h, [token] {}));
    EXPECT_EQ(token.use_count(), kTimers + 1);
    ASSERT_OK(executor.stop(mode, kPatience));
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_EQ(takt::test::jobs_cancelled(executor), kTimers);
  }
}

TEST(TimedPost, a_time_that_never_comes_is_ended_by_stop_as_well) {
  const auto token = std::make_shared<int>(1);
  ASSERT_OK(executor.add_task({.name = "other", .period = 10ms}, [] {}));
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.post_at(takt::kNever, [token] {}));
  ASSERT_OK(executor.post_after(std::chrono::hours::max(), [token] {}));
  EXPECT_EQ(token.use_count(), 3);
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(token.use_count(), 1);
}

// What stop() ends is destroyed by a worker, so that a destructor may call whatever a job may call.
TEST(TimedPost, a_destructor_that_stops_is_refused_and_does_not_hang) {
  struct Stops {
    Stops() = default;
    Stops(Stops&& other) noexcept : live(std::exchange(other.live, false)) {}
    Stops& operator=(Stops&&) = delete;
    ~Stops() {
      if (!live) return;
      EXPECT_EQ(executor.stop(StopMode::drain, kPatience).code(), StatusCode::failed_precondition);
    }
    void operator()() const {}
    bool live = true;
  };
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.post_after(1h, Stops()));
  ASSERT_OK(executor.stop(StopMode::cancel, kPatience));
}

TEST(TimedPost, a_nearer_time_wakes_the_sleeping_leader) {
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  ASSERT_OK(executor.post_after(1h, [] {}));
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> ran{false};
    ASSERT_OK(executor.post_after(200us, [&] { ran.store(true); }));
    wait_until([&] { return ran.load(); });
  }
}

}  // namespace
