// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_PERIOD_DEVIATION_H_
#define TAKT_BOARDS_RUN_PERIOD_DEVIATION_H_

#include <algorithm>

#include "takt/executor/stats.h"
#include "takt/platform/time.h"

namespace takt::run {

/// How far the time between two successive starts of a task is from its period: what whoever is
/// driven by the task sees of its beat. A skipped release lengthens it by a period.
/// Blocks: no. Bound: wait-free. Callable from: the task's jobs, of which one runs at a time.
class PeriodDeviation {
 public:
  /// Notes the start of a job of a task with `period`.
  void note_start(TimePoint start, Duration period) noexcept {
    if (previous_ != TimePoint()) {
      const Duration deviation = start - previous_ - period;
      counts_.record(std::max(deviation, -deviation).count());
    }
    previous_ = start;
  }

  /// Callable from: any thread.
  const HistogramCounts& counts() const noexcept { return counts_; }

 private:
  TimePoint previous_{};  // the clock's origin: none
  HistogramCounts counts_;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_PERIOD_DEVIATION_H_
