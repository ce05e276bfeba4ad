// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_FAULT_COUNT_H_
#define TAKT_MONITOR_FAULT_COUNT_H_

#include <atomic>
#include <cstdint>

#include "takt/sync/env.h"

namespace takt::inline v0 {

/// How many faults a reporter has counted. Unlike a Counter it orders: whoever sees a fault counted
/// sees what the reporter has noted of it before, or of a later one.
template <class Env>
class BasicFaultCount {
 public:
  /// Blocks: no. Bound: wait-free. Callable from: the reporter.
  void add() noexcept {
    // relaxed: the reporter's own count. release: pairs with the acquire of get().
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  /// Blocks: no. Bound: wait-free. Callable from: the watchdog.
  std::uint64_t get() const noexcept {
    // acquire: pairs with the release of add().
    return count_.load(std::memory_order_acquire);
  }

 private:
  typename Env::template Atomic<std::uint64_t> count_{0};
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_FAULT_COUNT_H_
