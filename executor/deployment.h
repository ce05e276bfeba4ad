// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_DEPLOYMENT_H_
#define TAKT_EXECUTOR_DEPLOYMENT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/executor/limits.h"
#include "takt/executor/options.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// How many tasks, and how many workers under SCHED_DEADLINE, an analysis takes.
inline constexpr std::size_t kAnalysisTasks = 128;
/// No task, no worker.
inline constexpr std::size_t kNobody = ~std::size_t{0};

/// What the analysis knows of a task beyond its configuration.
struct TaskTiming {
  /// How late a release may become visible to its worker: the timer's and the kernel's wake-up
  /// latency, the jitter of whoever releases a sporadic task. Not what other jobs cause: the
  /// analysis finds that itself.
  Duration release_jitter{0};
  /// How long workers of lower priority on the same CPU can hold the task up, all in all, while it
  /// or anything ahead of it waits for their mutexes. With takt::Mutex (priority inheritance): the
  /// sum over those workers of the longest time for which each holds such a mutex. The sum even if
  /// there is but one mutex: the kernel hands it to a worker that waits, and that one's section
  /// counts too. A wait for a worker of *another* CPU does not belong here: add it to wcet. Under
  /// SCHED_DEADLINE no wait is supported.
  Duration blocking{0};
};

/// A task as the analysis sees it.
struct DeployedTask {
  const char* name = nullptr;            ///< for the explanation
  LaneId lane{0};                        ///< where its jobs run
  Priority priority = Priority::normal;  ///< among the waiting jobs of the lane
  Duration period{0};                    ///< between releases: exactly, or at least
  Duration deadline{0};        ///< after each release, may exceed the period; 0: the period
  Duration wcet{0};            ///< worst-case execution time, at least 1 ns
  Duration release_jitter{0};  ///< see TaskTiming
  Duration blocking{0};        ///< see TaskTiming
};

/// The task that add_task() makes of `config`. Its offset does not count: the bounds hold for all
/// offsets. Blocks: no. Callable from: anywhere.
constexpr DeployedTask deployed(const TaskConfig& config, const TaskTiming& timing = {}) noexcept {
  return {.name = config.name,
          .lane = config.lane,
          .priority = config.priority,
          .period = config.period,
          .deadline = config.deadline,
          .wcet = config.wcet,
          .release_jitter = timing.release_jitter,
          .blocking = timing.blocking};
}
/// The same for add_sporadic_task().
constexpr DeployedTask deployed(const SporadicConfig& config,
                                const TaskTiming& timing = {}) noexcept {
  return {.name = config.name,
          .lane = config.lane,
          .priority = config.priority,
          .period = config.min_interarrival,
          .deadline = config.deadline,
          .wcet = config.wcet,
          .release_jitter = timing.release_jitter,
          .blocking = timing.blocking};
}

/// What runs where: the workers as start() gets them, and the tasks. All that runs on these CPUs
/// under a real-time policy has to be in it; jobs that are posted as well, as a task with the
/// shortest time between two of them. Tasks without a guarantee on workers that share time stay
/// out: real-time workers preempt them.
struct Deployment {
  std::span<const WorkerConfig> workers;
  std::span<const DeployedTask> tasks;
};

/// What the analysis says.
enum class Schedulability : std::uint32_t {
  schedulable,    ///< no job ends after its deadline, whatever the offsets
  unschedulable,  ///< no such guarantee
  undecided,      ///< as unschedulable: the computation was cut off
  unsupported,    ///< the scheduler that is there is not one that it can analyse
  invalid,        ///< a figure that can never be right
};

/// Why; to_string() has the sentences.
enum class AnalysisReason : std::uint32_t {
  none,
  // unschedulable
  deadline_missed,
  overload,
  demand_too_high,
  runtime_too_small,
  four_levels_too_few,
  lanes_too_few,
  // undecided
  too_long,
  // unsupported
  too_many_tasks,
  several_workers,
  several_cpus,
  any_cpu,
  time_sharing,
  shared_deadline_lane,
  too_frequent_for_deadline,
  blocked_deadline_worker,
  spinning_worker,
  // invalid
  no_worker,
  bad_period,
  bad_deadline,
  bad_wcet,
  bad_release_jitter,
  bad_blocking,
  bad_level,
  bad_worker_priority,
  bad_deadline_parameters,
};

