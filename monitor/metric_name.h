// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_METRIC_NAME_H_
#define TAKT_MONITOR_METRIC_NAME_H_

#include <cstddef>
#include <span>
#include <string_view>

#include "takt/monitor/metric.h"
#include "takt/platform/text.h"

// What Prometheus takes as a name. Inside metrics and exposition.

namespace takt::inline v0::detail {

/// Whether `name` can be that of a metric: letters, digits and '_', no digit first. (A colon is
/// kept for rules on the collecting side.) Blocks: no. Bound: O(characters). Callable from:
/// anywhere.
bool is_metric_name(std::string_view name) noexcept;

/// Whether all of `labels` are right; else appends which is not, and why: "label 'le', which is
/// Prometheus's own". Blocks: no. Bound: O(labels ^ 2). Callable from: anywhere.
bool check_labels(std::span<const MetricLabel> labels, TextWriter& wrong) noexcept;

/// `text`, or nothing for null. Blocks: no. Callable from: anywhere.
constexpr std::string_view text_of(const char* text) noexcept {
  return text != nullptr ? std::string_view(text) : std::string_view();
}

/// As much of a name as a message has room for. Blocks: no. Callable from: anywhere.
constexpr std::string_view shown(std::string_view name) noexcept {
  constexpr std::size_t kShown = 24;
  return {name.data(), name.size() < kShown ? name.size() : kShown};
}

}  // namespace takt::inline v0::detail

#endif  // TAKT_MONITOR_METRIC_NAME_H_
