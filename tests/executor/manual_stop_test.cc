// SPDX-License-Identifier: Apache-2.0
// stop() in virtual time: when it returns, to the nanosecond.
#include <chrono>
#include <cstdint>
#include <string_view>

#include "takt/executor/manual_executor.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::LaneId;
using takt::ManualExecutor;
using takt::ManualJob;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::TimePoint;
using takt::WorkerConfig;

constexpr LaneId kFirst{0}, kSecond{1};
constexpr takt::ExecutorLimits kLimits{.workers = 3, .lanes = 2, .tasks = 2, .timers = 2};
using Manual = ManualExecutor<kLimits>;
constexpr WorkerConfig kWorkers[] = {{.name = "one", .lane = kFirst},
                                     {.name = "two", .lane = kSecond},
                                     {.name = "three", .lane = kSecond}};

/// Jobs of the first lane take 10 s, those of the second 3 ms.
Duration one_stuck_lane(const ManualJob& job, void*) noexcept {
  return job.lane == kFirst ? Duration(10s) : Duration(3ms);
}

// Whatever waits, runs or recurs besides.
TEST_EACH(ManualStop, returns_at_its_timeout, StopMode::drain, StopMode::cancel) {
  Manual executor;
  executor.set_execution_model(&one_stuck_lane);
  ASSERT_OK(executor.add_task(
      {.name = "late", .lane = kSecond, .period = 1ms, .overrun = takt::Overrun::catch_up(4)},
      [] {}));
  ASSERT_OK(executor.add_task({.name = "rare", .lane = kFirst, .period = 1h}, [] {}));
  ASSERT_OK(executor.start(kWorkers));
  for (int i = 0; i < 5; ++i) ASSERT_OK(executor.post([] {}, {.lane = kSecond}));
  ASSERT_OK(executor.post_after(1s, [] { ADD_FAILURE("it ran"); }, {.lane = kFirst}));
  executor.run_for(10ms + 1ns);
  const auto expect_in_vain = [&](Duration timeout, Duration takes) {
    const TimePoint before = executor.now();
    const Status status = executor.stop(param, timeout);
    EXPECT_EQ(status.code(), StatusCode::timed_out);
    EXPECT_EQ(std::string_view(status.text()), "worker 'one' is stuck in task 'rare'");
    EXPECT_EQ(executor.now() - before, takes);
  };
  expect_in_vain(-1s, 0ns);
  expect_in_vain(Duration::min(), 0ns);
  expect_in_vain(0ns, 0ns);
  for (const Duration timeout : {Duration{1ns}, Duration{1ms}, Duration{2'500us}, Duration{5s}}) {
    expect_in_vain(timeout, timeout);
  }
  // It ends when the last job does, not at its timeout.
  EXPECT_OK(executor.stop(param, 1h));
  EXPECT_EQ(executor.now(), executor.epoch() + 10s);
  EXPECT_EQ(executor.late_wakes(), 0U);
}

TEST_EACH(ManualStop, that_ends_at_its_timeout_has_ended_in_time, StopMode::drain,
          StopMode::cancel) {
  Manual executor;
  executor.set_execution_model(&one_stuck_lane);
  ASSERT_OK(executor.start(kWorkers));
  ASSERT_OK(executor.post([] {}, {.lane = kFirst}));
  executor.run_for(1ns);
  EXPECT_EQ(executor.stop(param, 10s - 2ns).code(), StatusCode::timed_out);
  EXPECT_OK(executor.stop(param, 1ns));
  EXPECT_EQ(executor.now(), executor.epoch() + 10s);
}

// On one stack it ends behind the wait of a job that began meanwhile.
TEST(ManualStop, that_a_waiting_job_makes_late_is_counted) {
  Manual executor;
  executor.set_execution_model([](const ManualJob& job, void*) noexcept {
    return job.lane == kFirst ? Duration(1ms) : Duration(10ms);
  });
  ASSERT_OK(executor.start(kWorkers));
  auto part = executor.submit([] {}, {.lane = kSecond});
  ASSERT_OK(part);
  ASSERT_OK(executor.post([&part] { EXPECT_OK(part->wait()); }, {.lane = kFirst}));
  EXPECT_EQ(executor.stop(StopMode::drain, 500us).code(), StatusCode::timed_out);
  EXPECT_EQ(executor.late_wakes(), 0U);
  EXPECT_EQ(executor.stop(StopMode::drain, 5ms).code(), StatusCode::timed_out);
  EXPECT_EQ(executor.now(), executor.epoch() + 10ms);
  EXPECT_EQ(executor.late_wakes(), 1U);
  EXPECT_OK(executor.stop(StopMode::drain, 0ns));
  EXPECT_EQ(executor.late_wakes(), 1U);
}

}  // namespace
