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
/// as far as they were seen. Never falls but when the worker begins anew: of a job that seemed
/// longer than it was, the next ones make up. Blocks: no. Callable from: the owner.
class BusyTime {
 public:
  /// What a worker's figures were. Read in this order: figures that a restart resets are not taken
  /// for the old thread's, and a job that ends in between is not counted twice.
  struct Look {
    explicit Look(const WorkerStats& stats) noexcept
        : thread_id(stats.thread_id.get()),
          counted_ns(stats.busy_ns.get()),
          activity(stats.activity.get()),
          counts_posted(stats.time_stamps.get() != 0) {}

    std::uint64_t thread_id;
    std::uint64_t counted_ns;
    WorkerActivity activity;
    bool counts_posted;
  };

  /// What it is at `now`. Of the current job all counts since the first look that saw it.
  /// Bound: O(1).
  std::uint64_t at(TimePoint now, const Look& look) noexcept {
    // It has begun anew. The new count may have come beyond the old one by now: the thread tells.
    if (look.thread_id != thread_id_ || look.counted_ns < counted_ns_) *this = BusyTime();
    thread_id_ = look.thread_id;
    if (look.activity != activity_) {
      if (!will_be_counted_) uncounted_ns_ += running_ns_;
      activity_ = look.activity;
      will_be_counted_ = look.counts_posted || activity_.is_task();
      seen_ = now;
    } else if (will_be_counted_ && running_ns_ != 0 && look.counted_ns != counted_ns_) {
      // The very job that the last look saw has been counted, with what was seen of it. What it
      // does from here on, in a task's on_miss, nobody counts.
      will_be_counted_ = false;
      seen_ = now;
    }
    counted_ns_ = look.counted_ns;
    const bool in_job = activity_.phase() == WorkerPhase::in_job;
    running_ns_ = in_job ? static_cast<std::uint64_t>((now - seen_).count()) : 0;
    shown_ns_ = std::max(shown_ns_, uncounted_ns_ + counted_ns_ + running_ns_);
    return shown_ns_;
  }

 private:
  WorkerActivity activity_;
  TimePoint seen_{};              // since then it is the same
  bool will_be_counted_ = false;  // of the current job: the worker's count takes it in
  std::uint64_t thread_id_ = 0;
  std::uint64_t counted_ns_ = 0;
  std::uint64_t running_ns_ = 0;    // of the current job, at the last look
  std::uint64_t uncounted_ns_ = 0;  // of jobs that were seen and have ended without being counted
  std::uint64_t shown_ns_ = 0;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_BUSY_TIME_H_
