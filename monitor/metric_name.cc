// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/metric_name.h"

#include <cstddef>

namespace takt::inline v0::detail {
namespace {

constexpr bool is_letter(char character) noexcept {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         character == '_';
}

/// What is wrong with label `number`; null when nothing is.
const char* wrong_label(std::span<const MetricLabel> labels, std::size_t number) noexcept {
  const MetricLabel& label = labels[number];
  const std::string_view name = text_of(label.name);
  if (!is_metric_name(name)) return "': a name has letters, digits and '_'";
  if (name == "le" || name == "quantile" || name.starts_with("__"))
    return "', which is Prometheus's own";
  if (label.value == nullptr) return "' without a value";
  for (const MetricLabel& other : labels.first(number)) {
    if (text_of(other.name) == name) return "' twice";
  }
  return nullptr;
}

}  // namespace

bool is_metric_name(std::string_view name) noexcept {
  if (name.empty() || !is_letter(name[0])) return false;
  for (const char character : name) {
    if (!is_letter(character) && (character < '0' || character > '9')) return false;
  }
  return true;
}

bool check_labels(std::span<const MetricLabel> labels, TextWriter& wrong) noexcept {
  for (std::size_t number = 0; number < labels.size(); ++number) {
    const char* const what = wrong_label(labels, number);
    if (what == nullptr) continue;
    wrong << "label '" << shown(text_of(labels[number].name)) << what;
    return false;
  }
  return true;
}

}  // namespace takt::inline v0::detail
