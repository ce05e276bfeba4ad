// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_ANALYSIS_H_
#define TAKT_EXECUTOR_ANALYSIS_H_

#include <cstddef>
#include <cstdint>

#include "takt/executor/demand_bound.h"
#include "takt/executor/deployment.h"
#include "takt/executor/priority_assignment.h"
#include "takt/executor/response_time.h"
#include "takt/platform/check.h"
#include "takt/platform/text.h"
#include "takt/platform/time.h"

// Is it schedulable? All of it works on integer nanoseconds, in fixed memory, and in constant
// expressions: static_assert(takt::schedulable(kDeployment)).
//
// Workers of one CPU: the kernel preempts, by SCHED_FIFO or SCHED_RR priority (response_time.h), or
// by earliest deadline under SCHED_DEADLINE (demand_bound.h), which goes before both. Jobs of one
// lane do not preempt each other. Lanes of several workers, workers of several CPUs and workers
// that share time are `unsupported`: no bound is known to hold.
//
// Not in the bounds: the executor's own time for a release (add it to wcet), interrupts, and the
// kernel's limit on real-time work (sched_rt_runtime_us, 95 % of a CPU unless it is switched off).

namespace takt::inline v0 {

/// What the analysis finds for one task.
struct TaskAnalysis {
  Schedulability verdict = Schedulability::schedulable;
  AnalysisReason reason = AnalysisReason::none;
  std::size_t task = kNobody;    ///< its index in the deployment
  std::size_t worker = kNobody;  ///< whose configuration the reason is about; else the task's own
  Duration deadline{0};
  /// No job ends later than this after its release; Duration::max(): no bound is known.
  Duration response = Duration::max();
  /// response - deadline: by how much it fails, or negative, what is left. Of a task that fails by
  /// demand_too_high: by how much the demand exceeds the interval. Duration::max() without a bound.
  Duration lateness = Duration::max();
  Duration blocking{0};  ///< by a job of a lower level and by mutexes, once a busy period
  /// The longest stretch that counts; Duration::max(): none was found; 0 under SCHED_DEADLINE.
  Duration busy_period{0};
  std::uint64_t job = 0;  ///< which job of it has that response, from 0
  /// Load of the CPU by the task and all that goes before it, in millionths.
  std::uint64_t utilisation_millionths = 0;
};

/// What the analysis finds for a deployment.
struct DeploymentAnalysis {
  Schedulability verdict = Schedulability::schedulable;
  AnalysisReason reason = AnalysisReason::none;
  std::size_t tasks = 0;    ///< how many there are
  std::size_t failing = 0;  ///< how many of them are not schedulable
  /// Of the tasks with that verdict the one with the largest lateness, or the one at fault.
  TaskAnalysis worst;
};

namespace detail {

constexpr TaskAnalysis& conclude(TaskAnalysis& result, AnalysisReason reason) noexcept {
  result.reason = reason;
  result.verdict = verdict_of(reason);
  return result;
}

/// What is left of, or lacks for, the deadline.
constexpr TaskAnalysis& compare(TaskAnalysis& result, std::int64_t response) noexcept {
  result.response = Duration(response);
  result.lateness = result.response - result.deadline;
  const bool missed = result.lateness > Duration::zero();
  return conclude(result, missed ? AnalysisReason::deadline_missed : AnalysisReason::none);
}

constexpr void analyse_fixed_priority(const PlacedTasks& placed, TaskAnalysis& result) noexcept {
  const ResponseBound bound = ResponseTime(placed, result.task).bound();
  result.blocking = Duration(bound.blocking);
  result.busy_period = Duration(bound.busy_period);
  result.job = static_cast<std::uint64_t>(bound.worst_job);
  result.utilisation_millionths = millionths(bound.utilisation);
  if (bound.reason == AnalysisReason::none) {
    compare(result, bound.response);
  } else {
    conclude(result, bound.reason);
  }
}

/// The workers under SCHED_DEADLINE of one CPU.
struct DeadlineWorkers {
  DemandTask at[kAnalysisTasks];
  std::size_t count = 0;

