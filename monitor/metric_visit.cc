// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/metric_visit.h"

namespace takt::inline v0::detail {

void MetricVisit::call(const FigureInfo& info, std::span<const MetricLabel> labels,
                       std::int64_t value, const HistogramCounts* histogram) noexcept {
  const bool first = &info != last_;
  last_ = &info;
  visitor_({.kind = info.kind,
            .first_of_name = first,
            .name = info.name,
            .help = info.help,
            .unit = info.unit,
            .per_unit = info.per_unit,
            .labels = labels,
            .value = value,
            .histogram = histogram},
           argument_);
}

}  // namespace takt::inline v0::detail
