// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_EXPOSITION_H_
#define TAKT_MONITOR_EXPOSITION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "takt/monitor/metric.h"
#include "takt/platform/result.h"
#include "takt/platform/text.h"

namespace takt::inline v0 {

enum class ExpositionFormat : std::uint32_t {
  prometheus,  ///< text format 0.0.4, as node_exporter's textfile collector reads it
  json,        ///< one object, {"metrics":[…]}
};

/// Writes metrics into a caller's buffer, as text that other programs collect. Sources are whatever
/// has visit(MetricVisitor, void*): Metrics, Sampler, ErrorLog, Watchdog. A name comes from one
/// source only. Values are exact decimal fractions. A metric that does not fit is left out with all
/// that come after it: what is there is whole lines and whole histograms, of JSON a whole document.
/// Of a histogram the buckets of the powers of two from 1 us to 17 s are written, in seconds; its
/// sum is that of its buckets' middles, so at most 1.6 % wrong.
/// Callable from: the owner; the figures may change meanwhile.
class Exposition {
 public:
  /// The least size of a buffer.
  static constexpr std::size_t kMinBuffer = 64;

  /// Begins a text in `buffer` (kMinBuffer at least, else aborts), which outlives this.
  Exposition(std::span<char> buffer, ExpositionFormat format) noexcept;
  Exposition(const Exposition&) = delete;
  Exposition& operator=(const Exposition&) = delete;

  /// Labels that every metric of this text gets, before its own: {"daemon", "camera"} tells its
  /// process from others whose files one collector reads. `labels` and their strings are not
  /// copied, they outlive this. Before the first metric. Blocks: no. Bound: O(labels ^ 2). Errors:
  /// invalid_argument: a name that Prometheus would not take, one twice, a label without a value;
  /// failed_precondition: there are metrics already.
  Status set_labels(std::span<const MetricLabel> labels) noexcept;

  /// Appends the metrics of a source. Before finish(). Blocks: as source.visit(). Bound:
  /// O(metrics).
  template <class Source>
  void add(const Source& source) noexcept {
    source.visit([](const MetricView& metric,
                    void* self) noexcept { static_cast<Exposition*>(self)->add_metric(metric); },
                 this);
  }
  /// Appends one metric. Blocks: no.
  void add_metric(const MetricView& metric) noexcept;

  /// Ends the text. Valid as long as the buffer. Called once. Blocks: no. Errors:
  /// resource_exhausted: the buffer is too small, says how many metrics were left out; text() has
  /// the others. invalid_argument: metrics have a label of set_labels() themselves; text() is
  /// valid, with their own value.
  Result<std::string_view> finish() noexcept;
  /// After finish(): what fits. Blocks: no.
  std::string_view text() const noexcept { return {buffer_.data(), length_}; }

  /// How many metrics are in the text, and how many did not fit. Blocks: no.
  std::uint32_t written() const noexcept { return written_; }
  std::uint32_t left_out() const noexcept { return left_out_; }

 private:
  void write_prometheus(const MetricView& metric, TextWriter& out) const noexcept;
  void write_json(const MetricView& metric, TextWriter& out) const noexcept;
  void note_clash(const MetricView& metric) noexcept;

  std::span<char> buffer_;
  std::span<const MetricLabel> labels_;
  const char* clash_ = nullptr;  // a label of both sides, if there is one
  ExpositionFormat format_;
  std::size_t length_ = 0;
  std::uint32_t written_ = 0;
  std::uint32_t left_out_ = 0;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_EXPOSITION_H_
