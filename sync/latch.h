// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_LATCH_H_
#define TAKT_SYNC_LATCH_H_

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/status.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"

// One word:
//   bits 0-30  what is still expected. Set by the constructor, lowered by count_down().
//   bit 31     kWaiting: somebody may sleep on the word. Set by a waiter's CAS, never cleared: a
//              latch is used once. A stale read without the bit is legal for a waiter, whose sleep
//              compares the newest value.
//
//   [n, nobody waits] --wait: CAS--> [n | kWaiting] --count_down--> ... --> [0 | kWaiting]: wake
//          '------------count_down--> ... ------------------------------> [0]: no system call
//
// Invariant: the count only falls, and the one count_down() that takes it to 0 sees in the same RMW
// whether anybody sleeps. Destruction: that RMW is the last touch of the word by count_down(); the
// wake after it uses the address only.

namespace takt::inline v0 {

/// A downward counter that threads wait for, once. As std::latch, with time limits.
template <class Env>
class BasicLatch {
 public:
  /// The largest count.
  static constexpr std::ptrdiff_t max() noexcept { return INT_MAX; }

  /// Expects `expected` arrivals, 0 to max() (else aborts).
  constexpr explicit BasicLatch(std::ptrdiff_t expected) noexcept
      : word_(static_cast<std::uint32_t>(expected)) {
    TAKT_CHECK(expected >= 0 && expected <= max(), "Latch: count out of range");
  }
  BasicLatch(const BasicLatch&) = delete;
  BasicLatch& operator=(const BasicLatch&) = delete;

  /// Lowers the count by `update`; the arrival that takes it to 0 releases all waiters.
  /// Blocks: no. Bound: wait-free, plus one system call when it ends a wait. Callable from: any
  /// thread. `update` must not exceed the count (else aborts).
  void count_down(std::ptrdiff_t update = 1) noexcept {
    TAKT_CHECK(update >= 0 && update <= max(), "Latch: update out of range");
    // release: pairs with the acquire load in try_wait(). Later arrivals and the waiters' CAS are
    // RMWs, so they continue the release sequence of this one.
    const std::uint32_t before =
        word_.fetch_sub(static_cast<std::uint32_t>(update), std::memory_order_release);
    TAKT_CHECK((before & kCountMask) >= static_cast<std::uint32_t>(update),
               "Latch: counted down below zero");
    if ((before & kCountMask) == static_cast<std::uint32_t>(update) && (before & kWaiting) != 0) {
      Env::wake(word_, INT_MAX);
    }
  }

  /// What is still expected; may be outdated on return. Blocks: no. Callable from: any thread.
  std::ptrdiff_t count() const noexcept {
    // relaxed: a figure to show, it orders nothing.
    return word_.load(std::memory_order_relaxed) & kCountMask;
  }

  /// Whether the count is 0. Blocks: no. Bound: wait-free. Callable from: any thread.
  bool try_wait() const noexcept {
    // acquire: pairs with the release of count_down().
    return (word_.load(std::memory_order_acquire) & kCountMask) == 0;
  }

  /// Returns when the count is 0. Blocks: until then. Callable from: any thread.
  void wait() const noexcept { static_cast<void>(wait_until_steady(kNever)); }

  /// As wait(), at most until `deadline`, of any clock. Errors: timed_out.
  template <class OtherClock, class OtherDuration>
  Status wait_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) const noexcept {
    if (detail::attempt_until(deadline, [this](TimePoint at) { return wait_until_steady(at); })) {
      return {};
    }
    return {StatusCode::timed_out, "Latch: the count did not reach 0 in time"};
  }

  /// As wait(), at most for `timeout`. Errors: timed_out.
  template <class Rep, class Period>
  Status wait_for(const std::chrono::duration<Rep, Period>& timeout) const noexcept {
    return wait_until(deadline_after(timeout));
  }

  /// count_down(update), then wait(). Blocks: until the count is 0. Callable from: any thread.
  void arrive_and_wait(std::ptrdiff_t update = 1) noexcept {
    count_down(update);
    wait();
  }

 private:
  static constexpr std::uint32_t kWaiting = 0x8000'0000U;
  static constexpr std::uint32_t kCountMask = kWaiting - 1;

  bool wait_until_steady(TimePoint deadline) const noexcept {
    for (;;) {
      // acquire: pairs with the release of count_down().
      std::uint32_t seen = word_.load(std::memory_order_acquire);
      if ((seen & kCountMask) == 0) return true;
      // relaxed: the bit carries no data; it is part of the word that the sleep compares.
      if ((seen & kWaiting) == 0 &&
          !word_.compare_exchange_strong(seen, seen | kWaiting, std::memory_order_relaxed,
                                         std::memory_order_relaxed)) {
        continue;  // bounded: each failure is an arrival or the one setting of the bit
      }
      if (Env::wait(word_, seen | kWaiting, deadline) == ETIMEDOUT) return try_wait();
    }
  }

  // A waiter announces itself, and the standard's waits are const.
  mutable typename Env::Word word_;
};

using Latch = BasicLatch<ThreadEnv>;
using ProcessLatch = BasicLatch<ProcessEnv>;
static_assert(sizeof(Latch) <= 8);

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_LATCH_H_
