// SPDX-License-Identifier: Apache-2.0
// The sampler's thread beside workers that start, stop and start again, and readers of its history.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "takt/monitor/sampler.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/test.h"

namespace takt {
namespace {

using namespace std::chrono_literals;
using test::kAnyMemory;
using test::kPatience;
using test::wait_until;

constexpr ExecutorLimits kLimits{.workers = 2, .lanes = 2, .tasks = 2, .histograms = 1};
StaticExecutor<kLimits> executor;
constexpr SamplerLimits kSamplerLimits{
    .workers = 2, .tasks = 2, .metrics = 2, .alerts = 1, .history = 20};
StaticSampler<kSamplerLimits> sampler;
StaticMetrics<2> metrics;
SharedCounter jobs;
Gauge newest;

constexpr LaneId kFirst{0}, kSecond{1};
constexpr std::array kOne{WorkerConfig{.name = "one", .lane = kFirst}};
constexpr std::array kTwo{WorkerConfig{.name = "first", .lane = kFirst},
                          WorkerConfig{.name = "second", .lane = kSecond}};

void add_tasks() {
  ASSERT_OK(executor.add_task({.name = "quick", .lane = kFirst, .period = 1ms, .histograms = true},
                              [](const JobContext& job) {
                                jobs.add();
                                newest.set(static_cast<std::int64_t>(job.index));
                              }));
  ASSERT_OK(metrics.add({.name = "jobs_total", .help = "J"}, jobs));
  ASSERT_OK(metrics.add({.name = "newest", .help = "N"}, newest));
  ASSERT_OK(sampler.set_metrics(metrics));
}

/// Until the sampler has taken `count` samples more.
void wait_for_samples(std::uint64_t count) {
  const std::uint64_t begin = sampler.samples();
  wait_until([begin, count] { return sampler.samples() >= begin + count; });
}

TEST(SamplerThread, sees_workers_come_go_and_come_again) {
  add_tasks();
  ASSERT_OK(sampler.configure({.period = 1ms, .slow_period = 10ms}));
  ASSERT_OK(sampler.start());
  EXPECT_EQ(sampler.start().code(), StatusCode::failed_precondition);
  EXPECT_EQ(sampler.configure({}).code(), StatusCode::failed_precondition);
  std::atomic<bool> done{false};
  std::thread reader([&done] {
    std::array<double, kSamplerLimits.history> scratch;
    while (!done.load()) {
      const auto summary = sampler.summary(sampler.worker(0, WorkerFigure::jobs), 1h, scratch);
      if (summary.ok()) {
        EXPECT_GE(summary->min, 0.0);
        EXPECT_LE(summary->min, summary->max);
      }
      const auto memory = sampler.summary(sampler.series(ProcessFigure::resident), 1h, scratch);
      if (memory.ok()) EXPECT_GT(memory->min, 0.0);
      int visited = 0;
      sampler.visit([](const MetricView&, void* count) noexcept { ++*static_cast<int*>(count); },
                    &visited);
      EXPECT_GT(visited, 0);
    }
  });
  for (int round = 0; round < 6; ++round) {
    const bool both = round % 2 == 1;
    ASSERT_OK(both ? executor.start(kTwo, kAnyMemory) : executor.start(kOne, kAnyMemory));
    ASSERT_OK(sampler.observe(executor));
    const std::uint64_t before = jobs.get();
    wait_until([before] { return jobs.get() > before + 3; });
    wait_for_samples(2);
    // Of a worker that lives the kernel tells the CPU time.
    const Series cpu_time = sampler.worker(0, WorkerFigure::cpu_time);
    wait_until([cpu_time] { return sampler.value(cpu_time).has_value(); });
    EXPECT_GE(sampler.value(cpu_time).value_or(0), 0.0);
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
    wait_for_samples(2);
    wait_until([] {
      return sampler.value(sampler.worker(0, WorkerFigure::phase)).value_or(-1) ==
             static_cast<double>(WorkerPhase::stopped);
    });
    wait_until([cpu_time] { return !sampler.value(cpu_time).has_value(); });
  }
  done = true;
  reader.join();
  ASSERT_OK(sampler.stop(kPatience));
  EXPECT_EQ(sampler.read_errors(), 0U);
  // The counts of the worker begin anew with each start, those of the task and the user go on.
  const TimePoint last = sampler.step(now());
  sampler.step(last);
  EXPECT_EQ(metrics.view(0).value, static_cast<std::int64_t>(jobs.get()));
}

TEST(SamplerThread, allocates_nothing) {
  add_tasks();
  ASSERT_OK(sampler.configure({.period = 1ms, .slow_period = 5ms}));
  const auto alert = sampler.add_alert({.name = "memory",
                                        .series = sampler.series(ProcessFigure::resident),
                                        .threshold = 1,
                                        .on_change = [](const AlertEvent&) noexcept {}});
  ASSERT_OK(alert);
  {
    const test::Running running(executor, {{.name = "worker", .lane = kFirst}});
    ASSERT_OK(sampler.observe(executor));
    ASSERT_OK(sampler.start());
    wait_for_samples(6);
    {
      const test::AllocationGuard guard;
      wait_for_samples(30);
      std::array<double, kSamplerLimits.history> scratch;
      const auto summary = sampler.summary(sampler.series(ProcessFigure::resident), 1h, scratch);
      EXPECT_OK(summary);
      int visited = 0;
      sampler.visit([](const MetricView&, void* count) noexcept { ++*static_cast<int*>(count); },
                    &visited);
      EXPECT_GT(visited, 30);
      // A new worker's name, an error's text.
      EXPECT_OK(sampler.add_worker("renamed", executor.worker_stats(0)));
      EXPECT_FALSE(sampler.add_task("", executor.task(0).stats()).ok());
    }
    EXPECT_TRUE(sampler.alert_state(*alert) == AlertState::raised);
    ASSERT_OK(sampler.stop(kPatience));
  }
}

TEST(SamplerThread, is_told_by_each_start_whether_posted_jobs_are_counted) {
  const Counter& told = executor.worker_stats(0).time_stamps;
  for (const bool time_stamps : {true, false, true}) {
    StartOptions options = kAnyMemory;
    options.time_stamps = time_stamps;
    ASSERT_OK(executor.start(kOne, options));
    EXPECT_EQ(told.get(), time_stamps ? 1U : 0U);
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  }
}

TEST(SamplerThread, reads_what_moves_before_what_takes_long) {
  static WorkerStats worker;
  static TaskStats task;
  ASSERT_OK(sampler.add_worker("worker", worker));
  ASSERT_OK(sampler.add_task("task", task));
  ASSERT_OK(metrics.add({.name = "newest", .help = "N"}, newest));
  ASSERT_OK(sampler.set_metrics(metrics));
  // A sensor that takes as long as it likes: a pipe.
  test::TemporaryTree sys;
  sys.write("class/thermal/thermal_zone0/type", "cpu-thermal\n");
  const std::string sensor = sys.path("class/thermal/thermal_zone0/temp");
  ASSERT_EQ(::mkfifo(sensor.c_str(), 0600), 0);
  ASSERT_OK(sampler.configure({.sys_root = sys.root()}));
  std::thread stepping([] { sampler.step(now()); });
  const int pipe = ::open(sensor.c_str(), O_WRONLY | O_CLOEXEC);  // waits for its reader
  EXPECT_GE(pipe, 0);
  // All of it has happened behind the time of the sample.
  worker.activity.set(WorkerPhase::in_job);
  task.max_response_ns.set(1);
  newest.set(1);
  EXPECT_EQ(::write(pipe, "48300\n", 6), 6);
  ::close(pipe);
  stepping.join();
  EXPECT_EQ(sampler.value(sampler.series(ProcessFigure::temperature)).value_or(0), 48.3);
  EXPECT_EQ(sampler.value(sampler.worker(0, WorkerFigure::phase)).value_or(-1), 0.0);
  EXPECT_EQ(sampler.value(sampler.task(0, TaskFigure::max_response)).value_or(-1), 0.0);
  EXPECT_EQ(sampler.value(sampler.metric(0)).value_or(-1), 0.0);
}

TEST(SamplerThread, a_step_that_hangs_holds_up_no_job) {
  add_tasks();
  test::TemporaryTree sys;
  sys.write("class/thermal/thermal_zone0/type", "cpu-thermal\n");
  const std::string sensor = sys.path("class/thermal/thermal_zone0/temp");
  ASSERT_EQ(::mkfifo(sensor.c_str(), 0600), 0);
  ASSERT_OK(sampler.configure({.sys_root = sys.root()}));
  const test::Running running(executor, {{.name = "worker", .lane = kFirst}});
  ASSERT_OK(sampler.observe(executor));
  std::thread stepping([] { sampler.step(now()); });
  const int pipe = ::open(sensor.c_str(), O_WRONLY | O_CLOEXEC);  // waits for its reader
  EXPECT_GE(pipe, 0);
  // The step reads from it, for as long as nothing is written. Tasks go on.
  const std::uint64_t before = jobs.get();
  wait_until([before] { return jobs.get() > before + 5; });
  // So does a job that asks the sampler, or tells it whom to observe.
  static std::atomic<bool> asked{false};
  EXPECT_OK(executor.post(
      [] {
        std::array<double, kSamplerLimits.history> scratch;
        const Series series = sampler.series(ProcessFigure::resident);
        EXPECT_FALSE(sampler.value(series).has_value());
        EXPECT_EQ(sampler.summary(series, 1h, scratch).code(), StatusCode::not_found);
        sampler.visit([](const MetricView&, void*) noexcept {}, nullptr);
        EXPECT_OK(sampler.observe(executor));
        EXPECT_EQ(sampler.samples(), 0U);
        asked = true;
      },
      {.lane = kFirst}));
  wait_until([] { return asked.load(); });
  EXPECT_EQ(::write(pipe, "48300\n", 6), 6);
  ::close(pipe);
  stepping.join();
  EXPECT_EQ(sampler.samples(), 1U);
  EXPECT_EQ(sampler.value(sampler.series(ProcessFigure::temperature)).value_or(0), 48.3);
}

TEST(SamplerThread, aborts_when_a_step_is_made_beside_it) {
  EXPECT_ABORT(
      [] {
        if (sampler.start().ok()) sampler.step(now());
      },
      "the sampler's thread makes its steps");
}

}  // namespace
}  // namespace takt
