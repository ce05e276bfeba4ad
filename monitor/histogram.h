// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_HISTOGRAM_H_
#define TAKT_MONITOR_HISTOGRAM_H_

#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// Reads the distribution that a worker records in HistogramCounts. The writer goes on meanwhile:
/// a figure may be a few records older than the next one; for figures that agree with each other,
/// for those of several writers, and for those of a window see HistogramSnapshot.
///
/// Percentiles are upper bounds of their bucket: never below the true value, above it by at most
/// 1/32 (3.1 %), and never above max(), but for a largest value that its writer has counted and not
/// yet noted as the maximum. A fraction that is not a number is 1. sum() and mean() take each value
/// for the middle of its bucket: within 1/64 (1.6 %) of the true one. Both hold below 2^40 ns (18
/// minutes).
class Histogram {
 public:
  /// Reads `counts`, which must outlive this.
  explicit Histogram(const HistogramCounts& counts) noexcept : counts_(&counts) {}

  /// How many values were recorded. Blocks: no. Bound: O(buckets). Callable from: any thread.
  std::uint64_t count() const noexcept;

  /// The value that a fraction `quantile` (0 to 1; 0.99: the 99th percentile) of all records does
  /// not exceed; 0 without records. Blocks: no. Bound: O(buckets). Callable from: any thread.
  Duration percentile(double quantile) const noexcept;

  /// The sum of all values, held at the end of int64, and their mean; 0 without records. Blocks:
  /// no. Bound: O(buckets). Callable from: any thread.
  Duration sum() const noexcept;
  Duration mean() const noexcept;

  /// The largest value, exact; 0 without records. Blocks: no. Bound: O(1). Callable from: any
  /// thread.
  Duration max() const noexcept { return Duration(static_cast<std::int64_t>(counts_->max())); }

 private:
  const HistogramCounts* counts_;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_HISTOGRAM_H_
