// SPDX-License-Identifier: Apache-2.0
// Which of a lane's workers take jobs, in virtual time: pause(), resume(), set_active_workers().
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "takt/executor/manual_executor.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::BacklogPolicy;
using takt::CpuSet;
using takt::Fifo;
using takt::JobContext;
using takt::LaneId;
using takt::ManualExecutorBase;
using takt::Overrun;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::Text;
using takt::WorkerState;
using takt::test::jobs_cancelled;
using takt::test::kPatience;
using takt::test::Running;

constexpr takt::ExecutorLimits kLimits{
    .workers = 3, .lanes = 2, .jobs_per_lane = 8, .tasks = 3, .timers = 4};
using Manual = takt::ManualExecutor<kLimits>;
constexpr LaneId kFirst{0}, kSecond{1};

/// The log as it should be; the first difference is shown.
void expect_log(const ManualExecutorBase& executor, std::string_view expected) {
  Text<8192> text;
  executor.write_events(text);
  EXPECT_EQ(text.view(), expected);
}

TEST(ManualPause, a_pause_in_the_log) {
  Manual executor;
  const auto task = executor.add_task({.name = "task", .period = 10ms}, [] {});
  ASSERT_OK(task);
  executor.set_execution_time(4ms);
  const Running running(executor, {{.name = "a"}});
  executor.run_for(12ms);  // in the middle of the second job
  ASSERT_OK(executor.pause(kFirst));
  ASSERT_OK(executor.pause(kFirst));  // again: nothing changes
  ASSERT_OK(executor.post([] {}));
  executor.run_for(30ms);
  ASSERT_OK(executor.resume(kFirst));
  executor.run_for(11ms);
  expect_log(executor,
             "0ns: task #0 is released\n"
             "0ns: task #0 begins on a\n"
             "4ms: task #0 ends on a, 4ms after its release\n"
             "10ms: task #1 is released\n"
             "10ms: task #1 begins on a\n"
             "14ms: task #1 ends on a, 4ms after its release\n"
             "14ms: a pauses\n"
             "42ms: task skips 3 releases\n"
             "42ms: a goes on\n"
             "42ms: job in slot 0 of lane 0 begins on a, 30ms after its release\n"
             "46ms: job in slot 0 of lane 0 ends on a, 34ms after its release\n"
             "50ms: task #5 is released\n"
             "50ms: task #5 begins on a\n");
  EXPECT_EQ(task->stats().skipped.get(), 3U);
  EXPECT_EQ(task->stats().overruns.get(), 0U);
}

TEST(ManualPause, whoever_sleeps_sits_out_too_and_only_in_that_lane) {
  Manual executor;
  executor.set_execution_time(1ms);
  const Running running(executor, {{.name = "a"}, {.name = "b"}, {.name = "c", .lane = kSecond}});
  executor.run_for(1ms);
  ASSERT_OK(executor.pause(kFirst));
  EXPECT_EQ(executor.active_workers(kFirst), 0U);
  ASSERT_OK(executor.post([] {}));
  ASSERT_OK(executor.post([] {}, {.lane = kSecond}));
  EXPECT_OK(executor.wait_paused(kFirst));
  EXPECT_EQ(executor.now(), executor.epoch() + 1ms);
  EXPECT_TRUE(executor.worker_activity(0).state() == WorkerState::paused);
  EXPECT_TRUE(executor.worker_activity(1).state() == WorkerState::paused);
  executor.run_for(9ms);
  ASSERT_OK(executor.resume(kFirst));
  executor.run_for(1ms);
  expect_log(executor,
             "1ms: a pauses\n"
             "1ms: b pauses\n"
             "1ms: job in slot 0 of lane 1 begins on c\n"
             "2ms: job in slot 0 of lane 1 ends on c, 1ms after its release\n"
             "10ms: a goes on\n"
             "10ms: b goes on\n"
             "10ms: job in slot 0 of lane 0 begins on a, 9ms after its release\n"
             "11ms: job in slot 0 of lane 0 ends on a, 10ms after its release\n");
}

TEST(ManualPause, a_wait_lets_time_pass_until_the_running_jobs_have_ended) {
  Manual executor;
  executor.set_execution_time(5ms);
  const Running running(executor, {{.name = "a"}, {.name = "b"}});
  bool ended = false;
  ASSERT_OK(executor.post([&ended] { ended = true; }));
  executor.run_for(1ms);
  ASSERT_OK(executor.pause(kFirst));
  const Status early = executor.wait_paused_for(kFirst, 2ms);
  EXPECT_EQ(early.code(), StatusCode::timed_out);
  EXPECT_EQ(std::string_view(early.text()), "wait_paused: lane 0 still runs a job");
  EXPECT_EQ(executor.now(), executor.epoch() + 3ms);
  EXPECT_FALSE(ended);
  // Another clock's hour from now is one of virtual time.
  EXPECT_OK(executor.wait_paused_until(kFirst, std::chrono::system_clock::now() + 1h));
  EXPECT_EQ(executor.now(), executor.epoch() + 5ms);
  EXPECT_TRUE(ended);
  EXPECT_EQ(executor.late_wakes(), 0U);
}

