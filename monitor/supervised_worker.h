// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_SUPERVISED_WORKER_H_
#define TAKT_MONITOR_SUPERVISED_WORKER_H_

#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/monitor/local_supervision.h"
#include "takt/monitor/supervision.h"
#include "takt/monitor/worker_source.h"
#include "takt/platform/time.h"

// How the three are told apart. Two equal activity words say that the worker has done nothing but
// that in between (executor/activity.h); the watchdog notes since which glance the word is the
// same.
//
// clang-format off
//   word                     unchanged for   its thread meanwhile            verdict
//   idle, paused             however long                                    well
//   ready                    longest_wait                                    starved
//   in_job                   longest_job     blocked                         stuck_in_job
//   in_job (endless loop)    longest_job     wants the CPU and gets it       stuck_in_job
//   in_job (preempted)       longest_job     wants the CPU, gets under 10 %  starved
//   stopped, created, error  the longer one                                  not_running
//   changes                                                                  well
// clang-format on
//
// Starved is also a worker that sleeps because whoever posted to it was preempted before the wake:
// the guilty one is then that poster, or what preempts it.
// A spinning worker is `ready` and changes its word all the time. A worker is supervised only in
// modes in which its executor runs: begin another one before the executor is stopped.

namespace takt::inline v0 {

/// What is expected of a worker in one mode. Active, it has one limit at least.
struct WorkerExpectation {
  bool active = false;
  Duration longest_job{};   ///< in one job, preemption included. 0: not supervised
  Duration longest_wait{};  ///< ready and not running. 0: not supervised
  /// Of failed cycles; a cycle: the larger of the two, one after the other whatever the worker
  /// does. One job that is too long when a cycle ends counts in both: to tolerate any one, say 2.
  std::uint32_t tolerance = 0;
};

/// A worker, supervised by its activity word: the worker pays nothing. The watchdog's.
class SupervisedWorker {
 public:
  static constexpr std::size_t kNameBytes = 16;

  /// How it is. Blocks: no. Callable from: any thread.
  LocalState state() const noexcept { return local_.state(); }
  const char* name() const noexcept { return name_; }

 private:
  friend class Watchdog;

  const WorkerExpectation& expected() const noexcept { return expected_[mode_]; }
  Tolerance tolerance() const noexcept { return {.alive = expected().tolerance}; }
  void begin(WatchMode mode, const Look& look) noexcept;
  void look(TimePoint at) noexcept { seen_ = source_.activity(number_, at); }
  /// A late glance.
  void exclude(const Disturbance& disturbance) noexcept;
  void note_change(TimePoint at) noexcept;
  void judge(const Look& look, Findings& findings) noexcept;
  void judge_unchanged(const Look& look, Findings& findings) noexcept;
  Duration cycle() const noexcept;
  bool gets_no_cpu(Duration measured_over) const noexcept;

  WorkerSource source_;
  std::uint32_t number_ = 0;
  WatchMode mode_ = WatchMode::startup;
  WorkerActivity seen_;
  WorkerActivity activity_;  // the last one judged
  TimePoint unchanged_since_{};
  // What its thread had used when half of the time was over: read only from then on.
  ThreadUse use_;
  TimePoint use_at_{};
  TimePoint cycle_begin_{};
  LocalSupervision local_;
  ByMode<WorkerExpectation> expected_;
  char name_[kNameBytes] = {};
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_SUPERVISED_WORKER_H_
