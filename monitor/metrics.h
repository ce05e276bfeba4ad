// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_METRICS_H_
#define TAKT_MONITOR_METRICS_H_

#include <cstdint>
#include <span>

#include "takt/executor/stats.h"
#include "takt/monitor/family_list.h"
#include "takt/monitor/gauge.h"
#include "takt/monitor/metric.h"
#include "takt/monitor/published_count.h"
#include "takt/platform/status.h"
#include "takt/sync/mutex.h"

// The entries are filled one after the other and stay. Those of one name form a chain from the
// first of them on. Whoever adds holds the mutex; readers only see what is complete: `count_` and
// each link of a chain are stored last.

namespace takt::inline v0 {

namespace detail {

/// A metric of the user's, and where its value is.
struct MetricEntry {
  MetricConfig config;
  MetricKind kind = MetricKind::gauge;
  bool first_of_name = false;
  std::uint32_t label_count = 0;
  const void* source = nullptr;
  std::int64_t (*read)(const void* source) noexcept = nullptr;  // null: a histogram
  PublishedCount next;  // of the same name: see family_list.h
};

}  // namespace detail

/// A registry of the user's counters, gauges and histograms, in fixed memory: what is exposed, and
/// what a Sampler keeps a history of. It refers to them: they, as the registry's user sees them,
/// are plain objects that jobs raise and set without knowing of it. Entries stay for ever.
class Metrics {
 public:
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Adds a metric, whose value must outlive this.
  /// Blocks: for another add(). Bound: O(metrics). Callable from: any thread. Errors:
  /// invalid_argument: a name, unit, help or label that Prometheus would not take, a name that
  /// begins with takt_, as the library's own do, or stands for something else already, the same
  /// name with the same labels, in whatever order and with or without empty ones;
  /// resource_exhausted: the registry is full.
  Status add(const MetricConfig& config, const SharedCounter& counter) noexcept;
  /// A counter with one writer at a time.
  Status add(const MetricConfig& config, const Counter& counter) noexcept;
  Status add(const MetricConfig& config, const Gauge& gauge) noexcept;
  /// Durations, exposed in seconds.
  Status add(const MetricConfig& config, const HistogramCounts& histogram) noexcept;

  /// How many there are. They are numbered from 0 in the order of add(); each stays.
  /// Blocks: no. Callable from: any thread, as everything below.
  std::uint32_t size() const noexcept { return entries_.size(); }
  std::uint32_t capacity() const noexcept { return entries_.capacity(); }
  /// Metric `number`, which is below size(), and its value now. Bound: wait-free.
  MetricView view(std::uint32_t number) const noexcept;

  /// Calls `visitor` for each metric, those of one name one after the other, with its value now.
  /// Blocks: no. Bound: O(metrics) calls; takes no lock.
  void visit(MetricVisitor visitor, void* argument) const noexcept;

 protected:
  /// Out of line on purpose: not constant-initialised, a static one stays in .bss.
  explicit Metrics(std::span<detail::MetricEntry> entries) noexcept;
  ~Metrics() = default;

 private:
  using Read = std::int64_t (*)(const void* source) noexcept;
  Status add_entry(const MetricConfig& config, MetricKind kind, const void* source,
                   Read read) noexcept;

  detail::BasicFamilyList<detail::MetricEntry, ThreadEnv> entries_;
  Mutex mutex_;  // of who adds
};

/// Metrics with room for `kCapacity`.
template <std::uint32_t kCapacity>
class StaticMetrics : public Metrics {
 public:
  StaticMetrics() noexcept : Metrics(storage_) {}
  ~StaticMetrics() = default;

 private:
  detail::MetricEntry storage_[kCapacity];
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_METRICS_H_
