// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_HISTOGRAM_SNAPSHOT_H_
#define TAKT_MONITOR_HISTOGRAM_SNAPSHOT_H_

#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// A copy of what HistogramCounts held, 9 KiB: figures that agree with each other, of several
/// writers together (add), or of what came since an earlier copy (subtract). Its figures have the
/// errors that Histogram states. Owned by one thread at a time; nothing here blocks.
class HistogramSnapshot {
 public:
  HistogramSnapshot() noexcept = default;
  explicit HistogramSnapshot(const HistogramCounts& counts) noexcept { add(counts); }

  /// Adds what `counts` holds now, whose writer may go on meanwhile: of the records that come
  /// during the call each is in or not. Where the writer has counted a new largest value and not
  /// yet noted it, max() is the upper bound of its bucket. Bound: O(buckets), as everything below.
  void add(const HistogramCounts& counts) noexcept;
  /// Adds another copy.
  void add(const HistogramSnapshot& other) noexcept;
  /// Leaves what was recorded since `earlier`, a copy of the same source. Where the source has
  /// begun anew since, that is all there is. max() is then the upper bound of its bucket.
  void subtract(const HistogramSnapshot& earlier) noexcept;
  void clear() noexcept { *this = HistogramSnapshot(); }

  std::uint64_t count() const noexcept;
  std::uint64_t count(std::uint32_t bucket) const noexcept { return counts_[bucket]; }
  Duration percentile(double quantile) const noexcept;
  Duration sum() const noexcept;
  Duration mean() const noexcept;
  Duration max() const noexcept { return Duration(static_cast<std::int64_t>(max_)); }

 private:
  std::uint64_t counts_[HistogramCounts::kBuckets] = {};
  std::uint64_t max_ = 0;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_HISTOGRAM_SNAPSHOT_H_
