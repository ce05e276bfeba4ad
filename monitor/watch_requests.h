// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_WATCH_REQUESTS_H_
#define TAKT_MONITOR_WATCH_REQUESTS_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "takt/monitor/supervision.h"
#include "takt/sync/env.h"

// Two words, each with one request that waits or none:
//
//   wanted_mode_   a WatchMode, or kWatchModes: none. Set by want(), a later one in place of an
//                  earlier one; cleared by take_mode(). wanted_mode() leaves it.
//   reinstate_     1: wanted. Set by reinstate(), cleared by take_reinstate() and forget().
//
// They are taken by exchange: one that comes while another is taken waits for the next time.

namespace takt::inline v0::detail {

/// What anybody may ask of a watchdog, which looks here at each glance.
template <class Env>
class BasicWatchRequests {
 public:
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  void want(WatchMode mode) noexcept {
    // release: pairs with take_mode(), so that what was prepared for the mode is seen.
    wanted_mode_.store(static_cast<std::uint32_t>(mode), std::memory_order_release);
  }
  /// As want().
  void reinstate() noexcept {
    // release: pairs with take_reinstate(), so that who was restarted is seen restarted.
    reinstate_.store(1, std::memory_order_release);
  }

  /// The mode wanted last, since this was called before. Blocks: no. Bound: wait-free. Callable
  /// from: the watchdog, as what follows.
  std::optional<WatchMode> take_mode() noexcept {
    // acquire: pairs with want().
    return mode_of(wanted_mode_.exchange(kWatchModes, std::memory_order_acquire));
  }
  /// The same, and it waits on.
  std::optional<WatchMode> wanted_mode() const noexcept {
    // acquire: pairs with want().
    return mode_of(wanted_mode_.load(std::memory_order_acquire));
  }
  /// Whether reinstate() was called since this was.
  bool take_reinstate() noexcept {
    // relaxed: whether to look. acquire: pairs with reinstate().
    return reinstate_.load(std::memory_order_relaxed) != 0 &&
           reinstate_.exchange(0, std::memory_order_acquire) != 0;
  }
  /// What asks to be reinstated is of the past.
  void forget() noexcept { reinstate_.store(0, std::memory_order_relaxed); }  // relaxed: no data

 private:
  static constexpr std::optional<WatchMode> mode_of(std::uint32_t wanted) noexcept {
    if (wanted >= kWatchModes) return std::nullopt;
    return static_cast<WatchMode>(wanted);
  }

  typename Env::template Atomic<std::uint32_t> wanted_mode_{kWatchModes};
  typename Env::template Atomic<std::uint32_t> reinstate_{0};
};

using WatchRequests = BasicWatchRequests<ThreadEnv>;

}  // namespace takt::inline v0::detail

#endif  // TAKT_MONITOR_WATCH_REQUESTS_H_
