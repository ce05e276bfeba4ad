// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_ALERT_H_
#define TAKT_MONITOR_ALERT_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "takt/executor/stats.h"
#include "takt/monitor/series.h"
#include "takt/platform/time.h"

// An alert, judged with each sample:
//
//            beyond, duration 0
//        .-------------------------------------------.
//        |                                           v
//   [quiet] --beyond--> [pending] --for duration--> [raised]
//     ^ ^                   |                          |
//     | '-- not beyond, ----'                          |
//     |     or absent                                  |
//     '------------------------ back by hysteresis ----'
//
// A value that is absent neither raises nor ends an alert: nobody knows.

namespace takt::inline v0 {

enum class AlertState : std::uint32_t {
  quiet,
  pending,  ///< beyond the threshold, not yet for AlertConfig::duration
  raised,
};

enum class AlertWhen : std::uint32_t { above, below };

/// An alert was raised, or is over.
struct AlertEvent {
  const char* name;
  bool raised;
  double value;      ///< the series' quantity that decided it
  double threshold;  ///< as configured
  TimePoint time;    ///< of the sample
  void* argument;    ///< as configured
};

/// Called by the sampler's thread; as long as it lasts there are no samples.
using AlertHandler = void (*)(const AlertEvent& event) noexcept;

/// The name is copied.
struct AlertConfig {
  const char* name = nullptr;  ///< 1 to 31 characters
  Series series{};             ///< what is watched: see Sampler::value() for its quantity
  AlertWhen when = AlertWhen::above;
  double threshold = 0;   ///< beyond: above (below) it, not at it
  double hysteresis = 0;  ///< not negative; raised, it is over at this distance from the threshold
  /// How long it must have been beyond, in all samples, to be raised. Of more than two periods in
  /// which there was none, one counts: nobody knows of the others. One reading of what is read each
  /// SamplerConfig::slow_period is in all samples of that time: wait for longer than that.
  Duration duration{0};
  AlertHandler on_change = nullptr;
  void* argument = nullptr;
};

/// The number of an alert, in the order in which they were added.
enum class AlertId : std::uint32_t {};

namespace detail {

inline constexpr std::uint32_t kAlertNameBytes = 32;

/// One alert, and where it is kept.
class Alert {
 public:
  void set(const AlertConfig& config) noexcept;
  /// There was nobody to look for a while: what is pending begins anew. Callable from: the
  /// sampler's thread, as judge().
  void resume() noexcept {
    // relaxed: see state().
    if (state() == AlertState::pending) state_.store(AlertState::quiet, std::memory_order_relaxed);
  }
  /// The quantity of a new sample; one is due each `period`.
  void judge(std::optional<double> value, TimePoint time, Duration period) noexcept;

  // Callable from: any thread.
  const char* name() const noexcept { return name_; }
  Series series() const noexcept { return config_.series; }
  AlertState state() const noexcept {
    // relaxed: a figure.
    return state_.load(std::memory_order_relaxed);
  }
  std::uint64_t raises() const noexcept { return raises_.get(); }

 private:
  bool is_beyond(double value) const noexcept;
  bool is_back(double value) const noexcept;
  void change(AlertState state, double value, TimePoint time) noexcept;

  AlertConfig config_;
  char name_[kAlertNameBytes] = {};
  TimePoint since_{};   // of pending; moved by what nobody has seen
  TimePoint judged_{};  // the last sample
  std::atomic<AlertState> state_{AlertState::quiet};
  Counter raises_;
};

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_ALERT_H_
