// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_EVENT_H_
#define TAKT_SYNC_EVENT_H_

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>

#include "takt/platform/status.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/permit_word.h"

// Manual reset, one word:
//   bit 0      kSet. Set by set(), cleared by reset().
//   bit 1      kWaiting: somebody may sleep on the word. Set by a waiter's CAS while the event is
//              not set; cleared by the reset() that ends a set, which wakes everybody once more:
//              the set() may have been preempted before its wake, and the next one sees no bit.
//   bits 2-31  how many sets have been reset. Raised by reset(). A waiter that finds another number
//              than it began with has been waited for, whatever the event is now.
// A stale read without kWaiting or with an old number is legal: the sleep compares the newest.
//
//   [n] --wait: CAS--> [n | kWaiting] --set: RMW--> [n | kWaiting | kSet]: wakes all --reset--.
//    |                                                                                        |
//    '--set: RMW--> [n | kSet]: no system call --reset: CAS-----------------------> [n + 1] <-'
//
// Automatic reset: the state machine of permit_word.h; its permits are the sets that nobody has
// taken, more than one only while as many threads wait.
//
//   [s, w] --set: CAS--> [min(s + 1, max(1, w)), w], then wakes one if s has risen and w > 0
//
// Invariant of both: a thread falls asleep only while there is nothing for it, and a set() that
// brings something sees in the same RMW whether anybody sleeps.
// Destruction: set()'s last touch is its RMW, that of a wait its last load or CAS. The wake after
// it uses the address only.

namespace takt::inline v0 {

/// What ends an event's being set: the thread that was released by it, or a call of reset().
enum class Reset : std::uint32_t { automatic, manual };

template <Reset kReset, class Env>
class BasicEvent;

/// A condition that stays: once set, waits return at once until reset().
template <class Env>
class BasicEvent<Reset::manual, Env> {
 public:
  constexpr BasicEvent() noexcept = default;
  BasicEvent(const BasicEvent&) = delete;
  BasicEvent& operator=(const BasicEvent&) = delete;

  /// Sets the event and releases all who wait, even when reset() follows before they run.
  /// Blocks: no. Bound: wait-free, plus one system call when somebody waits. Callable from: any
  /// thread, signal handlers included.
  void set() noexcept {
    // release: pairs with the acquire loads of the waits, also when the event was set before. A
    // reset is an RMW, so it continues the release sequence of this one.
    const std::uint32_t before = word_.fetch_or(kSet, std::memory_order_release);
    // Also when it was set: who set it may have been preempted before its wake.
    if ((before & kWaiting) != 0) Env::wake(word_, INT_MAX);
  }

  /// From now on waits wait. Who has been released stays so.
  /// Blocks: no. Bound: lock-free, plus one system call when somebody has waited for the set.
  /// Callable from: any thread, signal handlers included.
  void reset() noexcept {
    // relaxed: the CAS decides.
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    // acquire: pairs with the release of set(), so that who resets, looks, and waits does not miss
    // what came before the set that was taken back.
    while ((seen & kSet) != 0 &&
           !word_.compare_exchange_weak(seen, (seen & kNumber) + kOneReset,
                                        std::memory_order_acquire, std::memory_order_relaxed)) {
    }
    if ((seen & kSet) != 0 && (seen & kWaiting) != 0) Env::wake(word_, INT_MAX);
  }

  /// Whether it is set; may be outdated on return. Blocks: no. Callable from: any thread.
  bool is_set() const noexcept {
    // acquire: pairs with the release of set().
    return (word_.load(std::memory_order_acquire) & kSet) != 0;
  }

  /// As is_set(): what a wait would do without waiting. Blocks: no. Callable from: any thread.
  bool try_wait() const noexcept { return is_set(); }

  /// Returns when the event is set or has been since the call. Blocks: until then. Callable from:
  /// any thread.
  void wait() const noexcept { static_cast<void>(wait_until_steady(kNever, number())); }

  /// As wait(), at most until `deadline`, of any clock. Errors: timed_out.
  template <class OtherClock, class OtherDuration>
  Status wait_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) const noexcept {
    // Once: a set that is reset between two attempts counts.
    const std::uint32_t began = number();
    const auto attempt = [this, began](TimePoint at) { return wait_until_steady(at, began); };
    if (detail::attempt_until(deadline, attempt)) return {};
    return {StatusCode::timed_out, "Event: it was not set in time"};
  }

