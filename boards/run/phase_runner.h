// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_PHASE_RUNNER_H_
#define TAKT_BOARDS_RUN_PHASE_RUNNER_H_

#include <array>

#include "takt/boards/run/plan.h"
#include "takt/boards/run/stop_signal.h"
#include "takt/boards/run/workload.h"
#include "takt/executor/stats.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::run {

/// Executes the phases of a task that is no periodic task, on the worker that calls it, and keeps
/// the same figures of it that the executor keeps of a periodic one.
///
/// A job here is what the task does between two suspensions:
///
///     release: the wait before it is due  ->  start  ->  finish: the next wait begins
///
/// Its deadline is the expiry of the timer with which it ends, if it ends with one; a timer that
/// has expired already is a deadline miss and an overrun. Loads that follow one another over the
/// end of a phase, without a wait, are jobs of their own, released when the one before finished.
/// A wait with which the task begins has no job before it.
class PhaseRunner {
 public:
  /// Both must outlive this. Called once, before run().
  void attach(const Workload& workload, const PlannedTask& task) noexcept;

  /// Executes the task from its beginning, whose reference is `epoch`, to the end of its last loop
  /// or until `stop` is requested.
  /// Blocks: until then. Callable from: the task's worker, once.
  void run(TimePoint epoch, const StopSignal& stop) noexcept;

  /// Callable from: any thread, also during run().
  const TaskStats& stats() const noexcept { return stats_; }
  /// CPU time of the finished jobs, and after run() of the one that it left, in nanoseconds.
  const Counter& cpu_ns() const noexcept { return cpu_ns_; }
  /// The errno with which the system refused a phase's CPUs; 0: granted.
  const Counter& refused_affinity() const noexcept { return refused_affinity_; }

 private:
  void run_phase(const PhaseDescription& phase, const StopSignal& stop) noexcept;
  void run_event(const EventDescription& event, const StopSignal& stop) noexcept;
  void sleep(Duration duration, const StopSignal& stop) noexcept;
  void wait_for_timer(const EventDescription& event, const StopSignal& stop) noexcept;
  void wait_until(TimePoint due, const StopSignal& stop) noexcept;
  bool begins_with_wait() const noexcept;
  void begin_load() noexcept;
  void begin_job(TimePoint release) noexcept;
  void end_job(TimePoint deadline) noexcept;
  void count_cpu_time() noexcept;
  void use_cpus(const CpuSet& cpus) noexcept;

  const Workload* workload_ = nullptr;
  const TaskDescription* task_ = nullptr;
  std::array<TimePoint, Workload::kMaxTimersOfTask> expiry_{};
  CpuSet cpus_;

  TimePoint release_{};
  TimePoint start_{};
  Duration cpu_at_start_{};
  TimePoint finish_{};
  bool in_job_ = false;
  bool loaded_ = false;       // the job has had a load
  bool phase_ended_ = false;  // behind it: the next load begins a job of its own

  TaskStats stats_;
  TaskHistograms histograms_;
  Counter cpu_ns_;
  Counter refused_affinity_;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_PHASE_RUNNER_H_
