// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_DEMAND_BOUND_H_
#define TAKT_EXECUTOR_DEMAND_BOUND_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "takt/executor/deployment.h"
#include "takt/executor/saturating.h"
#include "takt/platform/time.h"

// Earliest deadline first on one CPU: all deadlines are met if and only if in no interval of length
// t the jobs that are both released and due within it need more than t. QPA looks at few of these
// lengths, from the longest busy period downwards.
// After Zhang, Burns, "Schedulability Analysis for Real-Time Systems with EDF Scheduling" (IEEE
// Transactions on Computers 58, 2009).

namespace takt::inline v0 {

/// A task, or a worker under SCHED_DEADLINE, as its demand counts.
struct DemandTask {
  Duration wcet{0};
  Duration period{0};    ///< the shortest time between two releases
  Duration deadline{0};  ///< after each release; may exceed the period
};

/// What demand_bound() finds.
struct DemandAnalysis {
  Schedulability verdict = Schedulability::schedulable;
  AnalysisReason reason = AnalysisReason::none;
  /// schedulable: of the longest busy period; demand_too_high: of the interval that fails.
  Duration length{0};
  /// What is needed within that interval, blocking included; 0 when schedulable.
  Duration demand{0};
};

namespace detail {

/// The recurrences of one CPU under EDF, in nanoseconds.
class Demand {
 public:
  constexpr Demand(std::span<const DemandTask> tasks, Duration blocking) noexcept
      : tasks_(tasks), blocking_(blocking.count()) {}

  constexpr AnalysisReason check() const noexcept {
    if (blocking_ < 0) return AnalysisReason::bad_blocking;
    std::uint64_t sum = 0;
    for (const DemandTask& task : tasks_) {
      if (task.period <= Duration::zero()) return AnalysisReason::bad_period;
      if (task.deadline <= Duration::zero()) return AnalysisReason::bad_deadline;
      if (task.wcet <= Duration::zero()) return AnalysisReason::bad_wcet;
      sum = std::min(sum + utilisation(task.wcet.count(), task.period.count()), 2 * kWholeCpu);
    }
    return sum > kWholeCpu ? AnalysisReason::overload : AnalysisReason::none;
  }

  /// The longest stretch without idling; kForever when none is found.
  constexpr std::int64_t busy_period() noexcept {
    std::int64_t length = plus(blocking_, 1);
    for (; steps_ > 0; --steps_) {
      std::int64_t sum = blocking_;
      for (const DemandTask& task : tasks_) {
        const std::int64_t period = task.period.count();
        const std::int64_t jobs = length / period + (length % period != 0 ? 1 : 0);
        sum = plus(sum, times(jobs, task.wcet.count()));
      }
      if (sum == length || sum == kForever) return sum;
      length = sum;
    }
    return kForever;
  }

  /// The longest interval, at most as long as the busy period, that needs more than its length; 0
  /// when there is none, kForever when the steps are used up.
  constexpr std::int64_t failing_interval(std::int64_t busy_period) noexcept {
    std::int64_t length = latest_deadline_before(plus(busy_period, 1));
    for (; length != 0; --steps_) {
      if (steps_ == 0) return kForever;
      const std::int64_t needed = demand(length);
      if (needed > length) return length;
      // Whatever is at least as long as that needs no more.
      length = latest_deadline_before(needed);
    }
    return 0;
  }

  /// What is due within an interval of that length, and what can hold it up.
  constexpr std::int64_t demand(std::int64_t length) const noexcept {
    std::int64_t sum = blocking_;
    for (const DemandTask& task : tasks_) {
      const std::int64_t deadline = task.deadline.count();
      if (deadline > length) continue;
      sum = plus(sum, times((length - deadline) / task.period.count() + 1, task.wcet.count()));
    }
    return sum;
  }

 private:
  /// 0 when there is none.
  constexpr std::int64_t latest_deadline_before(std::int64_t time) const noexcept {
    std::int64_t latest = 0;
    for (const DemandTask& task : tasks_) {
      const std::int64_t deadline = task.deadline.count();
      const std::int64_t period = task.period.count();
      if (deadline >= time) continue;
      latest = std::max(latest, deadline + (time - 1 - deadline) / period * period);
    }
    return latest;
  }

  std::span<const DemandTask> tasks_;
  std::int64_t blocking_;
  std::uint32_t steps_ = kAnalysisSteps;
};

}  // namespace detail

/// Whether earliest deadline first meets all deadlines of `tasks` on one CPU. `blocking`: how long
/// work outside of them can hold the CPU, once a busy period. Blocks: no. Bound: kAnalysisSteps *
/// O(tasks). Callable from: anywhere, constant expressions included.
constexpr DemandAnalysis demand_bound(std::span<const DemandTask> tasks,
                                      Duration blocking = Duration(0)) noexcept {
  DemandAnalysis result;
  const auto conclude = [&result](AnalysisReason reason) {
    result.reason = reason;
    result.verdict = detail::verdict_of(reason);
    return result;
  };
  detail::Demand demand(tasks, blocking);
  if (const AnalysisReason reason = demand.check(); reason != AnalysisReason::none) {
    return conclude(reason);
  }
  if (tasks.empty()) return result;
  const std::int64_t busy_period = demand.busy_period();
  if (busy_period == detail::kForever) return conclude(AnalysisReason::too_long);
  const std::int64_t failing = demand.failing_interval(busy_period);
  if (failing == detail::kForever) return conclude(AnalysisReason::too_long);
  result.length = Duration(failing == 0 ? busy_period : failing);
  if (failing == 0) return result;
  result.demand = Duration(demand.demand(failing));
  return conclude(AnalysisReason::demand_too_high);
}

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_DEMAND_BOUND_H_
