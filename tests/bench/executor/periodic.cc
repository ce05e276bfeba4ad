// SPDX-License-Identifier: Apache-2.0
// From a point on the grid to the first instruction of its job; beside a loop that sleeps until the
// middle between two points, on the same CPU at the same priority.
#include <array>
#include <atomic>

#include "takt/tests/bench/executor/rows.h"
#include "takt/tests/bench/executor/running.h"

namespace takt::bench {
namespace {

constexpr Duration kPeriod = std::chrono::milliseconds(2);
constexpr std::size_t kSamples = 300;
constexpr Place kPlace{1, kPriority};

/// What the task measured in the round under way. The task writes up to kSamples, then counts.
struct Recorder {
  std::array<std::int64_t, kSamples> jitter{};
  std::atomic<std::size_t> count{kSamples};
};

void measure_round(const Executor& executor, Recorder& recorder, std::span<Samples> samples) {
  const std::int64_t epoch = to_ns(executor.epoch());
  const std::int64_t period = kPeriod.count();
  // release: pairs with the acquire in the task's job.
  recorder.count.store(0, std::memory_order_release);
  const PinnedThread loop(kPlace, [&] {
    const std::int64_t next = (to_ns(now()) - epoch) / period + 2;
    for (std::size_t i = 0; i < kSamples; ++i) {
      const TimePoint release =
          from_ns(epoch + (next + static_cast<std::int64_t>(i)) * period + period / 2);
      platform::sleep_until(release);
      samples[0].push_back((now() - release).count());
    }
  });
  // acquire: pairs with the release in the task's job.
  await([&] { return recorder.count.load(std::memory_order_acquire) == kSamples; });
  samples[1].assign(recorder.jitter.begin(), recorder.jitter.end());
}

}  // namespace

void periodic_rows(Suite& suite) {
  const char* row = "periodic: release jitter";
  if (!suite.wants(row)) return;
  static Recorder recorder;
  static StaticExecutor<ExecutorLimits{.workers = 1}> executor;
  const auto task =
      executor.add_task({.name = "jitter", .period = kPeriod}, [](const JobContext& context) {
        const std::int64_t jitter = (context.now() - context.release).count();
        const std::size_t number = recorder.count.load(std::memory_order_acquire);
        if (number == kSamples) return;
        recorder.jitter[number] = jitter;
        recorder.count.store(number + 1, std::memory_order_release);
      });
  TAKT_CHECK(task.ok(), "benchmark: no room for one task");
  const std::array workers{worker_at(kPlace)};
  const Running runs(executor, workers, true);
  suite.latency(row,
                {{"bare clock_nanosleep loop", {}, {}},
                 {"takt task", {{"bare clock_nanosleep loop", 1.05}}, {}}},
                [](std::span<Samples> samples) { measure_round(executor, recorder, samples); });
}

}  // namespace takt::bench