/// As written in the enumeration: "schedulable". Blocks: no. Callable from: anywhere.
const char* to_string(Schedulability schedulability) noexcept;
/// The reason as half a sentence: "several workers serve its lane". Blocks: no. Callable from:
/// anywhere.
const char* to_string(AnalysisReason reason) noexcept;

namespace detail {

/// SCHED_DEADLINE goes before every priority of SCHED_FIFO and SCHED_RR.
inline constexpr int kDeadlineRank = 100;

/// A task with its place: all that the recurrences need, in nanoseconds.
struct PlacedTask {
  std::int64_t period = 0;
  std::int64_t deadline = 0;
  std::int64_t wcet = 0;
  std::int64_t jitter = 0;
  std::int64_t blocking = 0;
  std::size_t worker = 0;
  std::size_t cpu = 0;
  int rank = 0;  ///< of the worker in the kernel: larger preempts smaller
  std::uint32_t lane = 0;
  std::uint32_t level = 0;  ///< smaller goes first
};

struct PlacedTasks {
  PlacedTask at[kAnalysisTasks];
  std::size_t count = 0;
};

/// What is wrong with a deployment, and with whom.
struct Finding {
  Schedulability verdict = Schedulability::schedulable;
  AnalysisReason reason = AnalysisReason::none;
  std::size_t task = kNobody;
  std::size_t worker = kNobody;

