// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/metrics.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "takt/monitor/metric_name.h"
#include "takt/platform/check.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {
namespace {

using detail::is_metric_name;
using detail::MetricEntry;
using detail::text_of;

template <class Source>
std::int64_t read_source(const void* source) noexcept {
  return static_cast<std::int64_t>(static_cast<const Source*>(source)->get());
}

bool is_power_of_ten(std::int64_t number) noexcept {
  while (number >= 10 && number % 10 == 0) number /= 10;
  return number == 1;
}

std::uint32_t count_labels(const MetricConfig& config) noexcept {
  std::uint32_t count = 0;
  while (count < kMetricLabels && config.labels[count].name != nullptr) ++count;
  return count;
}

/// Behind the ones that count.
bool has_nameless_label(const MetricConfig& config, std::uint32_t count) noexcept {
  for (std::uint32_t number = count; number < kMetricLabels; ++number) {
    const MetricLabel& label = config.labels[number];
    if (label.name != nullptr || label.value != nullptr) return true;
  }
  return false;
}

/// What is wrong with a metric's name and unit; null when nothing is.
const char* wrong_name(MetricKind kind, std::string_view name, std::string_view unit) noexcept {
  if (!is_metric_name(name)) return "is no name: letters, digits and '_', no digit first";
  if (name.starts_with("takt_")) return "begins with takt_, as the library's own do";
  constexpr std::string_view kTotal = "_total";
  const bool total = name.ends_with(kTotal);
  if (total && kind != MetricKind::counter) return "is no counter: only these end with _total";
  if (!total && kind == MetricKind::counter) return "is a counter: its name has to end with _total";
  if (total) name.remove_suffix(kTotal.size());
  for (const std::string_view end : {"_bucket", "_count", "_sum", "_info"}) {
    if (name.ends_with(end)) return "ends as only parts of a histogram do, or _info";
  }
  if (unit.empty()) return nullptr;
  if (!is_metric_name(unit) || !name.ends_with(unit)) return "does not end with its unit";
  name.remove_suffix(unit.size());
  return name.ends_with("_") ? nullptr : "does not end with its unit";
}

/// Appends what is wrong; false when nothing is.
bool wrong_config(const MetricConfig& config, MetricKind kind, std::uint32_t labels,
                  TextWriter& wrong) noexcept {
  if (const char* name = wrong_name(kind, config.name, text_of(config.unit))) {
    wrong << name;
  } else if (text_of(config.help).empty()) {
    wrong << "has no help text";
  } else if (!is_power_of_ten(config.per_unit)) {
    wrong << "has a per_unit that is no power of ten";
  } else if (has_nameless_label(config, labels)) {
    wrong << "has a label without a name";
  } else {
    wrong << "has ";
    return !detail::check_labels({config.labels, labels}, wrong);
  }
  return true;
}

/// Whether each of `wanted` is among `labels`; one with an empty value is as good as none.
bool includes(std::span<const MetricLabel> labels, std::span<const MetricLabel> wanted) noexcept {
  return std::all_of(wanted.begin(), wanted.end(), [&](const MetricLabel& label) {
    const std::string_view value(label.value);
    return value.empty() ||
           std::any_of(labels.begin(), labels.end(), [&](const MetricLabel& other) {
             return std::string_view(other.name) == label.name && value == other.value;
           });
  });
}

/// To Prometheus: whatever their order.
bool same_labels(const MetricEntry& entry, const MetricConfig& config,
                 std::uint32_t labels) noexcept {
  const std::span mine(entry.config.labels, entry.label_count);
  const std::span others(config.labels, labels);
  return includes(mine, others) && includes(others, mine);
}

/// What a name stands for is the same wherever it is used.
bool same_family(const MetricEntry& entry, const MetricConfig& config, MetricKind kind) noexcept {
  return entry.kind == kind && text_of(entry.config.help) == text_of(config.help) &&
         text_of(entry.config.unit) == text_of(config.unit) &&
         entry.config.per_unit == config.per_unit;
}

Status refused(const MetricConfig& config, std::string_view problem) noexcept {
  Text<Status::kTextBytes> text;
  text << "metric '" << detail::shown(text_of(config.name)) << "' " << problem;
  return {StatusCode::invalid_argument, text.view()};
}

MetricView view_of(const MetricEntry& entry) noexcept {
  const bool is_histogram = entry.read == nullptr;
  return {.kind = entry.kind,
          .first_of_name = entry.first_of_name,
          .name = entry.config.name,
          .help = entry.config.help,
          .unit = entry.config.unit,
          .per_unit = entry.config.per_unit,
          .labels = {entry.config.labels, entry.label_count},
          .value = is_histogram ? 0 : entry.read(entry.source),
          .histogram = is_histogram ? static_cast<const HistogramCounts*>(entry.source) : nullptr};
}

}  // namespace

Metrics::Metrics(std::span<MetricEntry> entries) noexcept : entries_(entries) {}

Status Metrics::add(const MetricConfig& config, const SharedCounter& counter) noexcept {
  return add_entry(config, MetricKind::counter, &counter, &read_source<SharedCounter>);
}

Status Metrics::add(const MetricConfig& config, const Counter& counter) noexcept {
  return add_entry(config, MetricKind::counter, &counter, &read_source<Counter>);
}

Status Metrics::add(const MetricConfig& config, const Gauge& gauge) noexcept {
  return add_entry(config, MetricKind::gauge, &gauge, &read_source<Gauge>);
}

Status Metrics::add(const MetricConfig& config, const HistogramCounts& histogram) noexcept {
  MetricConfig in_seconds = config;
  in_seconds.per_unit = kNanosecondsPerSecond;
  return add_entry(in_seconds, MetricKind::histogram, &histogram, nullptr);
}

Status Metrics::add_entry(const MetricConfig& config, MetricKind kind, const void* source,
                          Read read) noexcept {
  if (config.name == nullptr) return refused(config, "has no name");
  const std::uint32_t labels = count_labels(config);
  Text<Status::kTextBytes> wrong;
  if (wrong_config(config, kind, labels, wrong)) return refused(config, wrong.view());
  constexpr const char* kOther = "is there with another kind, help, unit or per_unit";
  LockGuard lock(mutex_);
  MetricEntry* last = nullptr;
  for (MetricEntry& entry : entries_.taken()) {
    if (std::string_view(entry.config.name) != config.name) continue;
    if (!same_family(entry, config, kind)) return refused(config, kOther);
    if (same_labels(entry, config, labels)) return refused(config, "is there with these labels");
    last = &entry;
  }
  MetricEntry* const entry = entries_.vacant();
  if (entry == nullptr) {
    const std::uint32_t count = capacity();
    Text<Status::kTextBytes> text;
    text << "metrics: all " << count << " places are taken: raise StaticMetrics<" << count << '>';
    return {StatusCode::resource_exhausted, text.view()};
  }
  entry->config = config;
  if (entry->config.unit == nullptr) entry->config.unit = "";
  entry->kind = kind;
  entry->first_of_name = last == nullptr;
  entry->label_count = labels;
  entry->source = source;
  entry->read = read;
  entries_.append(last);
  return {};
}

MetricView Metrics::view(std::uint32_t number) const noexcept {
  TAKT_CHECK(number < size(), "there is no such metric");
  return view_of(entries_[number]);
}

void Metrics::visit(MetricVisitor visitor, void* argument) const noexcept {
  entries_.for_each(
      [visitor, argument](const MetricEntry& entry) { visitor(view_of(entry), argument); });
}

}  // namespace takt::inline v0
