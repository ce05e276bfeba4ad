// SPDX-License-Identifier: Apache-2.0
// What add_task() accepts, and the ends of its ranges.
#include <atomic>
#include <cstdint>
#include <string_view>
#include <thread>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::JobContext;
using takt::LaneId;
using takt::Priority;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::TaskConfig;
using takt::test::Gate;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

constexpr LaneId kServed{0}, kUnserved{1};
constexpr takt::ExecutorLimits kLimits{.lanes = 2, .tasks = 4, .histograms = 1};
takt::StaticExecutor<kLimits> executor;

struct BadConfig {
  const char* name;
  TaskConfig config;
  std::string_view text;
};
TEST_EACH(AddTask, rejects,
          BadConfig{"no_name", {.period = 1ms}, "task '': a name has 1 to 15 characters"},
          BadConfig{
              "empty_name", {.name = "", .period = 1ms}, "task '': a name has 1 to 15 characters"},
          BadConfig{"long_name",
                    {.name = "sixteen letters!", .period = 1ms},
                    "task 'sixteen letters!': a name has 1 to 15 characters"},
          BadConfig{"no_such_lane",
                    {.name = "task", .lane = LaneId{2}, .period = 1ms},
                    "task 'task': no lane 2, there are 2 (ExecutorLimits::lanes)"},
          BadConfig{"no_such_priority",
                    {.name = "task", .priority = static_cast<Priority>(4), .period = 1ms},
                    "task 'task': no such priority"},
          BadConfig{
              "no_period", {.name = "task"}, "task 'task': the period is below 1 microsecond"},
          BadConfig{"short_period",
                    {.name = "task", .period = 999ns},
                    "task 'task': the period is below 1 microsecond"},
          BadConfig{"negative_period",
                    {.name = "task", .period = -1s},
                    "task 'task': the period is below 1 microsecond"},
          BadConfig{"long_period",
                    {.name = "task", .period = Duration::max()},
                    "task 'task': the period is above 73 years"},
          BadConfig{"negative_offset",
                    {.name = "task", .period = 1ms, .offset = -1ns},
                    "task 'task': offset and deadline must not be negative"},
          BadConfig{"negative_deadline",
                    {.name = "task", .period = 1ms, .deadline = -1ns},
                    "task 'task': offset and deadline must not be negative"},
          BadConfig{"negative_wcet",
                    {.name = "task", .period = 1ms, .wcet = -1ns},
                    "task 'task': wcet and budget must not be negative"},
          BadConfig{"negative_budget",
                    {.name = "task", .period = 1ms, .budget = -1ns},
                    "task 'task': wcet and budget must not be negative"}) {
  const auto task = executor.add_task(param.config, [] {});
  EXPECT_EQ(task.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(task.status().text()), param.text);
  EXPECT_EQ(executor.task_count(), 0);
}

TEST(AddTask, keeps_a_copy_of_the_name) {
  char name[] = "fifteen letters";
  static_assert(sizeof name == takt::kNameBytes);
  const auto task = executor.add_task({.name = name, .period = 1ms}, [] {});
  ASSERT_OK(task);
  name[0] = 'F';
  EXPECT_EQ(std::string_view(task->name()), "fifteen letters");
  EXPECT_TRUE(task->valid());
  EXPECT_EQ(std::string_view(executor.task(0).name()), "fifteen letters");
  EXPECT_FALSE(takt::TaskHandle().valid());
}

