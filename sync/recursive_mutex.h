// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_RECURSIVE_MUTEX_H_
#define TAKT_SYNC_RECURSIVE_MUTEX_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/sync/annotations.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/mutex.h"

// A Mutex, whose word names the owner, and a plain count that only the owner touches:
//   depth_    locks of the owner beyond the first. Raised and lowered by the owner; 0 whenever the
//             mutex is handed over.
//
//   [free] --lock: Mutex::lock--> [owned, 0] --lock--> [owned, 1] --lock--> ...
//      ^---unlock: Mutex::unlock------'   ^---unlock------'  ^---unlock---'
//
// Invariant: the mutex's word holds the caller's id exactly while the caller is between its first
// lock and its last unlock. A stale read of the word is legal: a thread knows what it did itself,
// and no other thread writes or removes that id, but the kernel on its behalf.

namespace takt::inline v0 {

/// A Mutex, priority inheritance included, that its owner may lock again; free after as many
/// unlocks. All of std::recursive_timed_mutex's names; a lock that would close a circle of owners
/// aborts, timed or not. One CAS when nobody else wants it, none for
/// who has it. A Condition wants a Mutex: it could not tell how often to unlock this one.
template <class Env>
class TAKT_CAPABILITY("mutex") BasicRecursiveMutex {
 public:
  /// How many locks the owner may hold at a time. More is a recursion without end.
  static constexpr std::uint32_t max_depth() noexcept { return 65'535; }

  constexpr BasicRecursiveMutex() noexcept = default;
  BasicRecursiveMutex(const BasicRecursiveMutex&) = delete;
  BasicRecursiveMutex& operator=(const BasicRecursiveMutex&) = delete;

  /// Acquires the lock, once more if the caller holds it; at most max_depth() times (else aborts).
  /// Blocks: while another thread holds it. Bound: as Mutex::lock(); wait-free for the owner.
  /// Callable from: any thread.
  void lock() noexcept TAKT_ACQUIRE() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    if (is_mine()) {
      TAKT_CHECK(deepen(), "RecursiveMutex: locked too often by its owner");
    } else {
      mutex_.lock();
    }
  }

  /// Acquires the lock if no other thread holds it; false also at max_depth().
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  bool try_lock() noexcept TAKT_TRY_ACQUIRE(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return is_mine() ? deepen() : mutex_.try_lock();
  }

  /// As lock(), unless `deadline` passes first; any clock. Returns whether it did; false at once at
  /// max_depth(). Blocks: while another thread holds it, until the deadline. Callable from: any
  /// thread.
  template <class OtherClock, class OtherDuration>
  bool try_lock_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept
      TAKT_TRY_ACQUIRE(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return is_mine() ? deepen() : mutex_.try_lock_until(deadline);
  }

  /// As try_lock_until(), for `timeout` from now.
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& timeout) noexcept
      TAKT_TRY_ACQUIRE(true) {
    return try_lock_until(deadline_after(timeout));
  }

  /// Takes back one lock; the last one hands the mutex to the waiter of highest priority.
  /// Blocks: no. Bound: as Mutex::unlock(). Callable from: the owner (else aborts).
  void unlock() noexcept TAKT_RELEASE() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    TAKT_CHECK(is_mine(), "RecursiveMutex: unlocked by a thread that does not own it");
    if (depth_ > 0) {
      --depth_;
    } else {
      mutex_.unlock();
    }
  }

 private:
  bool is_mine() const noexcept {
    // relaxed: a thread knows what it did itself.
    return (mutex_.word_.load(std::memory_order_relaxed) & detail::kFutexThread) ==
           Env::thread_id();
  }

  bool deepen() noexcept {
    if (depth_ == max_depth() - 1) return false;
    ++depth_;
    return true;
  }

  BasicMutex<Env> mutex_;
  std::uint32_t depth_ = 0;
};

using RecursiveMutex = BasicRecursiveMutex<ThreadEnv>;
static_assert(sizeof(RecursiveMutex) <= 8);

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_RECURSIVE_MUTEX_H_
