// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_RUNNING_H_
#define TAKT_TESTS_EXECUTOR_RUNNING_H_

#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "takt/executor/executor.h"
#include "takt/tests/executor/gate.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// How long a test waits for what must come: only a broken executor lets it pass.
inline constexpr Duration kPatience = std::chrono::seconds(30);

/// For tests that are not about memory: RLIMIT_MEMLOCK may be small where they run.
inline constexpr StartOptions kAnyMemory{.on_denied = OnDenied::degrade};

/// The options of a post to the lane of this number.
constexpr PostOptions in_lane(LaneId lane) noexcept { return {.lane = lane}; }

/// A running executor; the end of the scope stops it.
class Running {
 public:
  Running(Executor& executor, std::initializer_list<WorkerConfig> workers,
          const StartOptions& options = kAnyMemory)
      : executor_(executor) {
    const std::span<const WorkerConfig> configs(workers.begin(), workers.size());
    if (!EXPECT_OK(executor.start(configs, options))) ::_exit(1);
  }
  ~Running() { EXPECT_OK(executor_.stop(StopMode::cancel, kPatience)); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Executor& executor_;
};

/// Posts a job that occupies a worker of the lane until `gate` opens; returns when it does.
inline void hold_worker(Executor& executor, Gate& gate, LaneId lane = LaneId{0}) {
  const std::uint32_t before = gate.entries();
  // A lane that is full just now has room in a moment.
  const PostOptions options{
      .lane = lane, .priority = Priority::critical, .when_full = WhenFull::wait};
  ASSERT_OK(executor.post([&gate] { gate.pass(); }, options));
  gate.wait_for_entries(before + 1);
}

/// Returns when `condition()` holds; the case's time limit ends the wait.
template <class Condition>
void wait_until(const Condition& condition) {
  while (!condition()) ::sched_yield();
}

/// The jobs of all workers that returned or threw, as the statistics have it.
inline std::uint64_t jobs_run(const Executor& executor) noexcept {
  std::uint64_t sum = 0;
  for (std::uint32_t worker = 0; worker < executor.worker_count(); ++worker) {
    sum += executor.worker_stats(worker).jobs.get();
  }
  return sum;
}

/// The waiting jobs that all workers ended at stop(cancel).
inline std::uint64_t jobs_cancelled(const Executor& executor) noexcept {
  std::uint64_t sum = 0;
  for (std::uint32_t worker = 0; worker < executor.worker_count(); ++worker) {
    sum += executor.worker_stats(worker).cancelled.get();
  }
  return sum;
}

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_RUNNING_H_
