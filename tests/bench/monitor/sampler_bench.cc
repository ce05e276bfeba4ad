// SPDX-License-Identifier: Apache-2.0
// What the sampler takes of a CPU: 8 workers and 64 tasks that run, a sample every 100 ms, the
// costly readings once a second. The CPU time of the thread that makes the steps and sleeps between
// them, as Sampler's own does, for one sample; beside what 0.1 % of a CPU is at 10 Hz.
#include <array>
#include <chrono>
#include <cstdint>

#include "takt/executor/executor.h"
#include "takt/monitor/sampler.h"
#include "takt/platform/thread_usage.h"
#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kWorkers = 8;
constexpr std::uint32_t kTasks = 64;
constexpr int kSamples = 10;  // of which one is a costly one

StaticExecutor<ExecutorLimits{.workers = kWorkers, .lanes = kWorkers, .tasks = kTasks}> executor;
StaticSampler<SamplerLimits{.workers = kWorkers,
                            .tasks = kTasks,
                            .lanes = kWorkers,
                            .metrics = 0,
                            .alerts = 8,
                            .history = 600}>
    sampler;

void check(const Status& status) { TAKT_CHECK(status.ok(), status.text()); }

void run_load() {
  for (std::uint32_t number = 0; number < kTasks; ++number) {
    char name[] = "task00";
    name[4] = static_cast<char>('0' + number / 10);
    name[5] = static_cast<char>('0' + number % 10);
    check(
        executor.add_task({.name = name, .lane = LaneId{number % kWorkers}, .period = 50ms}, [] {})
            .status());
  }
  std::array<WorkerConfig, kWorkers> workers;
  for (std::uint32_t number = 0; number < kWorkers; ++number) {
    workers[number] = {.name = "worker", .lane = LaneId{number}};
  }
  check(executor.start(workers, {.on_denied = OnDenied::degrade}));
  check(sampler.observe(executor));
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    check(sampler
              .add_alert({.name = name,
                          .series = sampler.worker(0, WorkerFigure::busy),
                          .threshold = 2,
                          .duration = 1s})
              .status());
  }
  check(sampler.configure({}));
}

/// CPU nanoseconds of one sample, the sleep before it included.
double sample() {
  return measured_at({0, kPriority}, [] {
    TimePoint next = sampler.step(now());
    const Duration begin = platform::thread_cpu_time().value();
    for (int i = 0; i < kSamples; ++i) {
      platform::sleep_until(next);
      next = sampler.step(now());
    }
    const Duration used = platform::thread_cpu_time().value() - begin;
    return static_cast<double>(used.count()) / kSamples;
  });
}

double a_thousandth_of_a_cpu() { return 100'000; }

/// Without the costly readings: one in a thousand.
double cheap_sample() {
  check(sampler.configure({.period = 100ms, .slow_period = 1000s}));
  const double cost = sample();
  check(sampler.configure({}));
  return cost;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  using namespace takt::bench;  // NOLINT(*-using-namespace): a program's main
  Suite suite("sampler", argc, argv);
  const char* row = "sampler: a sample of 8 workers and 64 tasks, CPU time";
  if (suite.wants(row)) {
    run_load();
    suite.cost(row,
               {{"0.1 % of a CPU at 10 Hz", {}, &a_thousandth_of_a_cpu},
                {"a sample", {{"0.1 % of a CPU at 10 Hz", 1.0}}, &sample},
                {"the costly readings left out", {{"0.1 % of a CPU at 10 Hz", 0}}, &cheap_sample}});
    check(executor.stop(takt::StopMode::cancel, std::chrono::seconds(10)));
  }
  return suite.finish();
}
