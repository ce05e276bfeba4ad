// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_RATE_WINDOW_H_
#define TAKT_MONITOR_RATE_WINDOW_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "takt/platform/time.h"

namespace takt::inline v0 {

/// How many there were in the last while, in slices of an eighth of it: all of the window counts,
/// and of what is older at most an eighth of a window.
/// Blocks: no. Callable from: the owner.
class RateWindow {
 public:
  /// Forgets all; `window` is 8 ns at least.
  void begin(Duration window) noexcept {
    *this = RateWindow();
    slice_ns_ = window.count() / kParts;
  }

  /// Counts `amount` at `at`, of the monotonic clock or a virtual one, not before its origin. One
  /// that is older than the window counts no more. Bound: O(1).
  void add(TimePoint at, std::uint64_t amount) noexcept {
    const std::int64_t slice = to_ns(at) / slice_ns_;
    advance(slice);
    if (slice > newest_ - kSlices) at_slice(slice) += amount;
  }

  /// How many there are at `now`; a `now` before the newest is that of the newest. Bound: O(1).
  std::uint64_t count(TimePoint now) noexcept {
    advance(to_ns(now) / slice_ns_);
    std::uint64_t sum = 0;
    for (const std::uint64_t part : slices_) sum += part;
    return sum;
  }

 private:
  static constexpr std::int64_t kParts = 8;
  static constexpr std::int64_t kSlices = kParts + 1;  // the newest one is not over

  std::uint64_t& at_slice(std::int64_t slice) noexcept {
    return slices_[static_cast<std::size_t>(slice % kSlices)];
  }
  void advance(std::int64_t slice) noexcept {
    if (slice - newest_ >= kSlices) {
      slices_ = {};
      newest_ = slice;
    }
    while (newest_ < slice) at_slice(++newest_) = 0;
  }

  std::int64_t slice_ns_ = 1;
  std::int64_t newest_ = 0;
  std::array<std::uint64_t, kSlices> slices_{};
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_RATE_WINDOW_H_
