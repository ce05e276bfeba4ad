// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_ALIVE_SUPERVISION_H_
#define TAKT_MONITOR_ALIVE_SUPERVISION_H_

#include <cstdint>

#include "takt/monitor/supervision.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// How often something shall show that it is alive: in each window of this length at least `min`
/// and at most `max` indications. For a task of period P with jitter J: min = floor((window - J) /
/// P), max = ceil((window + J) / P).
struct AliveExpectation {
  static constexpr std::uint32_t kAny = 0xFFFF'FFFF;

  Duration window{};  ///< also the reference cycle of all tolerances; positive
  std::uint32_t min = 0;
  std::uint32_t max = kAny;
};

/// Alive supervision: judges the number of indications that a glance shows. Windows follow one
/// another; each ends with the first glance that is certainly a window after the one with which it
/// began, and what it is longer counts for `min` and `max` in proportion. Besides, when a whole
/// window has certainly passed since the last indication, that is too few at once, wherever the
/// windows begin: a complete hang is found within one window and one glance. Pure: no clock, no
/// side effects. Not thread-safe: the watchdog's. Blocks: no. Bound: O(1), all of it.
class AliveSupervision {
 public:
  /// Begins a window; the counter stands at `indications`.
  void begin(const Look& look, std::uint64_t indications) noexcept {
    window_ = {look, indications};
    last_change_ = window_;
  }

  /// What was shown meanwhile counts, the time does not: for `max` all of it may have passed.
  void exclude(const Disturbance& disturbance, std::uint64_t indications) noexcept;

  /// What a glance at the counter says; ends the window when it is over, or wrong.
  void judge(const AliveExpectation& expected, const Look& look, std::uint64_t indications,
             Findings& findings) noexcept;

 private:
  struct Mark {
    Look look;  // its end is moved by what is excluded, its beginning is not
    std::uint64_t indications;
  };

  static std::uint64_t most(const AliveExpectation& expected, Duration longest) noexcept;

  Mark window_{};
  Mark last_change_{};  // the first glance with the count that it had since
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_ALIVE_SUPERVISION_H_
