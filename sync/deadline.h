// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_DEADLINE_H_
#define TAKT_SYNC_DEADLINE_H_

#include <chrono>
#include <cstdint>
#include <type_traits>

#include "takt/platform/time.h"

namespace takt::inline v0::detail {

/// A time of any clock in nanoseconds since that clock's origin, held at the ends.
template <class AnyClock, class AnyDuration>
constexpr Duration since_origin(
    const std::chrono::time_point<AnyClock, AnyDuration>& time) noexcept {
  return saturating_ns(time.time_since_epoch());
}

/// `until - since`, held at the ends.
constexpr Duration saturating_difference(Duration until, Duration since) noexcept {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(until.count(), since.count(), &difference)) {
    return until > since ? Duration::max() : Duration::min();
  }
  return Duration(difference);
}

/// Runs `attempt(TimePoint)` for a deadline on any clock. A deadline of takt::Clock is passed on;
/// one of another clock is converted by reading both clocks again after each time-out, because the
/// other clock may have been set back meanwhile. One that is set forward is noticed late, when the
/// time that it showed at first has passed. `attempt` returns true when its wait ended by
/// success. Returns whether it did.
template <class OtherClock, class OtherDuration, class Attempt>
bool attempt_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline,
                   const Attempt& attempt) {
  static_assert(std::chrono::is_clock_v<OtherClock>,
                "takt: a deadline is a time point of a clock: of one with now() and is_steady");
  const Duration end = since_origin(deadline);
  if constexpr (std::is_same_v<OtherClock, Clock>) {
    return attempt(TimePoint(end));
  } else {
    for (;;) {
      const Duration remaining = saturating_difference(end, since_origin(OtherClock::now()));
      if (attempt(deadline_after(remaining))) return true;
      if (since_origin(OtherClock::now()) >= end) return false;
    }
  }
}

}  // namespace takt::inline v0::detail

#endif  // TAKT_SYNC_DEADLINE_H_
