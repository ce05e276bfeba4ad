// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_RESPONSE_TIME_H_
#define TAKT_EXECUTOR_RESPONSE_TIME_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "takt/executor/deployment.h"
#include "takt/executor/saturating.h"

// A bound on the response times of one task, over the whole level-i busy period: the stretch from
// an instant before which nothing was left over that goes before task i, to the next such instant.
//
// Who delays a job of task i, of lane A:
//   preempts     tasks of lanes of higher rank on the CPU: until the job ends
//   goes ahead   tasks of lane A at the same or a higher level: until the job starts, not after it
//   blocks       one job of lane A of a lower level that has just started, and mutexes that workers
//                of lower rank hold: once a busy period
// If another worker of the CPU has the rank of lane A, the kernel does not say whose jobs go first:
// a worker runs its whole lane empty before the other's turn. Then everything of that rank, lower
// levels of lane A included, counts as preempting: the bound of any order in which the CPU never
// idles while a job waits.
//
// Job q (from 0) of task i in the busy period, with J the jitter, C the wcet, T the period:
//   start(q)  = blocking + q*C + sum over all that goes before: releases in [0, start(q)] * C
//   finish(q) = start(q) + C + sum over what preempts: releases in (start(q), finish(q)) * C
//   response  = max over q of finish(q) - (q*T - J)
// After George, Rivierre, Spuri, "Preemptive and Non-Preemptive Real-Time UniProcessor Scheduling"
// (INRIA 2966, 1996); Wang, Saksena, "Scheduling Fixed-Priority Tasks with Preemption Threshold"
// (RTCSA 1999); Davis, Burns, Bril, Lukkien, "Controller Area Network (CAN) schedulability
// analysis: Refuted, revisited and revised" (Real-Time Systems 35, 2007).
//
// Within a level a job counts as last: every job of its level that is released before it starts
// goes first. First in, first out would be tighter on paper, but a lane sees releases by time only
// at job boundaries, later than posted jobs, and a release that waits for the job before it queues
// after that one's end. Where deadlines do not exceed periods this loses next to nothing: the most
// frequent task of a level has to wait for one job of each other task anyway.

namespace takt::inline v0::detail {

/// Another task that delays jobs of the one under analysis.
struct Interference {
  std::int64_t wcet = 0;
  std::int64_t period = 1;
  std::int64_t jitter = 0;
  bool preempts = false;  ///< also after the job has started

  /// The most releases that become ready in [0, window), when none was ready before.
  constexpr std::int64_t releases_before(std::int64_t window) const noexcept {
    const std::int64_t span = plus(window, jitter);
    if (span == kForever) return kForever;
    return span / period + (span % period != 0 ? 1 : 0);
  }
  /// The same in [0, window].
  constexpr std::int64_t releases_until(std::int64_t window) const noexcept {
    const std::int64_t span = plus(window, jitter);
    return span == kForever ? kForever : span / period + 1;
  }
};

/// What ResponseTime::bound() finds.
struct ResponseBound {
  AnalysisReason reason = AnalysisReason::none;  ///< none: `response` is a bound
  std::int64_t response = kForever;
  std::int64_t blocking = 0;
  std::int64_t busy_period = kForever;
  std::int64_t worst_job = 0;     ///< in the busy period, from 0
  std::uint64_t utilisation = 0;  ///< of all that goes before and the task, in units of 2^-32
};

/// The recurrences of one task.
class ResponseTime {
 public:
  /// Sorts the others by how they delay task `index`.
  constexpr ResponseTime(const PlacedTasks& tasks, std::size_t index) noexcept
      : task_(tasks.at[index]) {
    for (std::size_t other = 0; other < tasks.count; ++other) {
      const PlacedTask& that = tasks.at[other];
      shares_rank_ = shares_rank_ ||
                     (that.cpu == task_.cpu && that.rank == task_.rank && that.lane != task_.lane);
    }
    std::int64_t held_up = 0;
    std::int64_t mutexes = 0;
    for (std::size_t other = 0; other < tasks.count; ++other) {
      const PlacedTask& that = tasks.at[other];
      if (that.cpu != task_.cpu || that.rank < task_.rank) continue;
      // Whoever waits for a mutex of a lower worker makes those behind it wait too.
      mutexes = std::max(mutexes, that.blocking);
      if (other == index) continue;
      if (that.rank > task_.rank || shares_rank_) {
        add(that, true);
      } else if (that.level <= task_.level) {
        add(that, false);
      } else {
        held_up = std::max(held_up, that.wcet);
      }
    }
    blocking_ = plus(held_up, mutexes);
  }

