// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_MUTEX_H_
#define TAKT_SYNC_MUTEX_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/sync/annotations.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/lock_pi.h"

// The lock word is the kernel's PI futex protocol (futex(2), "Priority-inheritance futexes"):
//
//   bits 0-29  owner's thread id. Set by the owner's CAS from 0, or by the kernel when it hands
//              the lock over; cleared by the owner's CAS to 0, or by the kernel in FUTEX_UNLOCK_PI.
//   bit 30     FUTEX_OWNER_DIED. Set by the kernel when a thread ends as owner while others block:
//              the waiter that gets the lock so aborts.
//   bit 31     FUTEX_WAITERS. Set by the kernel on behalf of a thread that blocks in
//              FUTEX_LOCK_PI, cleared by the kernel at the last hand-over.
//
//            lock: CAS 0 -> tid                    FUTEX_LOCK_PI by another thread
//   [free] -----------------------> [owned: tid] ----------------------------> [tid | WAITERS]
//      ^                               |    ^                                        |
//      '------- unlock: CAS tid -> 0 --'    '--- unlock: FUTEX_UNLOCK_PI hands over -'
//
// Invariant: the word holds the id of the one thread between its lock and its unlock. A stale read
// is legal everywhere: each decision is a CAS or is made by the kernel.
//
// Destruction: unlock's last touch is the CAS to 0 or, inside the kernel, the hand-over.

namespace takt::inline v0 {

template <class Env>
class BasicCondition;
template <class Env>
class BasicRecursiveMutex;

/// Mutual exclusion with priority inheritance: while a thread of higher priority waits, the owner
/// runs at that priority (Sha, Rajkumar, Lehoczky 1990; the kernel's rt-mutex). One CAS when
/// nobody else wants it. Not recursive. Satisfies the standard's TimedLockable.
/// The thread that locks must unlock, and must not end before it does.
template <class Env>
class TAKT_CAPABILITY("mutex") BasicMutex {
 public:
  constexpr BasicMutex() noexcept = default;
  BasicMutex(const BasicMutex&) = delete;
  BasicMutex& operator=(const BasicMutex&) = delete;

  /// Acquires the lock. Blocks: until the owner unlocks. Bound: one critical section of each
  /// waiter of higher or equal priority. Callable from: any thread that does not hold it (else
  /// aborts: it would wait for itself). Aborts also when the owner waits, through a Mutex or
  /// several, for the caller, at whichever of the threads comes last.
  void lock() noexcept TAKT_ACQUIRE() {
    if (!acquire_free()) lock_contended(kNever);
  }

  /// Acquires the lock if it is free. Blocks: no. Bound: wait-free. Callable from: any thread.
  bool try_lock() noexcept TAKT_TRY_ACQUIRE(true) { return acquire_free(); }

  /// Acquires the lock unless `deadline` passes first; any clock. Returns whether it did. As lock()
  /// it aborts when the owner waits, with a limit or without, for the caller: the kernel refuses a
  /// circle of PI locks at once; with the deadline over it fails instead. To take locks against
  /// their order, use try_lock().
  /// Blocks: until the owner unlocks or the deadline. Callable from: as lock().
  template <class OtherClock, class OtherDuration>
  bool try_lock_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept
      TAKT_TRY_ACQUIRE(true) {
    return acquire_free() ||
           detail::attempt_until(deadline, [this](TimePoint at) { return lock_contended(at); });
  }

  /// Acquires the lock unless `timeout` passes first. As try_lock_until.
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& timeout) noexcept
      TAKT_TRY_ACQUIRE(true) {
    return try_lock_until(deadline_after(timeout));
  }

  /// Releases the lock; hands it to the waiter of highest priority.
  /// Blocks: no. Bound: wait-free, plus one system call when somebody waits. Callable from: the
  /// owner (else aborts).
  void unlock() noexcept TAKT_RELEASE() {
    std::uint32_t owned = Env::thread_id();
    // release: pairs with the acquire of the next owner's CAS in acquire_free().
    if (!word_.compare_exchange_strong(owned, 0, std::memory_order_release,
                                       std::memory_order_relaxed)) {
      unlock_contended();
    }
  }

 private:
  bool acquire_free() noexcept {
    std::uint32_t free = 0;
    // acquire: pairs with the release of unlock()'s CAS. relaxed on failure: nothing is read.
    return word_.compare_exchange_strong(free, Env::thread_id(), std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  [[gnu::noinline]] bool lock_contended(TimePoint deadline) noexcept {
    if (!detail::lock_pi<Env>(word_, deadline, kTexts)) return false;
    // acquire: pairs with the release RMW of unlock_contended(). The kernel orders the hand-over
    // itself; this load tells the memory model (and tsan) about it.
    check_alive(word_.load(std::memory_order_acquire));
    return true;
  }

  [[gnu::noinline]] void unlock_contended() noexcept {
    // release: pairs with the acquire load at the end of lock_contended().
    static_cast<void>(word_.fetch_or(0, std::memory_order_release));
    const int error = Env::unlock_pi(word_);
    TAKT_CHECK(error == 0, "Mutex: unlocked by a thread that does not own it");
  }

  /// For who was handed the lock by the kernel, which says there how the owner before ended.
  static void check_alive(std::uint32_t word) noexcept {
    TAKT_CHECK((word & detail::kFutexOwnerDied) == 0, kTexts.owner_ended);
  }

  static constexpr detail::LockPiTexts kTexts = {
      .deadlock = "Mutex: deadlock: the caller owns it, or its owner waits for the caller",
      .owner_ended = "Mutex: its owner ended without unlocking",
      .corrupt = "Mutex: the lock word is corrupt (FUTEX_LOCK_PI refused it)",
      .no_pi_futexes = "Mutex: this kernel has no PI futexes (CONFIG_FUTEX_PI)",
  };

  friend class BasicCondition<Env>;       // requeues its waiters to the word
  friend class BasicRecursiveMutex<Env>;  // looks who the owner is

  typename Env::Word word_{0};
};

/// The Mutex of threads. Between processes use ProcessMutex, which survives a dead owner.
using Mutex = BasicMutex<ThreadEnv>;
static_assert(sizeof(Mutex) <= 8);

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_MUTEX_H_
