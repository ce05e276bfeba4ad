// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BENCH_MONITOR_JOB_STATISTICS_H_
#define TAKT_TESTS_BENCH_MONITOR_JOB_STATISTICS_H_

#include <cstdint>

#include "takt/executor/stats.h"

namespace takt::bench {

/// The stores that an executor makes for the statistics of one job (executor/worker.cc), and
/// nothing else. job_statistics_test holds them against a job of an executor.
struct JobStatistics {
  WorkerStats worker;
  TaskStats task;
  TaskHistograms histograms;

  /// Of any job; `run` is called where it would run.
  template <class Run>
  void note_job(std::uint64_t busy_ns, const Run& run) noexcept {
    worker.activity.set(WorkerPhase::in_job, true, 3);
    run();
    worker.jobs.add();
    worker.busy_ns.add(busy_ns);
    worker.activity.set(WorkerPhase::ready);
  }
  /// Of a task's, besides.
  void note_task(std::uint64_t busy_ns) noexcept {
    task.releases.add();
    task.completed.add();
    task.execution_ns.add(busy_ns);
    task.max_release_jitter_ns.raise(busy_ns / 16);
    task.max_response_ns.raise(busy_ns);
  }
  /// Of one with histograms, besides.
  void note_histograms(std::uint64_t busy_ns) noexcept {
    histograms.release_jitter.record(static_cast<std::int64_t>(busy_ns / 16));
    histograms.response_time.record(static_cast<std::int64_t>(busy_ns));
  }
};

}  // namespace takt::bench

#endif  // TAKT_TESTS_BENCH_MONITOR_JOB_STATISTICS_H_
