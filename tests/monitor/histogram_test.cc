// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "takt/tests/support/test.h"

namespace takt {
namespace {

using std::int64_t;

TEST(HistogramCounts, buckets_are_contiguous_and_at_most_a_32nd_wide) {
  std::uint32_t previous = 0;
  for (int64_t value = 0; value < 2'000'000; ++value) {
    const std::uint32_t bucket = HistogramCounts::bucket_of(value);
    ASSERT_TRUE(bucket == previous || bucket == previous + 1);
    previous = bucket;
    const int64_t upper = HistogramCounts::upper_bound(bucket);
    ASSERT_LE(value, upper);
    ASSERT_LE(upper - value, value / 32);
  }
}

TEST(HistogramCounts, ends_of_the_range) {
  EXPECT_EQ(HistogramCounts::bucket_of(-1), 0U);
  EXPECT_EQ(HistogramCounts::bucket_of(std::numeric_limits<int64_t>::min()), 0U);
  const std::uint32_t last = HistogramCounts::kBuckets - 1;
  EXPECT_EQ(HistogramCounts::bucket_of((int64_t{1} << 40) - 1), last);
  EXPECT_EQ(HistogramCounts::bucket_of(int64_t{1} << 40), last);
  EXPECT_EQ(HistogramCounts::bucket_of(std::numeric_limits<int64_t>::max()), last);
  EXPECT_EQ(HistogramCounts::upper_bound(last), (int64_t{1} << 40) - 1);
}

TEST(Histogram, is_zero_without_records) {
  static HistogramCounts counts;
  const Histogram histogram(counts);
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.percentile(0.5).count(), 0);
  EXPECT_EQ(histogram.max().count(), 0);
}

TEST(Histogram, percentiles_agree_with_a_sorted_list) {
  static HistogramCounts counts;
  std::vector<int64_t> values;
  test::Random random(test::seed());
  for (int i = 0; i < 20'000; ++i) {
    // Log-uniform from 1 ns to 2^39 ns, as latencies are.
    const double exponent = 39.0 * static_cast<double>(random.next() >> 11) * 0x1p-53;
    values.push_back(static_cast<int64_t>(std::exp2(exponent)));
    counts.record(values.back());
  }
  std::sort(values.begin(), values.end());
  const Histogram histogram(counts);
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.max().count(), values.back());
  for (const double quantile : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(
        std::max(1.0, std::ceil(quantile * static_cast<double>(values.size()))));
    const int64_t exact = values[rank - 1];
    const int64_t got = histogram.percentile(quantile).count();
    EXPECT_GE(got, exact);
    EXPECT_LE(got, exact + exact / 32);
  }
}

TEST(Histogram, a_quantile_outside_0_to_1_is_held) {
  static HistogramCounts counts;
  counts.record(5);
  counts.record(9);
  const Histogram histogram(counts);
  EXPECT_EQ(histogram.percentile(-1.0).count(), 5);
  EXPECT_EQ(histogram.percentile(2.0).count(), 9);
}

}  // namespace
}  // namespace takt
