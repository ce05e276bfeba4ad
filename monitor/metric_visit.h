// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_METRIC_VISIT_H_
#define TAKT_MONITOR_METRIC_VISIT_H_

#include <cstdint>
#include <span>

#include "takt/monitor/metric.h"

namespace takt::inline v0::detail {

/// How one of takt's own figures is exposed.
struct FigureInfo {
  const char* name;
  const char* help;
  const char* unit;
  std::int64_t per_unit;
  MetricKind kind;
};

/// Hands takt's own figures to a visitor, and knows when a name begins: those of one FigureInfo
/// come one after the other. Blocks, bound: as the visitor. Callable from: the visited.
class MetricVisit {
 public:
  MetricVisit(MetricVisitor visitor, void* argument) noexcept
      : visitor_(visitor), argument_(argument) {}

  void value(const FigureInfo& info, std::span<const MetricLabel> labels,
             std::int64_t value) noexcept {
    call(info, labels, value, nullptr);
  }
  void counter(const FigureInfo& info, std::span<const MetricLabel> labels,
               std::uint64_t count) noexcept {
    call(info, labels, static_cast<std::int64_t>(count), nullptr);
  }
  void histogram(const FigureInfo& info, std::span<const MetricLabel> labels,
                 const HistogramCounts& counts) noexcept {
    call(info, labels, 0, &counts);
  }

 private:
  void call(const FigureInfo& info, std::span<const MetricLabel> labels, std::int64_t value,
            const HistogramCounts* histogram) noexcept;

  MetricVisitor visitor_;
  void* argument_;
  const FigureInfo* last_ = nullptr;
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_MONITOR_METRIC_VISIT_H_
