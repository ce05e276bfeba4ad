// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_REINSTATEMENT_H_
#define TAKT_MONITOR_REINSTATEMENT_H_

#include <atomic>
#include <cstdint>

#include "takt/platform/time.h"
#include "takt/sync/env.h"

// One word of each supervised thing, that the watchdog shares with whoever has restarted it:
//
//   bit 0      kExpired: it has expired. Set by expire(), cleared by begin().
//   bit 1      kWanted: it was restarted since and is to start over. Set by want(), cleared by
//              begin().
//   bits 2-63  when it expired, nanoseconds (73 years)
//
//   [0] --expire--> [expired] --want, of this very time--> [expired | wanted]
//    ^                  |                                          |
//    '------begin-------'------------------begin-------------------'
//
// Whoever asks says which verdict he has acted upon, by its time. One who comes late, when it has
// started over and perhaps expired again, changes nothing: nobody has restarted that one. A stale
// read is legal where it fails.

namespace takt::inline v0::detail {

/// Whether what has expired is to start over.
template <class Env>
class BasicReinstatement {
 public:
  /// It has expired. Blocks: no. Bound: wait-free, all of it. Callable from: the watchdog, before
  /// its verdict is told.
  void expire(TimePoint at) noexcept {
    // relaxed: the verdict, which want() is about, comes after it by an order of its own.
    word_.store(pack(at), std::memory_order_relaxed);
  }
  /// Who has expired at this time, and not since, was restarted. Callable from: any thread.
  void want(TimePoint expired) noexcept {
    std::uint64_t seen = pack(expired);
    // release: pairs with is_wanted(), so that who was restarted is seen restarted. relaxed:
    // nothing is done then.
    static_cast<void>(word_.compare_exchange_strong(seen, seen | kWanted, std::memory_order_release,
                                                    std::memory_order_relaxed));
  }
  /// Callable from: the watchdog, as what follows.
  bool is_wanted() const noexcept {
    // acquire: pairs with want().
    return (word_.load(std::memory_order_acquire) & kWanted) != 0;
  }
  /// It starts over, whether or not that was wanted.
  void begin() noexcept { word_.store(0, std::memory_order_relaxed); }  // relaxed: no data

 private:
  static constexpr std::uint64_t kExpired = 1;
  static constexpr std::uint64_t kWanted = 2;
  static constexpr unsigned kShift = 2;

  static constexpr std::uint64_t pack(TimePoint time) noexcept {
    return static_cast<std::uint64_t>(to_ns(time)) << kShift | kExpired;
  }

  typename Env::template Atomic<std::uint64_t> word_{0};
};

using Reinstatement = BasicReinstatement<ThreadEnv>;

}  // namespace takt::inline v0::detail

#endif  // TAKT_MONITOR_REINSTATEMENT_H_