  /// As wait(), at most for `timeout`. Errors: timed_out.
  template <class Rep, class Period>
  Status wait_for(const std::chrono::duration<Rep, Period>& timeout) const noexcept {
    return wait_until(deadline_after(timeout));
  }

 private:
  static constexpr std::uint32_t kSet = 1;
  static constexpr std::uint32_t kWaiting = 2;
  static constexpr std::uint32_t kOneReset = 4;
  static constexpr std::uint32_t kNumber = ~(kSet | kWaiting);

  /// How many sets have been reset.
  std::uint32_t number() const noexcept {
    // relaxed: an old one is as good, the wait looks again.
    return word_.load(std::memory_order_relaxed) & kNumber;
  }

  bool wait_until_steady(TimePoint deadline, std::uint32_t number) const noexcept {
    // acquire, here and below: pairs with the release of set().
    std::uint32_t seen = word_.load(std::memory_order_acquire);
    bool in_time = true;
    for (;;) {
      if ((seen & kSet) != 0 || (seen & kNumber) != number) return true;
      if (!in_time) return false;
      // relaxed: the bit carries no data; it is part of the word that the sleep compares.
      if ((seen & kWaiting) != 0 ||
          word_.compare_exchange_strong(seen, seen | kWaiting, std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {
        in_time = Env::wait(word_, seen | kWaiting, deadline) != ETIMEDOUT;
      }  // else another thread has changed the word: lock-free
      seen = word_.load(std::memory_order_acquire);
    }
  }

  // A waiter announces itself, and a wait changes nothing else.
  mutable typename Env::Word word_{0};
};

/// A signal for one: the thread that it releases takes it along. While nobody waits a set is kept,
/// and further ones add nothing. Waiters are woken by priority, then in order of arrival; a thread
/// that has not waited may take a set before one that was woken. At most 65535 threads may wait at
/// a time (else aborts).
template <class Env>
class BasicEvent<Reset::automatic, Env> {
 public:
  constexpr BasicEvent() noexcept = default;
  BasicEvent(const BasicEvent&) = delete;
  BasicEvent& operator=(const BasicEvent&) = delete;

  /// Releases one of those who wait: as many sets as there are waiters release all of them. With
  /// nobody waiting the event is set.
  /// Blocks: no. Bound: lock-free, plus one system call when somebody waits. Callable from: any
  /// thread, signal handlers included.
  void set() noexcept { word_.add_one_if_wanted(); }

  /// Takes back what set() has brought and nobody has taken yet, also from a waiter that was woken
  /// and has not run. Blocks: no. Bound: lock-free. Callable from: any thread, signal handlers
  /// included.
  void reset() noexcept { word_.withdraw(); }

  /// Whether it is set; may be outdated on return. Takes nothing.
  /// Blocks: no. Callable from: any thread.
  bool is_set() const noexcept { return word_.permits() != 0; }

  /// Takes a set if there is one. Returns whether it did.
  /// Blocks: no. Bound: lock-free. Callable from: any thread, signal handlers included.
  bool try_wait() noexcept { return word_.try_take(); }

  /// Takes a set. Blocks: until there is one. Callable from: any thread.
  void wait() noexcept { static_cast<void>(try_wait() || word_.take_until(kNever)); }

  /// As wait(), at most until `deadline`, of any clock. A set that is there is taken even when the
  /// deadline has passed. Errors: timed_out.
  template <class OtherClock, class OtherDuration>
  Status wait_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    if (try_wait() ||
        detail::attempt_until(deadline, [this](TimePoint at) { return word_.take_until(at); })) {
      return {};
    }
    return {StatusCode::timed_out, "Event: it was not set in time"};
  }

  /// As wait(), at most for `timeout`. Errors: timed_out.
  template <class Rep, class Period>
  Status wait_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return wait_until(deadline_after(timeout));
  }

 private:
  detail::PermitWord<Env, 16> word_{0};
};

template <Reset kReset>
using Event = BasicEvent<kReset, ThreadEnv>;
template <Reset kReset>
using ProcessEvent = BasicEvent<kReset, ProcessEnv>;
static_assert(sizeof(Event<Reset::manual>) == 4 && sizeof(Event<Reset::automatic>) == 4);

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_EVENT_H_
