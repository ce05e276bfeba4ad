// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_PERMIT_WORD_H_
#define TAKT_SYNC_PERMIT_WORD_H_

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/sync/env.h"

// One word:
//   low kPermitBits   permits. Raised by add() and add_one_if_wanted(), lowered by who takes one,
//                     zeroed by withdraw().
//   the bits above    waiters: threads between their announcement and their end of waiting, asleep
//                     or not. Raised by a waiter's CAS, lowered by the same waiter, in one CAS with
//                     the permit that it takes or when it gives up.
// A stale read of either is legal: each decision is an RMW, and the sleep compares the newest
// value.
//
//   [p > 0, w] --try_take: CAS--> [p - 1, w]          no system call
//   [0, w] --announce: CAS--> [0, w + 1] --sleep--> woken, interrupted or out of time:
//       [p > 0, w + 1] --take: CAS--> [p - 1, w]      also when its time is up
//       [0, w + 1]     --give_up: CAS--> [0, w]       only when its time is up
//   [p, w] --add(n): RMW--> [p + n, w], then wakes up to n if w > 0
//
// Invariant: a thread falls asleep only while there is no permit, and whoever brings permits while
// there are waiters wakes as many. Who gives up does it in the RMW that saw no permit: a permit
// that came in between is taken, however often the count has changed meanwhile.
// Destruction: the last touch of add() is its RMW, that of a taker the CAS that took the permit.
// The wake after it uses the address only.

namespace takt::inline v0::detail {

/// Permits and the threads that wait for one: what Semaphore and an automatic Event are made of.
/// Woken by priority, then in order of arrival; who has not waited may take a permit before one
/// that was woken.
template <class Env, unsigned kPermitBits>
class PermitWord {
 public:
  /// The most permits there can be at a time.
  static constexpr std::uint32_t kMax = (1U << kPermitBits) - 1;

  constexpr explicit PermitWord(std::uint32_t permits) noexcept : word_(permits) {}

  /// How many there are; may be outdated on return. Blocks: no.
  std::uint32_t permits() const noexcept {
    // relaxed: a figure to show; only who takes a permit knows what came before it.
    return word_.load(std::memory_order_relaxed) & kMax;
  }

  /// Adds `permits`, at most kMax, and wakes as many waiters. False when there are more than kMax
  /// now: the word is spoilt then. Blocks: no. Bound: wait-free, plus a system call when somebody
  /// waits.
  bool add(std::uint32_t permits) noexcept {
    // release: pairs with the acquire of the CAS in take(). Everything else that changes the word
    // is an RMW and continues the release sequence of this one.
    const std::uint32_t before = word_.fetch_add(permits, std::memory_order_release);
    if ((before & kMax) + permits > kMax) return false;
    // A wake of none wakes one: the kernel counts after the first.
    if (before >= kWaiter && permits > 0) Env::wake(word_, static_cast<int>(permits));
    return true;
  }

  /// Adds one permit unless there is one for each waiter already, or for the next to come if nobody
  /// waits. Wakes one either way: who added the permit before may have been preempted before its
  /// wake. Blocks: no. Bound: lock-free, plus a system call when somebody waits.
  void add_one_if_wanted() noexcept {
    // relaxed: the CAS decides.
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    std::uint32_t added = 0;
    do {
      const std::uint32_t wanted = seen < kWaiter ? 1 : seen / kWaiter;
      added = (seen & kMax) < wanted ? 1 : 0;
      // release: as in add(), also when it adds nothing.
    } while (!word_.compare_exchange_weak(seen, seen + added, std::memory_order_release,
                                          std::memory_order_relaxed));
    if (seen >= kWaiter) Env::wake(word_, 1);
  }

  /// Takes all permits away. Blocks: no. Bound: wait-free.
  void withdraw() noexcept {
    // acquire: pairs with the release of who added, as if each permit had been taken.
    static_cast<void>(word_.fetch_and(~kMax, std::memory_order_acquire));
  }

  /// Takes a permit if there is one; never fails while there is. Blocks: no. Bound: lock-free.
  bool try_take() noexcept {
    // relaxed: the CAS in take() decides.
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while ((seen & kMax) != 0) {
      if (take(seen, 1)) return true;
    }
    return false;
  }

  /// Takes a permit. Returns whether it did before `deadline`.
  /// Blocks: until there is one or the deadline.
  [[gnu::noinline]] bool take_until(TimePoint deadline) noexcept {
    bool announced = false;
    bool in_time = true;
    // relaxed, here and below: each CAS decides, the sleep compares the newest value.
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {  // lock-free: an attempt is repeated only when another thread has changed the word
      if ((seen & kMax) != 0) {
        if (take(seen, announced ? kWaiter + 1 : 1)) return true;
      } else if (!in_time) {
        // relaxed: who gives up has nothing to tell.
        if (word_.compare_exchange_strong(seen, seen - kWaiter, std::memory_order_relaxed,
                                          std::memory_order_relaxed)) {
          return false;
        }
      } else if (!announced) {
        TAKT_CHECK(seen < kMostWaiters, "more threads wait than can be counted");
        // relaxed: the number carries no data; it is part of the word that the sleep compares.
        announced = word_.compare_exchange_strong(seen, seen + kWaiter, std::memory_order_relaxed,
                                                  std::memory_order_relaxed);
        if (announced) seen += kWaiter;
      } else {
        in_time = Env::wait(word_, seen, deadline) != ETIMEDOUT;
        seen = word_.load(std::memory_order_relaxed);
      }
    }
  }

 private:
  static constexpr std::uint32_t kWaiter = kMax + 1;
  static constexpr std::uint32_t kMostWaiters = ~kMax;

  /// Takes a permit, and with it what else `units` holds, from a word that shows one.
  bool take(std::uint32_t& seen, std::uint32_t units) noexcept {
    // acquire: pairs with the release of who added. relaxed on failure: the next attempt decides.
    return word_.compare_exchange_strong(seen, seen - units, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  typename Env::Word word_;
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_SYNC_PERMIT_WORD_H_
