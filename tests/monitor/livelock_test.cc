// SPDX-License-Identifier: Apache-2.0
// A livelock, of an executor in virtual time: a job that posts itself keeps its worker as busy as a
// worker can be, and those of lower priority never run.
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "takt/executor/manual_executor.h"
#include "takt/monitor/watchdog.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ByMode;
using takt::Duration;
using takt::Fault;
using takt::LocalState;
using takt::TimePoint;

constexpr Duration kPeriod = 10ms;
constexpr Duration kWindow = 100ms;

/// A worker with a task each 5 ms, and now and then a job of high priority that posts itself.
struct Daemon {
  takt::ManualExecutor<takt::ExecutorLimits{.workers = 1, .jobs_per_lane = 2, .tasks = 1}, 0>
      executor;
  takt::StaticWatchdog<takt::WatchdogLimits{.entities = 0, .tasks = 1, .workers = 1}> watchdog;

  /// Begins at the next whole millisecond of the watchdog's grid.
  void begin() {
    const auto servo =
        executor.add_task({.name = "servo", .priority = takt::Priority::low, .period = 5ms}, [] {});
    ASSERT_OK(servo);
    executor.set_execution_time(1ms);
    const takt::WorkerConfig workers[] = {{.name = "control"}};
    ASSERT_OK(executor.start(workers));
    ASSERT_OK(watchdog.supervise_task(
        "servo", servo->stats(),
        ByMode<takt::TaskExpectation>::all(
            {.active = true, .alive = {.window = kWindow, .min = 18, .max = 22}})));
    ASSERT_OK(watchdog.supervise_worker(
        "control", takt::WorkerSource::of(executor), 0,
        ByMode<takt::WorkerExpectation>::all(
            {.active = true, .longest_job = 60ms, .longest_wait = 40ms})));
    ASSERT_OK(watchdog.begin({.period = kPeriod}, executor.now()));
  }
  /// Until then, or until there is a verdict.
  void run_for(Duration duration) {
    for (const TimePoint end = executor.now() + duration;
         executor.now() < end && watchdog.verdict_count() == 0;) {
      executor.run_for(1ms);
      watchdog.step(executor.now());
    }
  }
  void go_round() {
    const takt::Status posted =
        executor.post([this] { go_round(); }, {.priority = takt::Priority::high});
    EXPECT_EQ(posted.ok(), !stopping);
  }
  bool stopping = false;
};

// A row of the verdict table of monitor/README.md.
TEST(Livelock, is_found_by_the_task_that_does_not_run_and_not_by_the_worker_that_does) {
  Duration worst{};
  for (Duration phase = 0ms; phase < kWindow; phase += 1ms) {
    Daemon daemon;
    daemon.begin();
    daemon.run_for(200ms + phase);
    ASSERT_EQ(daemon.watchdog.verdict_count(), 0U);
    daemon.go_round();
    const TimePoint begin = daemon.executor.now();
    const std::uint64_t jobs = daemon.executor.worker_stats(0).jobs.get();
    daemon.run_for(1s);
    const Duration took = daemon.executor.now() - begin;
    ASSERT_EQ(daemon.watchdog.verdict_count(), 1U);
    const takt::Verdict verdict = *daemon.watchdog.verdict(0);
    ASSERT_EQ(std::string_view(verdict.name), "servo");
    ASSERT_TRUE(verdict.finding.fault == Fault::too_few_indications, "%s",
                takt::to_string(verdict.finding.fault));
    EXPECT_TRUE(daemon.watchdog.worker(0).state() == LocalState::ok);
    // One after the other, a millisecond each.
    EXPECT_GE(daemon.executor.worker_stats(0).jobs.get() - jobs,
              static_cast<std::uint64_t>(took / 1ms) - 1);
    worst = std::max(worst, took);
    daemon.stopping = true;
    ASSERT_OK(daemon.executor.stop(takt::StopMode::cancel, 1s));
  }
  EXPECT_LE(worst.count(), (kWindow + kPeriod).count());
  std::printf(
      "| livelock: jobs go round, the task does not | %s 'servo' | the same | %lld ms | "
      "%lld ms |\n",
      takt::to_string(Fault::too_few_indications), static_cast<long long>(worst / 1ms),
      static_cast<long long>((kWindow + kPeriod) / 1ms));
}

}  // namespace
