// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_RELEASE_RULE_H_
#define TAKT_EXECUTOR_RELEASE_RULE_H_

#include <algorithm>
#include <cstdint>

#include "takt/executor/options.h"
#include "takt/platform/time.h"

// When a task's jobs are released: pure decisions on numbers, without clock, lock and thread, so
// that threads and virtual time decide alike. All times are nanoseconds of the executor's clock.
//
//  - due(): the timer has come. finished(): the job that ran has ended, and the rule had asked to
//    be told. arrived(): a sporadic task was triggered. Each says whether a job is released now.
//  - At most one job of a task is unfinished. While it is, a release is an overrun; the policy says
//    what becomes of it: skipped, kept back until the job ends (catch_up, abort), or a new phase
//    (slip).
//
// Invariants: the points of a periodic grid are `timer_` + k * period_, each is released, kept back
// or skipped once, and `next_index_` is the number of `timer_`. Releases that are kept back are the
// last `kept_` grid points before `timer_`, or for a sporadic task the first of `arrivals_`.

namespace takt::inline v0::detail {

/// What a ReleaseRule decided.
struct ReleaseDecision {
  bool release = false;            ///< a job is ready now
  std::int64_t when = 0;           ///< its release
  std::uint64_t index = 0;         ///< its number
  std::uint64_t skipped = 0;       ///< releases that were skipped since the job before it
  bool await_finish = false;       ///< finished() is to be called when the unfinished job ends
  std::int64_t timer = INT64_MAX;  ///< when due() is to be called next
  std::uint64_t overruns = 0;      ///< releases that came while a job was unfinished
  std::uint64_t lost = 0;          ///< of all releases, how many were skipped by this decision
};

/// The rule of one task. Not synchronised.
class ReleaseRule {
 public:
  /// Periodic: the grid begins at `first`, number 0.
  void start(const Overrun& overrun, std::int64_t period, std::int64_t first) noexcept {
    *this = {};
    kind_ = overrun.kind();
    most_kept_ = overrun.pending();
    period_ = period;
    timer_ = first;
  }
  /// Sporadic: at least `min_interarrival` between releases, at most `pending` of them waiting.
  void start_sporadic(std::int64_t min_interarrival, std::uint32_t pending) noexcept {
    *this = {};
    sporadic_ = true;
    most_kept_ = pending;
    period_ = min_interarrival;
    last_ = kNone;
    released_ = kNone;
  }

  /// The timer has come (`now` is not before it). `idle`: no job is unfinished; then the last one
  /// ended at `finish`, or 0. Bound: O(1).
  ReleaseDecision due(std::int64_t now, bool idle, std::int64_t finish) noexcept {
    if (sporadic_) return take_arrival(now, idle);
    if (kind_ == Overrun::Kind::slip) return slip(idle, finish);
    return keep_grid(now, idle, finish);
  }

  /// The unfinished job has ended at `finish`, after a decision to await that.
  ReleaseDecision finished(std::int64_t finish) noexcept {
    if (sporadic_) return take_arrival(finish, true);
    if (kind_ == Overrun::Kind::slip) {
      timer_ = finish;
      return release_slipped();
    }
    ReleaseDecision decision{.timer = timer_};
    take_kept(decision);
    return decision;
  }

  /// Whether another arrival would be accepted.
  bool accepts(std::int64_t now, bool idle) const noexcept {
    if (kept_ < most_kept_) return true;
    return idle && kept_ == 0 && (last_ == kNone || saturating_sum(last_, period_) <= now);
  }

  /// The task was triggered, and accepts() it. Bound: O(1).
  ReleaseDecision arrived(std::int64_t now, bool idle) noexcept {
    const std::int64_t earliest = last_ == kNone ? now : saturating_sum(last_, period_);
    last_ = std::max(now, earliest);
    if (idle && kept_ == 0 && last_ <= now) {
      ReleaseDecision decision{.overruns = 0};
      release(decision, last_, next_index_++);
      return decision;
    }
    arrivals_[kept_++] = last_;
    ReleaseDecision decision{.overruns = idle ? 0U : 1U};
    arm(decision, now, idle);
    return decision;
  }

  /// No more releases until resumed; what was kept back is skipped. Returns how many that were.
  std::uint64_t suspend() noexcept {
    const std::uint64_t lost = kept_;
    // Sporadic: what is skipped keeps nobody at a distance.
    if (kept_ != 0) last_ = released_;
    kept_ = 0;
    skipped_ += lost;
    return lost;
  }

  /// Periodic again: at the first grid point not before `now`. Returns the timer.
  std::int64_t resume(std::int64_t now) noexcept {
    if (sporadic_) return INT64_MAX;
    if (kind_ == Overrun::Kind::slip) {
      timer_ = std::max(timer_, now);
    } else if (timer_ < now) {
      const std::int64_t periods = (now - timer_ + period_ - 1) / period_;
      timer_ += periods * period_;
      next_index_ += static_cast<std::uint64_t>(periods);
    }
    return timer_;
  }

