// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BENCH_EXECUTOR_RUNNING_H_
#define TAKT_TESTS_BENCH_EXECUTOR_RUNNING_H_

#include <span>

#include "takt/executor/executor.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {

/// A worker in that place, on lane 0, under the name "bench".
inline WorkerConfig worker_at(Place place, Duration spin = Duration(0)) {
  return {.name = "bench",
          .lane = LaneId{0},
          .cpus = CpuSet::of(cpu_of(place.slot)),
          .scheduling = scheduling_of(place.priority),
          .spin = spin,
          .on_denied = OnDenied::fail};
}

/// An executor that runs while this lives, and has run all its jobs when it ends.
class Running {
 public:
  Running(Executor& executor, std::span<const WorkerConfig> workers, bool time_stamps)
      : executor_(executor) {
    const Status started = executor_.start(
        workers, {.lock_memory = true, .on_denied = OnDenied::degrade, .time_stamps = time_stamps});
    TAKT_CHECK(started.ok(), started.text());
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    const Status stopped = executor_.stop(StopMode::drain, std::chrono::seconds(10));
    TAKT_CHECK(stopped.ok(), stopped.text());
  }

 private:
  Executor& executor_;
};

}  // namespace takt::bench

#endif  // TAKT_TESTS_BENCH_EXECUTOR_RUNNING_H_
