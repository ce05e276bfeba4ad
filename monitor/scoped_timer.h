// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_SCOPED_TIMER_H_
#define TAKT_MONITOR_SCOPED_TIMER_H_

#include "takt/executor/stats.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// Records how long its scope lasts, preemption included:
///
///   const ScopedTimer timer(planning_time);  // a HistogramCounts with one writer at a time
///
/// A task's jobs are one writer; where jobs of several workers are timed, each has a histogram of
/// its own, and HistogramSnapshot adds them up.
/// Blocks: no. Bound: wait-free, two reads of the clock. Callable from: the histogram's writer.
class ScopedTimer {
 public:
  explicit ScopedTimer(HistogramCounts& histogram) noexcept
      : histogram_(histogram), begin_(now()) {}
  ~ScopedTimer() { histogram_.record((now() - begin_).count()); }
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;

 private:
  HistogramCounts& histogram_;
  const TimePoint begin_;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_SCOPED_TIMER_H_
