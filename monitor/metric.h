// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_METRIC_H_
#define TAKT_MONITOR_METRIC_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/executor/stats.h"

// What an exposition reads, from Metrics (the user's figures) and from Sampler (takt's own), in the
// terms of Prometheus. Values are whole numbers; what is exposed is value / per_unit.

namespace takt::inline v0 {

enum class MetricKind : std::uint32_t {
  counter,    ///< only rises, or begins anew at 0
  gauge,      ///< a level
  histogram,  ///< durations in nanoseconds
};

/// Tells metrics of one name apart: {"worker", "control"}.
struct MetricLabel {
  const char* name = nullptr;
  const char* value = nullptr;
};

/// The labels that one metric may have.
inline constexpr std::size_t kMetricLabels = 3;

/// What a metric is called. Strings are not copied: they must outlive the registry.
struct MetricConfig {
  /// Letters, digits and '_'; ends with the unit, a counter's with "_total" besides:
  /// "frames_total", "queue_wait_seconds", "board_temperature_celsius".
  const char* name = nullptr;
  const char* help = nullptr;  ///< a sentence without a full stop; not empty
  /// The base unit that is exposed and that the name ends with; empty: none, it counts.
  const char* unit = "";
  /// How many of the value make one unit, a power of ten: nanoseconds that are exposed as seconds
  /// have 1'000'000'000, which is what each histogram has, whatever stands here.
  std::int64_t per_unit = 1;
  MetricLabel labels[kMetricLabels] = {};  ///< those with a name, from the first on
};

/// One metric and its value at this instant. Valid during the visitor's call.
struct MetricView {
  MetricKind kind = MetricKind::gauge;
  /// Metrics of one name come one after the other; this is the first of them.
  bool first_of_name = true;
  const char* name = "";
  const char* help = "";
  const char* unit = "";
  std::int64_t per_unit = 1;
  std::span<const MetricLabel> labels;
  std::int64_t value = 0;                      ///< of a counter or gauge
  const HistogramCounts* histogram = nullptr;  ///< of a histogram, see monitor/histogram.h

  /// What is exposed, of a counter or gauge, correctly rounded.
  double exposed() const noexcept {
    return static_cast<double>(value) / static_cast<double>(per_unit);
  }
};

/// Called once for each metric; `argument` is the caller's.
using MetricVisitor = void (*)(const MetricView& metric, void* argument) noexcept;

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_METRIC_H_
