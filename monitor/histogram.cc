// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/histogram.h"

#include <algorithm>

namespace takt::inline v0 {

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t total = 0;
  for (std::uint32_t bucket = 0; bucket < HistogramCounts::kBuckets; ++bucket) {
    total += counts_->count(bucket);
  }
  return total;
}

Duration Histogram::percentile(double quantile) const noexcept {
  const std::uint64_t total = count();
  if (total == 0) return Duration::zero();
  // The rank of the value, counted from 1: the smallest one that reaches the fraction.
  const double fraction = std::clamp(quantile, 0.0, 1.0);
  const double exact = fraction * static_cast<double>(total);
  auto rank = static_cast<std::uint64_t>(exact);
  if (rank == 0 || static_cast<double>(rank) < exact) ++rank;
  std::uint64_t seen = 0;
  for (std::uint32_t bucket = 0; bucket < HistogramCounts::kBuckets; ++bucket) {
    seen += counts_->count(bucket);
    if (seen >= rank) return std::min(Duration(HistogramCounts::upper_bound(bucket)), max());
  }
  return max();
}

}  // namespace takt::inline v0
