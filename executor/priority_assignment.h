// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_PRIORITY_ASSIGNMENT_H_
#define TAKT_EXECUTOR_PRIORITY_ASSIGNMENT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/executor/deployment.h"
#include "takt/executor/limits.h"
#include "takt/executor/response_time.h"

// Which lane, which kernel priority, which level, for the tasks of one CPU.
//
// First one lane: from the lowest level up, each level takes every task that meets its deadline
// there, with all tasks that are not placed yet ahead of it. That is optimal for this analysis: a
// task that moves down delays the others by one job at most, and above it does so by one at least.
// After Audsley, "On priority assignment in fixed priority scheduling" (Information Processing
// Letters 79, 2001).
//
// If four levels without preemption do not suffice and there may be more lanes: the same with a
// lane for each task, where the one with the most to spare goes lowest, which is optimal among
// preemptive orders (Davis, Burns, "Robust priority assignment for fixed priority real-time
// systems", RTSS 2007); then neighbours share lanes, from the least urgent upwards, until there are
// few enough. That last step is a heuristic.

namespace takt::inline v0 {

struct AssignmentOptions {
  std::uint32_t lanes = 1;    ///< how many there may be on this CPU
  LaneId first_lane{0};       ///< the most urgent lane; the others follow
  int highest_priority = 80;  ///< of the first lane's worker, 1 to 99; the others follow downwards
};

/// A task's place.
struct Assignment {
  LaneId lane{0};
  int worker_priority = 0;  ///< SCHED_FIFO, of the lane's only worker
  Priority level = Priority::normal;
};

/// What assign_priorities() finds.
struct PriorityAssignment {
  Schedulability verdict = Schedulability::schedulable;
  AnalysisReason reason = AnalysisReason::none;
  std::size_t task = kNobody;  ///< invalid: whose figure; four_levels_too_few: who fits nowhere
  std::uint32_t lanes = 0;     ///< how many are used
  Assignment tasks[kAnalysisTasks];  ///< of each task, in the order given; if schedulable
};

namespace detail {

/// The search for one CPU.
class PriorityAssigner {
 public:
  constexpr PriorityAssigner(std::span<const DeployedTask> tasks,
                             const AssignmentOptions& options) noexcept
      : options_(options) {
    for (std::size_t index = 0; index < tasks.size(); ++index) {
      AnalysisReason reason = AnalysisReason::too_many_tasks;
      if (index < kAnalysisTasks) reason = place_figures(tasks[index], placed_.at[index]);
      if (reason != AnalysisReason::none) {
        fail(reason, index);
        return;
      }
      placed_.count = index + 1;
    }
    const bool valid = options.highest_priority >= 1 && options.highest_priority < kDeadlineRank;
    if (!valid) fail(AnalysisReason::bad_worker_priority, kNobody);
  }

  constexpr PriorityAssignment run() noexcept {
    if (result_.reason != AnalysisReason::none) return result_;
    const std::size_t misfit = assign_levels();
    if (misfit == kNobody) {
      result_.lanes = 1;
    } else if (options_.lanes < 2) {
      fail(AnalysisReason::four_levels_too_few, misfit);
    } else if (!assign_ranks() || !share_lanes()) {
      fail(AnalysisReason::lanes_too_few, kNobody);
    }
    if (result_.reason == AnalysisReason::none) write();
    return result_;
  }

 private:
  constexpr void fail(AnalysisReason reason, std::size_t task) noexcept {
    result_.reason = reason;
    result_.verdict = verdict_of(reason);
    result_.task = task;
  }

  /// What is left until the deadline at worst; negative when it can be missed.
  constexpr std::int64_t slack(std::size_t task) const noexcept {
    const ResponseBound bound = ResponseTime(placed_, task).bound();
    return bound.reason == AnalysisReason::none ? placed_.at[task].deadline - bound.response : -1;
  }
  constexpr bool meets_deadline(std::size_t task) const noexcept { return slack(task) >= 0; }
  constexpr bool all_meet_deadlines() const noexcept {
    for (std::size_t task = 0; task < placed_.count; ++task) {
      if (!meets_deadline(task)) return false;
    }
    return true;
  }

  /// One lane: a task that fits nowhere, or kNobody.
  constexpr std::size_t assign_levels() noexcept {
    for (std::size_t task = 0; task < placed_.count; ++task) {
      placed_.at[task].lane = 0;
      placed_.at[task].rank = 1;
      placed_.at[task].level = 0;  // above each level that is tried, so: not placed yet
    }
    for (std::uint32_t level = kPriorityLevels - 1; level > 0; --level) {
      for (std::size_t task = 0; task < placed_.count; ++task) {
        if (placed_.at[task].level != 0) continue;
        placed_.at[task].level = level;
        if (!meets_deadline(task)) placed_.at[task].level = 0;
      }
    }
    for (std::size_t task = 0; task < placed_.count; ++task) {
      if (placed_.at[task].level == 0 && !meets_deadline(task)) return task;
    }
    return kNobody;
  }

