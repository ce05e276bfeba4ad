// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <atomic>

#include "takt/platform/futex.h"
#include "takt/tests/bench/executor/running.h"
#include "takt/tests/boards/virtual_time/contestants.h"

namespace takt::virtual_time {
namespace {

/// The task's job writes `figures` as long as `left` is not 0, others only then.
struct Recorder {
  Figures figures;
  std::atomic<int> left{0};
};

}  // namespace

Figures task_release(const Places& places, int samples) {
  static StaticExecutor<ExecutorLimits{.workers = 1}> executor;
  static Recorder recorder;
  static const Result<TaskHandle> task = executor.add_task(
      {.name = "cyclic", .period = kInterval, .offset = kInterval}, [](const JobContext& context) {
        const TimePoint first = now();
        const int left =
            recorder.left.load(std::memory_order_relaxed);  // nobody else while running
        if (left == 0) return;
        recorder.figures.add(first - context.release);
        // release: pairs with the acquire of who waits for the last one.
        recorder.left.store(left - 1, std::memory_order_release);
      });
  TAKT_CHECK(task.ok(), task.status().text());
  recorder.figures = {};
  recorder.left.store(samples);
  const std::array workers{bench::worker_at(places.measured)};
  const bench::Running runs(executor, workers, true);
  while (recorder.left.load(std::memory_order_acquire) != 0) {
    platform::sleep_until(deadline_after(10 * kInterval));
  }
  return recorder.figures;
}

Figures futex_time_out(const Places& places, int samples) {
  Figures figures;
  platform::FutexWord word{0};
  const bench::PinnedThread thread(places.measured, [&] {
    TimePoint next = now();
    for (int i = 0; i < samples; ++i) {
      next = saturating_add(next, kInterval);
      platform::futex_wait(word, 0, next, platform::FutexScope::process_private);
      figures.add(now() - next);
    }
  });
  return figures;
}

}  // namespace takt::virtual_time
