// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_BUSY_TIME_H_
#define TAKT_MONITOR_BUSY_TIME_H_

#include <algorithm>
#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// How long a worker has been inside jobs, the one that it is in included: WorkerStats::busy_ns
/// grows only when a job ends, so that one that hangs would seem to use nothing. Never falls but
/// when the worker's own count does. Blocks: no. Callable from: the owner.
class BusyTime {
 public:
  /// What it is at `now`. `counted_ns` was read before `activity`: a job that ended in between is
  /// not counted twice. Of the current job all counts since the first look that saw it. Bound:
  /// O(1).
  std::uint64_t at(TimePoint now, std::uint64_t counted_ns,
                   const WorkerActivity& activity) noexcept {
    if (counted_ns < counted_ns_) *this = BusyTime();  // it has begun anew
    counted_ns_ = counted_ns;
    if (activity != activity_) {
      activity_ = activity;
      seen_ = now;
    }
    const bool in_job = activity.phase() == WorkerPhase::in_job;
    const Duration running = in_job ? now - seen_ : Duration::zero();
    shown_ns_ = std::max(shown_ns_, counted_ns + static_cast<std::uint64_t>(running.count()));
    return shown_ns_;
  }

 private:
  WorkerActivity activity_;
  TimePoint seen_{};  // since then it is the same
  std::uint64_t counted_ns_ = 0;
  std::uint64_t shown_ns_ = 0;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_BUSY_TIME_H_
