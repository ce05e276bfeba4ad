// SPDX-License-Identifier: Apache-2.0
// Histogram and HistogramSnapshot: the same figures of counts that go on and of counts that stay.
#include "takt/monitor/histogram.h"

#include <algorithm>
#include <limits>

#include "takt/monitor/histogram_snapshot.h"

namespace takt::inline v0 {
namespace {

constexpr std::uint32_t kBuckets = HistogramCounts::kBuckets;

template <class Counts>
std::uint64_t count_of(const Counts& counts) noexcept {
  std::uint64_t total = 0;
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) total += counts.count(bucket);
  return total;
}

/// The largest value, of the highest bucket that has any: a writer counts first and raises its
/// maximum then, so that one in between is known only as far as its bucket goes.
std::uint64_t largest_of(std::uint32_t highest, std::uint64_t max) noexcept {
  const bool is_there =
      highest == 0 || static_cast<std::int64_t>(max) > HistogramCounts::upper_bound(highest - 1);
  return is_there ? max : static_cast<std::uint64_t>(HistogramCounts::upper_bound(highest));
}

template <class Counts>
Duration percentile_of(const Counts& counts, double quantile, Duration max) noexcept {
  std::uint64_t total = 0;
  std::uint32_t highest = 0;
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    const std::uint64_t count = counts.count(bucket);
    total += count;
    if (count != 0) highest = bucket;
  }
  if (total == 0) return Duration::zero();
  max = Duration(
      static_cast<std::int64_t>(largest_of(highest, static_cast<std::uint64_t>(max.count()))));
  // The rank of the value, counted from 1: the smallest one that reaches the fraction. Not a
  // number: the largest.
  const double fraction = quantile < 1 ? std::max(quantile, 0.0) : 1.0;
  const double exact = fraction * static_cast<double>(total);
  auto rank = static_cast<std::uint64_t>(exact);
  if (rank == 0 || static_cast<double>(rank) < exact) ++rank;
  std::uint64_t seen = 0;
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts.count(bucket);
    if (seen >= rank) return std::min(Duration(HistogramCounts::upper_bound(bucket)), max);
  }
  return max;
}

constexpr std::int64_t middle_of(std::uint32_t bucket) noexcept {
  const std::int64_t below = bucket == 0 ? -1 : HistogramCounts::upper_bound(bucket - 1);
  return below + (HistogramCounts::upper_bound(bucket) - below + 1) / 2;
}

struct Sum {
  std::int64_t nanoseconds;
  std::uint64_t count;
};

/// Both in one pass over counts that may go on: they agree.
template <class Counts>
Sum sum_of(const Counts& counts) noexcept {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  Sum sum{0, 0};
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    const std::uint64_t count = counts.count(bucket);
    sum.count += count;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(count, middle_of(bucket), &product) ||
        __builtin_add_overflow(sum.nanoseconds, product, &sum.nanoseconds)) {
      sum.nanoseconds = kEnd;
    }
  }
  return sum;
}

Duration mean_of(const Sum& sum) noexcept {
  if (sum.count == 0) return Duration::zero();
  return Duration(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(sum.nanoseconds) / sum.count));
}

}  // namespace

std::uint64_t Histogram::count() const noexcept { return count_of(*counts_); }
Duration Histogram::percentile(double quantile) const noexcept {
  return percentile_of(*counts_, quantile, max());
}
Duration Histogram::sum() const noexcept { return Duration(sum_of(*counts_).nanoseconds); }
Duration Histogram::mean() const noexcept { return mean_of(sum_of(*counts_)); }

std::uint64_t HistogramSnapshot::count() const noexcept { return count_of(*this); }
Duration HistogramSnapshot::percentile(double quantile) const noexcept {
  return percentile_of(*this, quantile, max());
}
Duration HistogramSnapshot::sum() const noexcept { return Duration(sum_of(*this).nanoseconds); }
Duration HistogramSnapshot::mean() const noexcept { return mean_of(sum_of(*this)); }

void HistogramSnapshot::add(const HistogramCounts& counts) noexcept {
  std::uint32_t highest = 0;
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    const std::uint64_t count = counts.count(bucket);
    counts_[bucket] += count;
    if (count != 0) highest = bucket;
  }
  max_ = std::max(max_, largest_of(highest, counts.max()));
}

void HistogramSnapshot::add(const HistogramSnapshot& other) noexcept {
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    counts_[bucket] += other.counts_[bucket];
  }
  max_ = std::max(max_, other.max_);
}

void HistogramSnapshot::subtract(const HistogramSnapshot& earlier) noexcept {
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    if (counts_[bucket] < earlier.counts_[bucket]) return;  // begun anew
  }
  std::uint64_t largest = 0;
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    counts_[bucket] -= earlier.counts_[bucket];
    if (counts_[bucket] == 0) continue;
    // The last bucket has no upper end.
    largest = bucket == kBuckets - 1
                  ? max_
                  : static_cast<std::uint64_t>(HistogramCounts::upper_bound(bucket));
  }
  max_ = std::min(max_, largest);
}

}  // namespace takt::inline v0
