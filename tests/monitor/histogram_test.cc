// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "takt/monitor/histogram_snapshot.h"
#include "takt/monitor/scoped_timer.h"
#include "takt/tests/support/test.h"

namespace takt {
namespace {

using std::int64_t;

/// Log-uniform from 1 ns to 2^39 ns, as latencies are.
int64_t latency(test::Random& random) {
  return static_cast<int64_t>(std::exp2(39.0 * static_cast<double>(random.next() >> 11) * 0x1p-53));
}

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

TEST(Histogram, what_is_counted_before_it_is_the_maximum_is_not_reported_smaller) {
  // A writer between its two stores: counted, and the maximum is an older one.
  static struct { HistogramCounts counts; } torn;
  static_assert(sizeof(HistogramCounts) == (HistogramCounts::kBuckets + 1) * sizeof(Counter));
  torn.counts.record(1'000'000);
  torn.counts.record(50'000'000);
  reinterpret_cast<Counter*>(&torn.counts)[HistogramCounts::kBuckets].set(1'000'000);
  const Histogram histogram(torn.counts);
  ASSERT_EQ(histogram.max().count(), 1'000'000);
  EXPECT_GE(histogram.percentile(1.0).count(), 50'000'000);
  EXPECT_GE(histogram.percentile(0.5).count(), 1'000'000);
  EXPECT_LE(histogram.percentile(0.5).count(), 1'000'000 + 1'000'000 / 32);
  const HistogramSnapshot copy(torn.counts);
  EXPECT_GE(copy.max().count(), 50'000'000);
  EXPECT_LE(copy.max().count(), 50'000'000 + 50'000'000 / 32);
  EXPECT_GE(copy.percentile(1.0).count(), 50'000'000);
  // Not a number: the largest.
  EXPECT_GE(histogram.percentile(std::nan("")).count(), 50'000'000);
}

TEST(Histogram, percentiles_agree_with_a_sorted_list) {
  static HistogramCounts counts;
  std::vector<int64_t> values;
  test::Random random(test::seed());
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(latency(random));
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

TEST(Histogram, sum_and_mean_are_within_a_64th) {
  static HistogramCounts counts;
  EXPECT_EQ(Histogram(counts).mean().count(), 0);
  test::Random random(test::seed());
  double sum = 0;
  for (int i = 0; i < 20'000; ++i) {
    const int64_t value = latency(random);
    counts.record(value);
    sum += static_cast<double>(value);
  }
  const Histogram histogram(counts);
  EXPECT_LE(std::abs(static_cast<double>(histogram.sum().count()) - sum), sum / 64);
  EXPECT_LE(std::abs(static_cast<double>(histogram.mean().count()) - sum / 20'000),
            sum / 20'000 / 64 + 1);
}

TEST(Histogram, the_middle_of_each_bucket_is_within_a_64th) {
  static HistogramCounts counts;
  for (std::uint32_t bucket = 0; bucket < HistogramCounts::kBuckets; ++bucket) {
    counts.reset();
    const int64_t upper = HistogramCounts::upper_bound(bucket);
    counts.record(upper);
    const int64_t lower = bucket == 0 ? 0 : HistogramCounts::upper_bound(bucket - 1) + 1;
    const int64_t middle = Histogram(counts).sum().count();
    ASSERT_LE(upper - middle, upper / 64);
    ASSERT_LE(middle - lower, lower / 64 + (upper > lower ? 1 : 0));
  }
}

TEST(Histogram, a_sum_beyond_the_range_is_held) {
  static HistogramSnapshot snapshot;
  static HistogramCounts counts;
  counts.record((int64_t{1} << 40) - 1);
  snapshot.add(counts);
  for (int doubled = 0; doubled < 40; ++doubled) {
    const HistogramSnapshot copy = snapshot;
    snapshot.add(copy);
  }
  EXPECT_EQ(snapshot.sum().count(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(snapshot.count(), std::uint64_t{1} << 40);
}

TEST(HistogramSnapshot, merges_several_writers) {
  static HistogramCounts parts[3], whole;
  test::Random random(test::seed());
  for (int i = 0; i < 3000; ++i) {
    const int64_t value = latency(random);
    parts[i % 3].record(value);
    whole.record(value);
  }
  static HistogramSnapshot merged;
  for (const HistogramCounts& part : parts) merged.add(part);
  const Histogram histogram(whole);
  EXPECT_EQ(merged.count(), histogram.count());
  EXPECT_EQ(merged.max().count(), histogram.max().count());
  EXPECT_EQ(merged.sum().count(), histogram.sum().count());
  EXPECT_EQ(merged.mean().count(), histogram.mean().count());
  for (const double quantile : {0.0, 0.1, 0.5, 0.99, 1.0}) {
    EXPECT_EQ(merged.percentile(quantile).count(), histogram.percentile(quantile).count());
  }
}

TEST(HistogramSnapshot, merges_snapshots) {
  static HistogramCounts low, high;
  low.record(100);
  high.record(1'000'001);
  static HistogramSnapshot merged(low);
  static const HistogramSnapshot other(high);
  merged.add(other);
  EXPECT_EQ(merged.count(), 2U);
  EXPECT_EQ(merged.max().count(), 1'000'001);
}

TEST(HistogramSnapshot, shows_a_window) {
  static HistogramCounts counts;
  for (int i = 0; i < 100; ++i) counts.record(1'000'000);
  static HistogramSnapshot earlier;
  earlier.add(counts);
  for (int i = 0; i < 10; ++i) counts.record(1'000);
  static HistogramSnapshot window;
  window.add(counts);
  window.subtract(earlier);
  EXPECT_EQ(window.count(), 10U);
  EXPECT_GE(window.percentile(1.0).count(), 1'000);
  EXPECT_LE(window.percentile(1.0).count(), 1'000 + 1'000 / 32);
  EXPECT_LE(window.max().count(), 1'000 + 1'000 / 32);
  // Nothing since.
  window.clear();
  window.add(counts);
  const HistogramSnapshot same = window;
  window.subtract(same);
  EXPECT_EQ(window.count(), 0U);
  EXPECT_EQ(window.max().count(), 0);
}

TEST(HistogramSnapshot, a_source_that_has_begun_anew_is_taken_whole) {
  static HistogramCounts counts;
  for (int i = 0; i < 100; ++i) counts.record(500);
  static const HistogramSnapshot earlier(counts);
  counts.reset();
  counts.record(500);
  static HistogramSnapshot now(counts);
  now.subtract(earlier);
  EXPECT_EQ(now.count(), 1U);
}

// Counts only rise while they are read.
TEST(HistogramSnapshot, is_taken_while_the_writer_goes_on) {
  static HistogramCounts counts;
  static constexpr int kRecords = 20'000;
  std::thread writer([] {
    for (int i = 0; i < kRecords; ++i) counts.record(i);
  });
  std::uint64_t before = 0;
  static HistogramSnapshot snapshot;
  do {
    snapshot.clear();
    snapshot.add(counts);
    EXPECT_GE(snapshot.count(), before);
    before = snapshot.count();
    EXPECT_LE(snapshot.percentile(1.0).count(), kRecords + kRecords / 32);
  } while (before < kRecords);
  writer.join();
}

TEST(ScopedTimer, records_its_scope) {
  static HistogramCounts counts;
  const TimePoint begin = now();
  {
    const ScopedTimer timer(counts);
    platform::sleep_until(now() + std::chrono::milliseconds(2));
  }
  const Duration whole = now() - begin;
  const Histogram histogram(counts);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_GE(histogram.max().count(), 2'000'000);
  EXPECT_LE(histogram.max().count(), whole.count());
}

}  // namespace
}  // namespace takt