// A worker has to run to see that it may not take jobs.
TEST(ManualPause, a_worker_without_cpu_is_not_paused_yet) {
  Manual executor;
  executor.set_execution_time(10ms);
  const Running running(
      executor,
      {{.name = "low", .lane = kFirst, .cpus = CpuSet::of(0), .scheduling = Fifo{.priority = 1}},
       {.name = "high",
        .lane = kSecond,
        .cpus = CpuSet::of(0),
        .scheduling = Fifo{.priority = 2}}});
  executor.run_for(1ms);
  ASSERT_OK(executor.post([] {}, {.lane = kSecond}));
  ASSERT_TRUE(executor.step());
  ASSERT_OK(executor.pause(kFirst));
  EXPECT_OK(executor.wait_paused(kFirst));
  EXPECT_EQ(executor.now(), executor.epoch() + 11ms);
}

TEST(ManualPause, waits_that_cannot_be) {
  Manual executor;
  EXPECT_EQ(executor.pause(kFirst).code(), StatusCode::failed_precondition);
  const Running running(executor, {{.name = "a"}, {.name = "b", .lane = kSecond}});
  EXPECT_EQ(executor.wait_paused(kFirst).code(), StatusCode::failed_precondition);
  EXPECT_EQ(executor.wait_paused(LaneId{2}).code(), StatusCode::invalid_argument);
  // A job of the lane, and one of another lane that a job of this one waits for.
  ASSERT_OK(executor.post([&executor] {
    EXPECT_OK(executor.pause(kFirst));
    EXPECT_EQ(executor.wait_paused(kFirst).code(), StatusCode::failed_precondition);
    auto other = executor.submit(
        [&executor] {
          const Status status = executor.wait_paused(kFirst);
          EXPECT_EQ(status.code(), StatusCode::failed_precondition);
          EXPECT_EQ(std::string_view(status.text()),
                    "wait_paused: lane 0 runs a job that nothing in virtual time can end");
        },
        {.lane = kSecond});
    ASSERT_OK(other);
    EXPECT_OK(other->wait());
  }));
  executor.run_for(1ms);
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 1U);
  EXPECT_EQ(executor.worker_stats(1).jobs.get(), 1U);
  EXPECT_OK(executor.wait_paused(kFirst));
}

// One grid for all policies: releases at 0, 10, 20, …; paused from 12 to 35.
void expect_releases(const Overrun& overrun, std::string_view expected, std::uint64_t skipped) {
  Manual executor;
  std::string releases;
  const auto task = executor.add_task(
      {.name = "task", .period = 10ms, .overrun = overrun}, [&](const JobContext& job) {
        releases += std::to_string((job.release - executor.epoch()) / 1ms) + "+" +
                    std::to_string(job.skipped) + " ";
      });
  ASSERT_OK(task);
  executor.set_execution_time(1ms);
  const Running running(executor, {{.name = "a"}});
  executor.run_for(12ms);
  ASSERT_OK(executor.pause(kFirst));
  executor.run_for(23ms);
  ASSERT_OK(executor.resume(kFirst));
  executor.run_for(20ms);
  EXPECT_EQ(releases, expected);
  EXPECT_EQ(task->stats().skipped.get(), skipped);
}

TEST(ManualPause, skips_the_releases_that_it_covers_whatever_the_overrun) {
  expect_releases(Overrun::skip(), "0+0 10+0 40+2 50+0 ", 2);
  expect_releases(Overrun::catch_up(4), "0+0 10+0 40+2 50+0 ", 2);
  expect_releases(Overrun::abort(), "0+0 10+0 40+2 50+0 ", 2);
  expect_releases(Overrun::slip(), "0+0 10+0 35+0 45+0 ", 0);
}

