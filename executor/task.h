// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_TASK_H_
#define TAKT_EXECUTOR_TASK_H_

#include <atomic>
#include <cstdint>

#include "takt/executor/callable.h"
#include "takt/executor/limits.h"
#include "takt/executor/options.h"
#include "takt/executor/release_rule.h"
#include "takt/executor/stats.h"
#include "takt/sync/env.h"

// A task's job is its slot itself: at most one is unfinished. `unfinished` is one word:
//
//   bit 0  kUnfinished: a job waits or runs. Set by the releaser, cleared by its worker.
//   bit 1  kAwaited: the releaser keeps releases back until the job ends. Set by the releaser, also
//          while the job runs; cleared with bit 0.
//   bit 2  kRemoving: somebody sleeps on the word until the job ends. Set by remove(), cleared with
//          bit 0.
//
//            release(): by the holder of the lane's timer mutex
//   [idle: 0] ---------------------------------------------------> [unfinished | …]
//      ^                                                                  |
//      |  only kUnfinished: one compare-and-swap, the worker's last touch |
//      '------------------------------------------------------------------|
//      |  more bits: under the timer mutex, which may release at once     |
//      '------------------------------------------------------------------'
//
// The fields below `unfinished` are written by the releaser while idle and read by the worker while
// unfinished; the ready ring orders one way, `unfinished` the other.
//
// The life of the slot, under the lane's timer mutex (kFree to kActive: the executor's task mutex):
//
//   [free] --add_task--> [active] <--resume/suspend--> [suspended]
//      ^                     '------------.-----------------'
//      '--- callable destroyed --- [removing]

namespace takt::inline v0 {

/// What a task is doing.
enum class TaskState : std::uint32_t {
  removed = 0,    ///< gone; its handles are stale
  active = 1,     ///< its jobs are released
  suspended = 2,  ///< no releases until resume()
  removing = 3,   ///< remove() waits for its last job
};

namespace detail {

/// What TaskConfig and SporadicConfig have in common.
struct TaskSetup {
  const char* name;
  LaneId lane;
  Priority priority;
  Duration period;  // sporadic: min_interarrival
  Duration offset;
  Duration deadline;
  Duration wcet;
  Duration budget;
  Overrun overrun;
  MissHandler on_miss;
  void* miss_argument;
  bool histograms;
  bool sporadic;
};

constexpr TaskSetup setup_of(const TaskConfig& config) noexcept {
  return {config.name,    config.lane,     config.priority,      config.period,
          config.offset,  config.deadline, config.wcet,          config.budget,
          config.overrun, config.on_miss,  config.miss_argument, config.histograms,
          false};
}
constexpr TaskSetup setup_of(const SporadicConfig& config) noexcept {
  return {config.name,
          config.lane,
          config.priority,
          config.min_interarrival,
          Duration::zero(),
          config.deadline,
          config.wcet,
          config.budget,
          Overrun::catch_up(config.pending),
          config.on_miss,
          config.miss_argument,
          config.histograms,
          true};
}

/// What is wrong with a period; null when nothing is.
constexpr const char* wrong_period(Duration period) noexcept {
  if (period < std::chrono::microseconds(1)) return "the period is below 1 microsecond";
  // No sum overflows.
  if (period > Duration::max() / 4) return "the period is above 73 years";
  return nullptr;
}

/// A recurring source of jobs, and where it is kept.
struct TaskSlot {
  static constexpr std::uint32_t kUnfinished = 1;
  static constexpr std::uint32_t kAwaited = 2;
  static constexpr std::uint32_t kRemoving = 4;

  CallableStorage storage;
  Thunk thunk;
  char name[kNameBytes];
  std::atomic<LaneId> lane;  // relaxed: executor.task() reads it beside an add_task()
  Priority priority;
  Overrun overrun;
  bool sporadic;
  bool implicit_deadline;  // the period's
  std::int64_t offset_ns;
  std::int64_t budget_ns;  // 0: none
  MissHandler on_miss;
  void* miss_argument;

  /// The head of this file has the bits.
  ThreadEnv::Word unfinished;
  // Of the unfinished job:
  std::int64_t release_ns;
  std::int64_t deadline_ns;  // relative to the release
  std::int64_t abort_ns;     // when it is asked to return
  std::uint64_t index;
  std::uint64_t skipped;
  // Of the job before it; written by its worker:
  std::int64_t finished_ns;

  // Under the lane's timer mutex:
  ReleaseRule rule;
  std::int64_t period_ns;         // sporadic: min_interarrival
  std::int64_t next_deadline_ns;  // of jobs released from now on
  /// One more each time the slot is used anew. Atomic, as the state: handles look without the lock.
  std::atomic<std::uint32_t> generation;
  std::atomic<TaskState> state;
  bool destroying;  // one remove() has won

  TaskStats stats;
  TaskHistograms* histograms;
};

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_TASK_H_
