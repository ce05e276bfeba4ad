// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_PUBLISHED_COUNT_H_
#define TAKT_MONITOR_PUBLISHED_COUNT_H_

#include <atomic>
#include <cstdint>

#include "takt/sync/env.h"

namespace takt::inline v0::detail {

/// How many entries of a fixed array are complete: appended to by one at a time, under a lock of
/// theirs, and read by anybody without it. Entries stay. Blocks: no. Bound: wait-free, all of it.
template <class Env>
class BasicPublishedCount {
 public:
  /// Those before it are complete. Callable from: any thread.
  std::uint32_t get() const noexcept {
    // acquire: pairs with the release of publish().
    return count_.load(std::memory_order_acquire);
  }
  /// The same to whoever appends.
  std::uint32_t taken() const noexcept {
    // relaxed: written under the lock.
    return count_.load(std::memory_order_relaxed);
  }
  /// The entry `count` - 1 is complete. Callable from: whoever appends.
  void publish(std::uint32_t count) noexcept {
    // release: pairs with the acquire of get().
    count_.store(count, std::memory_order_release);
  }

 private:
  typename Env::template Atomic<std::uint32_t> count_{0};
};

using PublishedCount = BasicPublishedCount<ThreadEnv>;

}  // namespace takt::inline v0::detail

#endif  // TAKT_MONITOR_PUBLISHED_COUNT_H_