  /// The bound, or why there is none. Bound: kAnalysisSteps * O(tasks).
  constexpr ResponseBound bound() noexcept {
    ResponseBound result{.blocking = blocking_, .utilisation = utilisation_of_all()};
    result.reason = AnalysisReason::overload;
    if (result.utilisation > kWholeCpu) return result;
    result.reason = AnalysisReason::too_long;
    result.busy_period = busy_period();
    if (result.busy_period == kForever) return result;
    const std::int64_t jobs = own().releases_before(result.busy_period);
    std::int64_t start = 0;
    std::int64_t worst = 0;
    for (std::int64_t job = 0; job < jobs; ++job) {
      start = start_of(job, start);
      const std::int64_t finish = start == kForever ? kForever : finish_after(start);
      // job * period cannot overflow: the job is released within the busy period.
      const std::int64_t response =
          finish == kForever ? kForever : plus(finish - job * task_.period, task_.jitter);
      if (response == kForever) return result;
      if (response > worst) {
        worst = response;
        result.worst_job = job;
      }
    }
    result.response = worst;
    result.reason = AnalysisReason::none;
    return result;
  }

 private:
  constexpr void add(const PlacedTask& that, bool preempts) noexcept {
    others_[count_++] = {that.wcet, that.period, that.jitter, preempts};
  }
  constexpr Interference own() const noexcept {
    return {task_.wcet, task_.period, task_.jitter, false};
  }

  constexpr std::uint64_t utilisation_of_all() const noexcept {
    std::uint64_t sum = utilisation(task_.wcet, task_.period);
    for (std::size_t other = 0; other < count_; ++other) {
      sum += utilisation(others_[other].wcet, others_[other].period);
    }
    return sum;
  }

  /// The least fixed point of `next` from `begin`, which must not lie beyond it; kForever when the
  /// steps are used up.
  template <class Next>
  constexpr std::int64_t fixed_point(std::int64_t begin, Next next) noexcept {
    for (std::int64_t value = begin; steps_ > 0; --steps_) {
      const std::int64_t larger = next(value);
      if (larger == value || larger == kForever) return larger;
      value = larger;
    }
    return kForever;
  }

  constexpr std::int64_t busy_period() noexcept {
    return fixed_point(plus(blocking_, task_.wcet), [this](std::int64_t length) {
      std::int64_t sum = plus(blocking_, times(own().releases_before(length), task_.wcet));
      for (std::size_t other = 0; other < count_; ++other) {
        const Interference& that = others_[other];
        sum = plus(sum, times(that.releases_before(length), that.wcet));
      }
      return sum;
    });
  }

  /// When job `job` starts at the latest, counted from the beginning of the busy period.
  constexpr std::int64_t start_of(std::int64_t job, std::int64_t before) noexcept {
    const std::int64_t alone = plus(blocking_, times(job, task_.wcet));
    const std::int64_t begin = job == 0 ? alone : plus(before, task_.wcet);
    return fixed_point(begin, [this, alone](std::int64_t start) {
      std::int64_t sum = alone;
      for (std::size_t other = 0; other < count_; ++other) {
        const Interference& that = others_[other];
        sum = plus(sum, times(that.releases_until(start), that.wcet));
      }
      return sum;
    });
  }

  /// When a job ends that starts at `start`.
  constexpr std::int64_t finish_after(std::int64_t start) noexcept {
    const std::int64_t alone = plus(start, task_.wcet);
    return fixed_point(alone, [this, start, alone](std::int64_t finish) {
      std::int64_t sum = alone;
      for (std::size_t other = 0; other < count_; ++other) {
        const Interference& that = others_[other];
        if (!that.preempts) continue;
        const std::int64_t more = that.releases_before(finish) - that.releases_until(start);
        sum = plus(sum, times(more, that.wcet));
      }
      return sum;
    });
  }

  const PlacedTask task_;
  Interference others_[kAnalysisTasks];
  std::size_t count_ = 0;
  std::int64_t blocking_ = 0;
  std::uint32_t steps_ = kAnalysisSteps;
  bool shares_rank_ = false;
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_RESPONSE_TIME_H_
