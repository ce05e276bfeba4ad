// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_BUSY_TIME_H_
#define TAKT_MONITOR_BUSY_TIME_H_

#include <algorithm>
#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// How long a worker has been inside jobs, the one that it is in included: WorkerStats::busy_ns
/// grows only when a job ends, so that one that hangs would seem to use nothing. Without time
/// stamps it does not grow at all for posted jobs; those that were seen to last count all the same,
/// as far as they were seen. Never falls but when the worker begins anew. Blocks: no. Callable
/// from: the owner.
class BusyTime {
 public:
  /// What it is at `now`. They were read in the order of the arguments: figures that a restart
  /// resets are not taken for the old thread's, and a job that ended in between is not counted
  /// twice. Of the current job all counts since the first look that saw it. Bound: O(1).
  std::uint64_t at(TimePoint now, std::uint64_t thread_id, std::uint64_t counted_ns,
                   const WorkerActivity& activity) noexcept {
    // It has begun anew. The new count may have come beyond the old one by now: the thread tells.
    if (thread_id != thread_id_ || counted_ns < counted_ns_) *this = BusyTime();
    thread_id_ = thread_id;
    if (ended_.is_counted(counted_ns)) uncounted_ns_ -= ended_.seen_ns;  // a look late
    ended_ = {};
    if (activity != activity_) {
      const Job job{.seen_ns = running_ns_, .counted_ns = counted_ns_};
      if (!job.is_counted(counted_ns)) {
        ended_ = job;
        uncounted_ns_ += job.seen_ns;
      }
      activity_ = activity;
      seen_ = now;
    }
    counted_ns_ = counted_ns;
    const bool in_job = activity.phase() == WorkerPhase::in_job;
    running_ns_ = in_job ? static_cast<std::uint64_t>((now - seen_).count()) : 0;
    shown_ns_ = std::max(shown_ns_, uncounted_ns_ + counted_ns + running_ns_);
    return shown_ns_;
  }

 private:
  /// One that was seen at two looks or more.
  struct Job {
    /// Whether it is in the worker's count. Half of it: it may have begun after the time of the
    /// look that saw it first, and shorter ones may have been counted since.
    bool is_counted(std::uint64_t now_counted_ns) const noexcept {
      return now_counted_ns - counted_ns >= seen_ns / 2;
    }

    std::uint64_t seen_ns = 0;     // how long it was seen
    std::uint64_t counted_ns = 0;  // the worker's count then, without it
  };

  WorkerActivity activity_;
  TimePoint seen_{};  // since then it is the same
  std::uint64_t thread_id_ = 0;
  std::uint64_t counted_ns_ = 0;
  std::uint64_t running_ns_ = 0;    // of the current job, at the last look
  std::uint64_t uncounted_ns_ = 0;  // of jobs that were seen and have ended without being counted
  Job ended_;                       // the last of these: its count may come with the next look
  std::uint64_t shown_ns_ = 0;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_BUSY_TIME_H_