TEST(ManualPause, keeps_timed_posts_and_sporadic_releases) {
  Manual executor;
  std::string order;
  auto task = executor.add_sporadic_task({.name = "task", .min_interarrival = 3ms},
                                         [&order] { order += 's'; });
  ASSERT_OK(task);
  const Running running(executor, {{.name = "a"}});
  ASSERT_OK(executor.pause(kFirst));
  ASSERT_OK(executor.post_after(1ms, [&order] { order += 't'; }));
  ASSERT_OK(task->release());
  ASSERT_OK(task->release());  // not before 3 ms
  executor.run_for(2ms);
  EXPECT_EQ(order, "");
  ASSERT_OK(executor.resume(kFirst));
  executor.run_for(1ms - 1ns);
  EXPECT_EQ(order, "st");
  executor.run_for(1ns);
  EXPECT_EQ(order, "sts");
}

TEST_EACH(ManualPause, ends_with_a_stop, StopMode::drain, StopMode::cancel) {
  Manual executor;
  int ran = 0;
  const std::array workers{takt::WorkerConfig{.name = "a"}, takt::WorkerConfig{.name = "b"}};
  ASSERT_OK(executor.start(workers));
  ASSERT_OK(executor.pause(kFirst));
  ASSERT_OK(executor.wait_paused(kFirst));
  for (int i = 0; i < 5; ++i) ASSERT_OK(executor.post([&ran] { ++ran; }));
  EXPECT_OK(executor.stop(param, kPatience));
  EXPECT_EQ(ran, param == StopMode::drain ? 5 : 0);
  EXPECT_EQ(jobs_cancelled(executor), param == StopMode::drain ? 0U : 5U);
  // And is forgotten by the next start: nobody counts as sitting out.
  const Running running(executor, {{.name = "a"}, {.name = "b"}});
  EXPECT_EQ(executor.active_workers(kFirst), 2U);
  ASSERT_OK(executor.post([&executor] { EXPECT_OK(executor.pause(kFirst)); }));
  executor.run_for(1ms);
  EXPECT_OK(executor.wait_paused_for(kFirst, 0ns));
}

TEST(ManualPause, only_the_first_workers_take_jobs) {
  Manual executor;
  executor.set_execution_time(2ms);
  const Running running(executor, {{.name = "a"}, {.name = "b"}, {.name = "c"}});
  ASSERT_OK(executor.set_active_workers(kFirst, 1));
  for (int i = 0; i < 4; ++i) ASSERT_OK(executor.post([] {}));
  executor.run_for(3ms);  // the second job is at its half
  ASSERT_OK(executor.set_active_workers(kFirst, 2));
  executor.run_for(3ms);
  EXPECT_EQ(executor.set_active_workers(kFirst, 0).code(), StatusCode::invalid_argument);
  EXPECT_EQ(executor.set_active_workers(kFirst, 4).code(), StatusCode::invalid_argument);
  ASSERT_OK(executor.set_active_workers(kFirst, 3));
  executor.run_for(1ms);
  expect_log(executor,
             "0ns: job in slot 0 of lane 0 begins on a\n"
             "0ns: b pauses\n"
             "0ns: c pauses\n"
             "2ms: job in slot 0 of lane 0 ends on a, 2ms after its release\n"
             "2ms: job in slot 1 of lane 0 begins on a, 2ms after its release\n"
             "3ms: b goes on\n"
             "3ms: job in slot 2 of lane 0 begins on b, 3ms after its release\n"
             "4ms: job in slot 1 of lane 0 ends on a, 4ms after its release\n"
             "4ms: job in slot 3 of lane 0 begins on a, 4ms after its release\n"
             "5ms: job in slot 2 of lane 0 ends on b, 5ms after its release\n"
             "6ms: job in slot 3 of lane 0 ends on a, 6ms after its release\n"
             "6ms: c goes on\n");
}

TEST(ManualPause, a_policy_adjusts_the_workers) {
  Manual executor;
  BacklogPolicy policy({.grow_above = 2, .grow_after = 2, .shrink_after = 2});
  std::string active;
  const auto look = executor.add_task({.name = "look", .lane = kSecond, .period = 10ms}, [&] {
    EXPECT_OK(executor.adjust_active_workers(kFirst, policy));
    active += std::to_string(executor.active_workers(kFirst));
  });
  ASSERT_OK(look);
  executor.set_execution_time(25ms);
  executor.set_execution_time(*look, 0ns);
  const Running running(executor, {{.name = "a"}, {.name = "b"}, {.name = "l", .lane = kSecond}});
  ASSERT_OK(executor.set_active_workers(kFirst, 1));
  for (int i = 0; i < 8; ++i) ASSERT_OK(executor.post([] {}));
  executor.run_for(150ms);
  // 8 wait, of which one begins; from the second look on two work. All are begun at 85 ms.
  EXPECT_EQ(active, "1222222222111111");
  EXPECT_EQ(executor.worker_stats(0).jobs.get() + executor.worker_stats(1).jobs.get(), 8U);
}

}  // namespace
