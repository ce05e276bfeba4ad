// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/exposition.h"

#include <limits>

#include "takt/monitor/histogram.h"
#include "takt/monitor/json_text.h"
#include "takt/monitor/metric_name.h"
#include "takt/platform/check.h"

namespace takt::inline v0 {
namespace {

constexpr std::string_view kJsonBegin = "{\"metrics\":[";
constexpr std::string_view kJsonEnd = "\n]}\n";

// Below: 1 us; above: 17 s. With bounds that are powers of two less 1 ns no bucket of the counts
// lies across one.
constexpr std::uint32_t kFirstPower = 10;
constexpr std::uint32_t kLastPower = 34;

const char* type_of(MetricKind kind) noexcept {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
  }
  return "untyped";
}

/// A text between quotes, or behind HELP, where quotes are left alone.
void write_escaped(std::string_view text, bool quoted, TextWriter& out) noexcept {
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
    const char first = text.front();
    if (bytes == 0) {
      out << "\xef\xbf\xbd";  // U+FFFD
    } else if (first == '\n') {
      out << "\\n";
    } else if (first == '\\' || (quoted && first == '"')) {
      out << '\\' << first;
    } else {
      out << std::string_view(text.data(), bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
}

/// Whether the metric itself has a label of that name.
bool has_label(const MetricView& metric, std::string_view name) noexcept {
  for (const MetricLabel& label : metric.labels) {
    if (name == label.name) return true;
  }
  return false;
}

/// Calls `act` for each label of a metric: first those that all have. An own one of the same name
/// wins.
template <class Act>
void for_each_label(const MetricView& metric, std::span<const MetricLabel> of_all,
                    const Act& act) noexcept {
  for (const MetricLabel& label : of_all) {
    if (!has_label(metric, label.name)) act(label);
  }
  for (const MetricLabel& label : metric.labels) act(label);
}

/// A name with its labels, and with `bound` one of a histogram's.
void write_series(const MetricView& metric, std::span<const MetricLabel> of_all,
                  std::string_view suffix, std::string_view bound, TextWriter& out) noexcept {
  out << metric.name << suffix;
  char separator = '{';
  for_each_label(metric, of_all, [&out, &separator](const MetricLabel& label) {
    out << separator << label.name << "=\"";
    write_escaped(label.value, true, out);
    out << '"';
    separator = ',';
  });
  if (!bound.empty()) {
    out << separator << "le=\"" << bound << '"';
    separator = ',';
  }
  if (separator == ',') out << '}';
  out << ' ';
}

/// The counts of a histogram, read once from the lowest bucket to the highest: whoever records
/// meanwhile cannot make a bucket smaller than the one below it.
class Buckets {
 public:
  explicit Buckets(const HistogramCounts& counts) noexcept : counts_(counts) {}

  /// How many values are at most `bound`; bounds rise from call to call.
  std::uint64_t up_to(std::int64_t bound) noexcept {
    while (next_ < HistogramCounts::kBuckets && HistogramCounts::upper_bound(next_) <= bound) {
      add_next();
    }
    return count_;
  }
  /// All values.
  std::uint64_t all() noexcept {
    while (next_ < HistogramCounts::kBuckets) add_next();
    return count_;
  }
  /// Of those counted until now. Nanoseconds.
  std::int64_t sum() const noexcept { return sum_; }

 private:
  void add_next() noexcept {
    const std::uint64_t count = counts_.count(next_);
    const std::int64_t upper = HistogramCounts::upper_bound(next_);
    const std::int64_t lower = next_ == 0 ? 0 : HistogramCounts::upper_bound(next_ - 1) + 1;
    count_ += count;
    // Held at the end, as Histogram::sum().
    std::int64_t product = 0;
    if (__builtin_mul_overflow(count, (lower + upper) / 2, &product) ||
        __builtin_add_overflow(sum_, product, &sum_)) {
      sum_ = std::numeric_limits<std::int64_t>::max();
    }
    ++next_;
  }

  const HistogramCounts& counts_;
  std::uint32_t next_ = 0;
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0;
};

constexpr std::int64_t bound_of(std::uint32_t power) noexcept {
  return (std::int64_t{1} << power) - 1;
}

void write_histogram_lines(const MetricView& metric, std::span<const MetricLabel> of_all,
                           TextWriter& out) noexcept {
  Buckets buckets(*metric.histogram);
  for (std::uint32_t power = kFirstPower; power <= kLastPower; ++power) {
    Text<24> bound;
    write_decimal(bound_of(power), kNanosecondsPerSecond, bound);
    write_series(metric, of_all, "_bucket", bound.view(), out);
    out << buckets.up_to(bound_of(power)) << '\n';
  }
  const std::uint64_t count = buckets.all();
  write_series(metric, of_all, "_bucket", "+Inf", out);
  out << count << '\n';
  write_series(metric, of_all, "_sum", {}, out);
  write_decimal(buckets.sum(), kNanosecondsPerSecond, out);
  out << '\n';
  write_series(metric, of_all, "_count", {}, out);
  out << count << '\n';
}

void write_histogram_members(const HistogramCounts& counts, TextWriter& out) noexcept {
  Buckets buckets(counts);
  out << R"(,"buckets":[)";
  for (std::uint32_t power = kFirstPower; power <= kLastPower; ++power) {
    out << (power == kFirstPower ? "[" : ",[");
    write_decimal(bound_of(power), kNanosecondsPerSecond, out);
    out << ',' << buckets.up_to(bound_of(power)) << ']';
  }
  out << R"(],"count":)" << buckets.all() << R"(,"sum":)";
  write_decimal(buckets.sum(), kNanosecondsPerSecond, out);
  const Histogram histogram(counts);
  static constexpr struct {
    const char* name;
    double quantile;
  } kPercentiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99_9", 0.999}};
  for (const auto& [name, quantile] : kPercentiles) {
    out << ",\"" << name << "\":";
    write_decimal(histogram.percentile(quantile).count(), kNanosecondsPerSecond, out);
  }
  out << R"(,"max":)";
  write_decimal(histogram.max().count(), kNanosecondsPerSecond, out);
}

}  // namespace

Exposition::Exposition(std::span<char> buffer, ExpositionFormat format) noexcept
    : buffer_(buffer), format_(format) {
  TAKT_CHECK(buffer.size() >= kMinBuffer, "Exposition: the buffer is too small for any metric");
  TextWriter out(buffer.data(), buffer.size());
  if (format == ExpositionFormat::json) out << kJsonBegin;
  length_ = out.size();
}

Status Exposition::set_labels(std::span<const MetricLabel> labels) noexcept {
  if (written_ + left_out_ != 0) {
    return {StatusCode::failed_precondition, "Exposition: set_labels() comes before the metrics"};
  }
  Text<Status::kTextBytes> text;
  text << "Exposition: ";
  if (!detail::check_labels(labels, text)) return {StatusCode::invalid_argument, text.view()};
  labels_ = labels;
  return {};
}

void Exposition::note_clash(const MetricView& metric) noexcept {
  for (const MetricLabel& label : labels_) {
    if (has_label(metric, label.name)) clash_ = label.name;
  }
}

void Exposition::add_metric(const MetricView& metric) noexcept {
  const bool json = format_ == ExpositionFormat::json;
  // The end has to fit, too.
  const std::size_t kept = json ? kJsonEnd.size() : 0;
  TextWriter out(buffer_.data() + length_, buffer_.size() - length_ - kept);
  if (left_out_ == 0) {
    if (json) {
      write_json(metric, out);
    } else {
      write_prometheus(metric, out);
    }
  }
  if (left_out_ != 0 || out.truncated()) {
    buffer_[length_] = '\0';
    ++left_out_;
    return;
  }
  length_ += out.size();
  ++written_;
  note_clash(metric);
}

Result<std::string_view> Exposition::finish() noexcept {
  if (format_ == ExpositionFormat::json) {
    TextWriter out(buffer_.data() + length_, buffer_.size() - length_);
    out << kJsonEnd;
    length_ += out.size();
  }
  Text<Status::kTextBytes> what;
  what << "Exposition: ";
  if (left_out_ == 0 && clash_ != nullptr) {
    what << "metrics have the label '" << detail::shown(clash_) << "' of set_labels() themselves";
    return Status(StatusCode::invalid_argument, what.view());
  }
  if (left_out_ == 0) return text();
  what << left_out_ << " of " << left_out_ + written_ << " metrics do not fit into "
       << buffer_.size() << " bytes";
  return Status(StatusCode::resource_exhausted, what.view());
}

void Exposition::write_prometheus(const MetricView& metric, TextWriter& out) const noexcept {
  if (metric.first_of_name) {
    out << "# HELP " << metric.name << ' ';
    write_escaped(metric.help, false, out);
    out << "\n# TYPE " << metric.name << ' ' << type_of(metric.kind) << '\n';
  }
  if (metric.kind == MetricKind::histogram) return write_histogram_lines(metric, labels_, out);
  write_series(metric, labels_, {}, {}, out);
  write_decimal(metric.value, static_cast<std::uint64_t>(metric.per_unit), out);
  out << '\n';
}

void Exposition::write_json(const MetricView& metric, TextWriter& out) const noexcept {
  out << (written_ == 0 ? "\n" : ",\n") << R"({"name":)";
  write_json_string(metric.name, out);
  out << R"(,"type":")" << type_of(metric.kind) << R"(","unit":)";
  write_json_string(metric.unit, out);
  out << R"(,"labels":{)";
  bool first = true;
  for_each_label(metric, labels_, [&out, &first](const MetricLabel& label) {
    if (!first) out << ',';
    first = false;
    write_json_string(label.name, out);
    out << ':';
    write_json_string(label.value, out);
  });
  out << '}';
  if (metric.kind == MetricKind::histogram) {
    write_histogram_members(*metric.histogram, out);
  } else {
    out << R"(,"value":)";
    write_decimal(metric.value, static_cast<std::uint64_t>(metric.per_unit), out);
  }
  out << '}';
}

}  // namespace takt::inline v0
