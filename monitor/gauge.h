// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_GAUGE_H_
#define TAKT_MONITOR_GAUGE_H_

#include <atomic>
#include <cstdint>

namespace takt::inline v0 {

/// A level of the user's: a temperature, a length of a queue. A whole number; fractions by
/// MetricConfig::per_unit, as millidegrees. Relaxed throughout: a figure, it orders nothing.
class Gauge {
 public:
  constexpr Gauge() noexcept = default;
  Gauge(const Gauge&) = delete;
  Gauge& operator=(const Gauge&) = delete;

  /// Blocks: no. Bound: wait-free. Callable from: any thread, jobs included, as everything here.
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Raises it by `amount`, or lowers it by a negative one. Beyond int64 it wraps around.
  void add(std::int64_t amount) noexcept { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::int64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_GAUGE_H_