  /// Nobody could work until `now`: points of the grid before it get no job, and what was kept back
  /// before them neither. Arrivals of a sporadic task wait on. Returns how many were skipped.
  std::uint64_t pass_over(std::int64_t now) noexcept {
    const std::uint64_t count = sporadic_ || kind_ == Overrun::Kind::slip ? 0 : points_before(now);
    const std::uint64_t lost = count != 0 ? suspend() : 0;
    skipped_ += count;
    resume(now);
    return lost + count;
  }

  /// From the next grid point on. What was kept back is skipped. Returns how many that were.
  std::uint64_t set_period(std::int64_t period) noexcept {
    period_ = period;
    return suspend();
  }

  std::int64_t period() const noexcept { return period_; }
  /// When due() is to be called; INT64_MAX for never.
  std::int64_t timer() const noexcept { return sporadic_ ? INT64_MAX : timer_; }

 private:
  static constexpr std::int64_t kNone = INT64_MIN;

  static std::int64_t saturating_sum(std::int64_t left, std::int64_t right) noexcept {
    return to_ns(saturating_add(from_ns(left), Duration(right)));
  }

  /// How many points of the grid from timer_ on lie before `end`.
  std::uint64_t points_before(std::int64_t end) const noexcept {
    return end > timer_ ? static_cast<std::uint64_t>((end - timer_ - 1) / period_) + 1 : 0;
  }
  std::int64_t point(std::uint64_t number) const noexcept {
    return timer_ + static_cast<std::int64_t>(number) * period_;
  }

  void release(ReleaseDecision& decision, std::int64_t when, std::uint64_t index) noexcept {
    decision.release = true;
    decision.when = when;
    decision.index = index;
    decision.skipped = skipped_;
    skipped_ = 0;
    released_ = when;
  }
  void skip(ReleaseDecision& decision, std::uint64_t count) noexcept {
    decision.lost += count;
    skipped_ += count;
  }

  ReleaseDecision keep_grid(std::int64_t now, bool idle, std::int64_t finish) noexcept {
    const std::uint64_t count = points_before(now + 1);
    // What came while the job before still ran was an overrun, though nobody looked then; so is
    // what comes after a release that waits here.
    const std::uint64_t missed = idle ? std::min(points_before(finish), count) : count;
    ReleaseDecision decision{.overruns = missed < count ? count - 1 : count};
    if (kind_ == Overrun::Kind::skip) {
      if (missed < count) {
        skip(decision, missed);
        release(decision, point(missed), next_index_ + missed);
        skip(decision, count - missed - 1);
      } else {
        skip(decision, count);
      }
    } else {
      const std::uint64_t all = kept_ + count;
      const std::uint64_t keep = std::min<std::uint64_t>(all, most_kept_);
      skip(decision, all - keep);
      kept_ = static_cast<std::uint32_t>(keep);
    }
    timer_ = point(count);
    next_index_ += count;
    decision.timer = timer_;
    if (idle) take_kept(decision);
    decision.await_finish = kept_ != 0;
    return decision;
  }

  /// Releases the oldest that was kept back, if there is one.
  void take_kept(ReleaseDecision& decision) noexcept {
    if (kept_ == 0) return;
    release(decision, timer_ - std::int64_t{kept_} * period_, next_index_ - kept_);
    --kept_;
    decision.await_finish = kept_ != 0;
  }

  ReleaseDecision slip(bool idle, std::int64_t finish) noexcept {
    if (!idle) return {.await_finish = true, .overruns = 1};  // and no timer until it ends
    const bool overrun = finish > timer_;
    timer_ = std::max(timer_, finish);
    ReleaseDecision decision = release_slipped();
    decision.overruns = overrun ? 1 : 0;
    return decision;
  }

  ReleaseDecision release_slipped() noexcept {
    ReleaseDecision decision;
    release(decision, timer_, next_index_++);
    timer_ = saturating_sum(timer_, period_);
    decision.timer = timer_;
    return decision;
  }

  /// Sporadic: releases the oldest arrival that waits, if its time has come.
  ReleaseDecision take_arrival(std::int64_t now, bool idle) noexcept {
    ReleaseDecision decision;
    if (idle && kept_ != 0 && arrivals_[0] <= now) {
      release(decision, arrivals_[0], next_index_++);
      --kept_;
      std::copy_n(arrivals_ + 1, kept_, arrivals_);
      idle = false;
    }
    arm(decision, now, idle);
    return decision;
  }

  /// Sporadic: who is to look at the oldest arrival, the timer or the end of the unfinished job.
  void arm(ReleaseDecision& decision, std::int64_t now, bool idle) const noexcept {
    if (kept_ == 0) return;
    if (idle || arrivals_[0] > now) {
      decision.timer = arrivals_[0];
    } else {
      decision.await_finish = true;
    }
  }

  Overrun::Kind kind_ = Overrun::Kind::skip;
  bool sporadic_ = false;
  std::uint32_t most_kept_ = 0;
  std::uint32_t kept_ = 0;
  std::int64_t period_ = 0;
  std::int64_t timer_ = 0;
  std::uint64_t next_index_ = 0;
  std::uint64_t skipped_ = 0;  // since the last job
  std::int64_t last_ = 0;      // sporadic: the last release, kept back ones included
  std::int64_t released_ = 0;  // the last release, of a job
  std::int64_t arrivals_[kMaxPendingReleases] = {};
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_RELEASE_RULE_H_