  /// Takes all of them, those without a task too: the kernel has promised them their runtime.
  constexpr AnalysisReason collect(const Deployment& deployment, std::size_t cpu) noexcept {
    for (const WorkerConfig& worker : deployment.workers) {
      const Scheduling& server = worker.scheduling;
      if (server.policy() != SchedulingPolicy::deadline) continue;
      if (worker.cpus.empty()) return AnalysisReason::any_cpu;
      if (!worker.cpus.contains(cpu)) continue;
      if (worker.cpus.count() != 1) return AnalysisReason::several_cpus;
      if (!is_valid(server)) return AnalysisReason::bad_deadline_parameters;
      if (count == kAnalysisTasks) return AnalysisReason::too_many_tasks;
      at[count++] = {server.runtime(), server.period(), server.deadline()};
    }
    return AnalysisReason::none;
  }
};

constexpr void analyse_deadline(const Deployment& deployment, const PlacedTasks& placed,
                                TaskAnalysis& result) noexcept {
  const PlacedTask& task = placed.at[result.task];
  DeadlineWorkers workers;
  const AnalysisReason reason = workers.collect(deployment, task.cpu);
  if (reason != AnalysisReason::none) {
    conclude(result, reason);
    return;
  }
  std::uint64_t sum = 0;
  for (std::size_t index = 0; index < workers.count; ++index) {
    sum += utilisation(workers.at[index].wcet.count(), workers.at[index].period.count());
  }
  result.utilisation_millionths = millionths(sum);
  const DemandAnalysis demand = demand_bound({workers.at, workers.count});
  if (demand.verdict == Schedulability::schedulable) {
    // The kernel's deadline counts from when the worker wakes up.
    const Duration promised = deployment.workers[task.worker].scheduling.deadline();
    compare(result, plus(task.jitter, promised.count()));
    return;
  }
  if (demand.reason == AnalysisReason::demand_too_high) {
    result.lateness = demand.demand - demand.length;
  }
  conclude(result, demand.reason);
}

constexpr TaskAnalysis analyse_placed(const Deployment& deployment, const PlacedTasks& placed,
                                      std::size_t task) noexcept {
  TaskAnalysis result;
  result.task = task;
  result.deadline = Duration(placed.at[task].deadline);
  if (placed.at[task].rank == kDeadlineRank) {
    analyse_deadline(deployment, placed, result);
  } else {
    analyse_fixed_priority(placed, result);
  }
  return result;
}

/// What is wrong with the input goes first, a miss before what is undecided, then by lateness.
constexpr bool is_worse(const TaskAnalysis& left, const TaskAnalysis& right) noexcept {
  constexpr int kSeverity[] = {0, 2, 1, 3, 4};  // in the order of Schedulability
  const int severity = kSeverity[static_cast<std::size_t>(left.verdict)];
  const int other = kSeverity[static_cast<std::size_t>(right.verdict)];
  return severity != other ? severity > other : left.lateness > right.lateness;
}

constexpr TaskAnalysis analysis_of(const Finding& finding) noexcept {
  TaskAnalysis result;
  result.task = finding.task;
  result.worker = finding.worker;
  return conclude(result, finding.reason);
}

}  // namespace detail

/// A bound on the response time of one task of the deployment, by its index (else aborts). What
/// makes the deployment unsupported or invalid is the answer for each of its tasks.
/// Blocks: no. Bound: kAnalysisSteps * O(tasks). Callable from: anywhere, constant expressions
/// included; takes 16 KiB of stack.
constexpr TaskAnalysis analyse_task(const Deployment& deployment, std::size_t task) noexcept {
  TAKT_CHECK(task < deployment.tasks.size(), "analysis: no such task");
  detail::PlacedTasks placed;
  const detail::Finding finding = detail::place(deployment, placed);
  return finding.ok() ? detail::analyse_placed(deployment, placed, task)
                      : detail::analysis_of(finding);
}

/// The verdict over all tasks, and the worst of them.
/// Blocks: no. Bound: as analyse_task() for each task. Callable from: as analyse_task().
constexpr DeploymentAnalysis analyse(const Deployment& deployment) noexcept {
  DeploymentAnalysis result;
  result.tasks = deployment.tasks.size();
  detail::PlacedTasks placed;
  if (const detail::Finding finding = detail::place(deployment, placed); !finding.ok()) {
    result.worst = detail::analysis_of(finding);
    result.failing = result.tasks;
  } else {
    for (std::size_t task = 0; task < result.tasks; ++task) {
      const TaskAnalysis analysis = detail::analyse_placed(deployment, placed, task);
      if (analysis.verdict != Schedulability::schedulable) ++result.failing;
      if (task == 0 || detail::is_worse(analysis, result.worst)) result.worst = analysis;
    }
  }
  result.verdict = result.worst.verdict;
  result.reason = result.worst.reason;
  return result;
}

/// Whether no job of the deployment ever ends after its deadline: false also for what is
/// undecided, unsupported or invalid. Blocks: no. Bound, callable from: as analyse().
constexpr bool schedulable(const Deployment& deployment) noexcept {
  return analyse(deployment).verdict == Schedulability::schedulable;
}

/// Appends who fails by how much, a line a task:
///
///   unschedulable: 1 of 2 tasks without a guarantee
///     servo: ends within 620us of 800us
///     camera: ends within 3500us of 3250us, 250us too late (job 1 of a busy period of 7ms)
///
/// Blocks: no. Bound: as analyse(). Callable from: the writer's owner.
void explain(TextWriter& writer, const Deployment& deployment) noexcept;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_ANALYSIS_H_