  /// A lane for each task: order_ from the least urgent on; false if no order does.
  constexpr bool assign_ranks() noexcept {
    const int unplaced = static_cast<int>(placed_.count);
    for (std::size_t task = 0; task < placed_.count; ++task) {
      placed_.at[task].lane = static_cast<std::uint32_t>(task);
      placed_.at[task].rank = unplaced;
      placed_.at[task].level = 0;
    }
    for (int rank = 0; rank < unplaced; ++rank) {
      // Of those that fit here the one with the most to spare: lanes that are shared take from it.
      std::size_t best = kNobody;
      std::int64_t most = -1;
      for (std::size_t task = 0; task < placed_.count; ++task) {
        if (placed_.at[task].rank != unplaced) continue;
        placed_.at[task].rank = rank;
        const std::int64_t spare = slack(task);
        placed_.at[task].rank = unplaced;
        if (spare <= most) continue;
        most = spare;
        best = task;
      }
      if (best == kNobody) return false;
      placed_.at[best].rank = rank;
      order_[rank] = best;
    }
    return true;
  }

  /// Neighbours in order_ share a lane while that is needed and harms nobody.
  constexpr bool share_lanes() noexcept {
    std::size_t lanes = placed_.count;
    std::size_t begin = 0;  // of the lane that grows, in order_
    for (std::size_t next = 1; next < placed_.count && lanes > options_.lanes; ++next) {
      put_in_one_lane(begin, next);
      if (all_meet_deadlines()) {
        --lanes;
        continue;
      }
      put_in_one_lane(begin, next - 1);
      put_in_one_lane(next, next);
      begin = next;
    }
    result_.lanes = static_cast<std::uint32_t>(lanes);
    return lanes <= options_.lanes && lanes <= static_cast<std::size_t>(options_.highest_priority);
  }

  /// Places the tasks order_[first] to order_[last] in one lane, spread over the levels.
  constexpr void put_in_one_lane(std::size_t first, std::size_t last) noexcept {
    const std::size_t tasks = last - first + 1;
    for (std::size_t index = first; index <= last; ++index) {
      const std::size_t ahead = last - index;  // the more urgent ones of the lane
      PlacedTask& task = placed_.at[order_[index]];
      task.lane = static_cast<std::uint32_t>(order_[first]);
      task.rank = static_cast<int>(first);
      task.level = static_cast<std::uint32_t>(
          tasks <= kPriorityLevels ? ahead : ahead * kPriorityLevels / tasks);
    }
  }

  /// Turns ranks, which have gaps, into lanes and kernel priorities.
  constexpr void write() noexcept {
    for (std::size_t task = 0; task < placed_.count; ++task) {
      std::uint32_t above = 0;  // lanes of a higher rank, each counted at its first task
      for (std::size_t other = 0; other < placed_.count; ++other) {
        if (placed_.at[other].rank > placed_.at[task].rank && is_first_of_lane(other)) ++above;
      }
      result_.tasks[task] = {
          .lane = static_cast<LaneId>(static_cast<std::uint32_t>(options_.first_lane) + above),
          .worker_priority = options_.highest_priority - static_cast<int>(above),
          .level = static_cast<Priority>(placed_.at[task].level)};
    }
  }
  constexpr bool is_first_of_lane(std::size_t task) const noexcept {
    for (std::size_t other = 0; other < task; ++other) {
      if (placed_.at[other].lane == placed_.at[task].lane) return false;
    }
    return true;
  }

  AssignmentOptions options_;
  PlacedTasks placed_;
  std::size_t order_[kAnalysisTasks] = {};
  PriorityAssignment result_;
};

}  // namespace detail

/// Places the tasks of one CPU; what `tasks` says of lane and priority does not count. The blocking
/// of each task has to hold wherever it is placed.
/// Blocks: no. Bound: O(tasks^2) response times. Callable from: anywhere, constant expressions
/// included; takes 24 KiB of stack.
constexpr PriorityAssignment assign_priorities(std::span<const DeployedTask> tasks,
                                               const AssignmentOptions& options = {}) noexcept {
  return detail::PriorityAssigner(tasks, options).run();
}

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_PRIORITY_ASSIGNMENT_H_