  constexpr bool ok() const noexcept { return reason == AnalysisReason::none; }
};

/// The figures of one task that do not depend on its place.
constexpr AnalysisReason place_figures(const DeployedTask& task, PlacedTask& placed) noexcept {
  const Duration zero = Duration::zero();
  if (task.period <= zero) return AnalysisReason::bad_period;
  if (task.deadline < zero) return AnalysisReason::bad_deadline;
  if (task.wcet <= zero) return AnalysisReason::bad_wcet;
  if (task.release_jitter < zero) return AnalysisReason::bad_release_jitter;
  if (task.blocking < zero) return AnalysisReason::bad_blocking;
  if (static_cast<std::uint32_t>(task.priority) >= kPriorityLevels) {
    return AnalysisReason::bad_level;
  }
  placed.period = task.period.count();
  placed.deadline = (task.deadline == zero ? task.period : task.deadline).count();
  placed.wcet = task.wcet.count();
  placed.jitter = task.release_jitter.count();
  placed.blocking = task.blocking.count();
  placed.lane = static_cast<std::uint32_t>(task.lane);
  placed.level = static_cast<std::uint32_t>(task.priority);
  return AnalysisReason::none;
}

/// Whether the kernel's parameters make sense: 0 < runtime <= deadline <= period.
constexpr bool is_valid(const Scheduling& server) noexcept {
  return server.runtime() > Duration::zero() && server.runtime() <= server.deadline() &&
         server.deadline() <= server.period();
}

/// Where the worker's jobs run: on one CPU, at one rank.
constexpr AnalysisReason place_worker(const WorkerConfig& worker, PlacedTask& placed) noexcept {
  const Scheduling& scheduling = worker.scheduling;
  if (!scheduling.is_real_time()) return AnalysisReason::time_sharing;
  if (worker.cpus.empty()) return AnalysisReason::any_cpu;
  placed.cpu = worker.cpus.first();
  if (worker.cpus.next(placed.cpu) != CpuSet::kCapacity) return AnalysisReason::several_cpus;
  if (scheduling.policy() != SchedulingPolicy::deadline) {
    placed.rank = scheduling.priority();
    const bool valid = placed.rank >= 1 && placed.rank < kDeadlineRank;
    return valid ? AnalysisReason::none : AnalysisReason::bad_worker_priority;
  }
  placed.rank = kDeadlineRank;
  if (!is_valid(scheduling)) return AnalysisReason::bad_deadline_parameters;
  // A job that comes before the next period, or needs more than the runtime, is throttled.
  if (placed.wcet > scheduling.runtime().count()) return AnalysisReason::runtime_too_small;
  if (placed.period - placed.jitter < scheduling.period().count()) {
    return AnalysisReason::too_frequent_for_deadline;
  }
  // Who wakes up in the middle of a job may get a later deadline from the kernel.
  if (placed.blocking != 0) return AnalysisReason::blocked_deadline_worker;
  return AnalysisReason::none;
}

/// The verdict that goes with a reason.
constexpr Schedulability verdict_of(AnalysisReason reason) noexcept {
  if (reason == AnalysisReason::none) return Schedulability::schedulable;
  if (reason < AnalysisReason::too_long) return Schedulability::unschedulable;
  if (reason < AnalysisReason::too_many_tasks) return Schedulability::undecided;
  return reason < AnalysisReason::no_worker ? Schedulability::unsupported : Schedulability::invalid;
}

constexpr Finding finding(AnalysisReason reason, std::size_t task, std::size_t worker) noexcept {
  return {.verdict = verdict_of(reason), .reason = reason, .task = task, .worker = worker};
}

/// The worker of a lane: its index; kNobody without one, `several` when it is not the only one.
constexpr std::size_t worker_of(const Deployment& deployment, LaneId lane, bool& several) noexcept {
  std::size_t found = kNobody;
  for (std::size_t index = 0; index < deployment.workers.size(); ++index) {
    if (deployment.workers[index].lane != lane) continue;
    several = found != kNobody;
    if (several) return found;
    found = index;
  }
  return found;
}

/// Whether a task before `task` runs in the same lane.
constexpr bool shares_lane(const PlacedTasks& placed, const PlacedTask& task) noexcept {
  for (std::size_t index = 0; index < placed.count; ++index) {
    if (placed.at[index].lane == task.lane) return true;
  }
  return false;
}

/// A worker that spins (WorkerConfig::spin) takes time from all below it, and under SCHED_DEADLINE
/// from its own runtime, for which no bound is known.
constexpr Finding find_spinning(const Deployment& deployment, const PlacedTasks& placed) noexcept {
  for (std::size_t task = 0; task < placed.count; ++task) {
    const PlacedTask& place = placed.at[task];
    for (std::size_t index = 0; index < deployment.workers.size(); ++index) {
      const WorkerConfig& worker = deployment.workers[index];
      const Scheduling& scheduling = worker.scheduling;
      if (worker.spin <= Duration::zero() || !scheduling.is_real_time()) continue;
      const bool deadline = scheduling.policy() == SchedulingPolicy::deadline;
      if (index == place.worker && !deadline) continue;
      if ((deadline ? kDeadlineRank : scheduling.priority()) < place.rank) continue;
      if (!worker.cpus.empty() && !worker.cpus.contains(place.cpu)) continue;
      return finding(AnalysisReason::spinning_worker, task, index);
    }
  }
  return {};
}

/// Fills `placed`; the first thing that is wrong. Bound: O(tasks * (tasks + workers)).
constexpr Finding place(const Deployment& deployment, PlacedTasks& placed) noexcept {
  for (std::size_t index = 0; index < deployment.tasks.size(); ++index) {
    if (index == kAnalysisTasks) return finding(AnalysisReason::too_many_tasks, index, kNobody);
    const DeployedTask& task = deployment.tasks[index];
    PlacedTask& place = placed.at[index];
    AnalysisReason reason = place_figures(task, place);
    if (reason != AnalysisReason::none) return finding(reason, index, kNobody);
    bool several = false;
    place.worker = worker_of(deployment, task.lane, several);
    if (place.worker == kNobody) return finding(AnalysisReason::no_worker, index, kNobody);
    if (several) return finding(AnalysisReason::several_workers, index, place.worker);
    reason = place_worker(deployment.workers[place.worker], place);
    if (reason == AnalysisReason::none && place.rank == kDeadlineRank &&
        shares_lane(placed, place)) {
      reason = AnalysisReason::shared_deadline_lane;
    }
    if (reason != AnalysisReason::none) return finding(reason, index, place.worker);
    placed.count = index + 1;
  }
  return find_spinning(deployment, placed);
}

}  // namespace detail

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_DEPLOYMENT_H_