TEST(AddTask, ends_at_the_limits) {
  ASSERT_OK(executor.add_task({.name = "first", .period = 1s, .histograms = true}, [] {}));
  const Status no_histogram =
      executor.add_task({.name = "second", .period = 1s, .histograms = true}, [] {}).status();
  EXPECT_EQ(no_histogram.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(std::string_view(no_histogram.text()),
            "task 'second': all 1 ExecutorLimits::histograms are in use");
  while (executor.task_count() < kLimits.tasks) {
    ASSERT_OK(executor.add_task({.name = "more", .period = 1s}, [] {}));
  }
  const Status no_slot = executor.add_task({.name = "last", .period = 1s}, [] {}).status();
  EXPECT_EQ(no_slot.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(std::string_view(no_slot.text()),
            "task 'last': all 4 task slots (ExecutorLimits::tasks) are in use");
}

TEST(AddTask, wants_a_worker_in_its_lane_once_the_executor_runs) {
  const Running running(executor, {{.name = "worker", .lane = kServed}});
  const Status status =
      executor.add_task({.name = "lost", .lane = kUnserved, .period = 1ms}, [] {}).status();
  EXPECT_EQ(status.code(), StatusCode::failed_precondition);
  EXPECT_EQ(std::string_view(status.text()), "task 'lost': lane 1 has no worker");
  EXPECT_EQ(executor.task_count(), 0);
}

/// A task whose numbers are at an end of their range is released when it should and not again.
struct Extreme {
  const char* name;
  TaskConfig config;
  std::uint64_t releases;
};
TEST_EACH(AddTask, does_not_overflow,
          Extreme{"longest_period", {.name = "t", .period = Duration::max() / 4}, 1},
          Extreme{"longest_deadline", {.name = "t", .period = 1h, .deadline = Duration::max()}, 1},
          Extreme{"longest_offset", {.name = "t", .period = 1h, .offset = Duration::max()}, 0}) {
  for (const bool late : {false, true}) {
    takt::StaticExecutor<kLimits>& local = executor;
    if (late && param.releases != 0) break;  // its next release is one period away
    const auto add = [&] {
      return local.add_task(param.config,
                            [](const JobContext& job) { EXPECT_GE(job.deadline, job.release); });
    };
    if (!late) ASSERT_OK(add());
    const Running running(local, {{.name = "worker"}});
    if (late) ASSERT_OK(add());
    wait_until([&] { return takt::now() > local.epoch() + 5ms; });
    wait_until([&] { return local.task(0).stats().completed.get() >= param.releases; });
    ASSERT_OK(local.stop(StopMode::drain, kPatience));
    EXPECT_EQ(local.task(0).stats().releases.get(), param.releases);
    EXPECT_EQ(local.task(0).stats().deadline_misses.get(), 0);
  }
}

TEST(AddTask, joins_late_with_the_longest_period) {
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.add_task({.name = "task", .period = Duration::max() / 4}, [] {
    ADD_FAILURE("its grid point at the epoch has passed, the next is 73 years away");
  }));
  for (int i = 0; i < 100; ++i) ASSERT_OK(executor.submit([] {})->wait());
}

// stop() waits for the job, which must not have to wait for stop().
TEST(AddTask, works_in_a_job_while_stop_waits_for_that_job) {
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  ASSERT_OK(executor.post([&gate] {
    gate.pass();
    EXPECT_OK(executor.add_task({.name = "late", .period = 1ms}, [] {}));
  }));
  gate.wait_for_entries();
  std::thread stopper([] { EXPECT_OK(executor.stop(StopMode::drain, kPatience)); });
  wait_until([] { return !executor.running(); });
  gate.open();
  stopper.join();
  EXPECT_EQ(executor.task_count(), 1);
  EXPECT_EQ(executor.task(0).stats().releases.get(), 0);
}

TEST(AddTask, destroys_a_refused_callable_and_keeps_an_accepted_one) {
  static takt::StaticExecutor<takt::ExecutorLimits{.tasks = 1}> small;
  std::atomic<int> calls{0};
  ASSERT_OK(small.add_task({.name = "kept", .period = 1ms}, [&calls] { ++calls; }));
  EXPECT_FALSE(small.add_task({.name = "refused", .period = 1ms}, [] {}).ok());
  const Running running(small, {{.name = "worker"}});
  wait_until([&] { return calls.load() >= 2; });
}

}  // namespace
