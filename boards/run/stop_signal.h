// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_STOP_SIGNAL_H_
#define TAKT_BOARDS_RUN_STOP_SIGNAL_H_

#include <atomic>
#include <limits>

#include "takt/platform/futex.h"
#include "takt/platform/time.h"

namespace takt::run {

/// The end of a run, told once to all loads and sleeps. A sleeper waits on it rather than in
/// sleep_until(), with the same absolute deadline, so that it leaves at once and a 10 s sleep does
/// not keep the report waiting.
class StopSignal {
 public:
  /// Ends all waits, now and later. Blocks: no. Callable from: any thread.
  void request() noexcept {
    // release: pairs with the acquire in requested().
    word_.store(1, std::memory_order_release);
    platform::futex_wake(word_, std::numeric_limits<int>::max(),
                         platform::FutexScope::process_private);
  }

  bool requested() const noexcept {
    // acquire: pairs with the release in request().
    return word_.load(std::memory_order_acquire) != 0;
  }

  /// Sleeps until `deadline`; false when the end came first.
  /// Blocks: until the deadline or request(). Callable from: any thread.
  bool sleep_until(TimePoint deadline) const noexcept {
    while (!requested() && now() < deadline) {
      platform::futex_wait(word_, 0, deadline, platform::FutexScope::process_private);
    }
    return !requested();
  }

 private:
  platform::FutexWord word_{0};
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_STOP_SIGNAL_H_
