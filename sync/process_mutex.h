// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_PROCESS_MUTEX_H_
#define TAKT_SYNC_PROCESS_MUTEX_H_

#include <cerrno>
#include <chrono>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/robust_mutex.h"
#include "takt/platform/status.h"
#include "takt/sync/annotations.h"
#include "takt/sync/deadline.h"

// The lock itself is glibc's (platform/robust_mutex.h). Beside it:
//   owner_died_  1 from the acquisition that found its owner dead until make_consistent() or
//                unlock(). Only the owner reads and writes it.
//
//   [free] --acquire--> [held] --unlock--> [free]
//                         '--the owner dies--> [abandoned] --acquire: owner_died--> [held, unsound]
//   [held, unsound] --make_consistent--> [held]
//          '--unlock--> [given up]: acquire says not_recoverable, for ever
//          '--the owner dies--> [abandoned]
//
// Invariant: who holds the lock and finds owner_died() false may rely on the data that it guards.

namespace takt::inline v0 {

/// A mutex between processes, in memory that they share: priority inheritance, time limits, and an
/// owner that was killed is told to the next one. In the names of the standard's timed mutex, and
/// in forms that return a Status. Constructed by one process before others use it (placement new),
/// never moved. All processes must have been built for the same size of a pthread_mutex_t.
class TAKT_CAPABILITY("mutex") ProcessMutex {
 public:
  /// Aborts where the system has no robust mutexes with priority inheritance.
  ProcessMutex() noexcept = default;
  ProcessMutex(const ProcessMutex&) = delete;
  ProcessMutex& operator=(const ProcessMutex&) = delete;

  /// Acquires the lock. Blocks: until its owner unlocks or dies. Callable from: any thread that
  /// does not hold it (else aborts). Errors: owner_died, and *the lock is held*: repair what it
  /// guards, then make_consistent(), then unlock(). not_recoverable: not held; an earlier owner
  /// found it so and did not repair.
  Status acquire() noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS { return status(take(kNever)); }

  /// As acquire(), without waiting. Blocks: no. Callable from: any thread.
  /// Errors: those of acquire(); unavailable: somebody holds it.
  Status try_acquire() noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS { return status(try_take()); }

  /// As acquire(), at most until `deadline`, of any clock. Errors: those of acquire(); timed_out.
  template <class OtherClock, class OtherDuration>
  Status acquire_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept
      TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return status(take_until(deadline));
  }

  /// As acquire(), at most for `timeout`. Errors: those of acquire(); timed_out.
  template <class Rep, class Period>
  Status acquire_for(const std::chrono::duration<Rep, Period>& timeout) noexcept
      TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return acquire_until(deadline_after(timeout));
  }

  /// For the standard's guards: as acquire(), but ask owner_died() yourself; aborts when the lock
  /// is not recoverable.
  void lock() noexcept TAKT_ACQUIRE() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    TAKT_CHECK(is_held(take(kNever)), "ProcessMutex: not recoverable, its data were not repaired");
  }
  /// For the standard's guards: whether the lock is held now, see owner_died(). Blocks: no.
  bool try_lock() noexcept TAKT_TRY_ACQUIRE(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return is_held(try_take());
  }
  template <class OtherClock, class OtherDuration>
  bool try_lock_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept
      TAKT_TRY_ACQUIRE(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return is_held(take_until(deadline));
  }
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& timeout) noexcept
      TAKT_TRY_ACQUIRE(true) {
    return try_lock_until(deadline_after(timeout));
  }

  /// Whether an owner died with the lock and nobody has repaired its data yet. Blocks: no. Callable
  /// from: the owner.
  bool owner_died() const noexcept { return owner_died_ != 0; }

  /// The data are right again. Blocks: no. Callable from: the owner.
  /// Errors: failed_precondition, no owner died.
  Status make_consistent() noexcept {
    if (mutex_.make_consistent() != 0) {
      return {StatusCode::failed_precondition, "ProcessMutex: no owner has died"};
    }
    owner_died_ = 0;
    return {};
  }

  /// Releases the lock; hands it to the waiter of highest priority. Without make_consistent() after
  /// owner_died the lock is given up for ever: all who wait get not_recoverable.
  /// Blocks: no. Callable from: the owner (else aborts).
  void unlock() noexcept TAKT_RELEASE() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    TAKT_CHECK(mutex_.unlock() == 0, "ProcessMutex: unlocked by a thread that does not own it");
  }

 private:
  static constexpr Duration kRetryAfterNoMemory = std::chrono::milliseconds(1);

  static bool is_held(int error) noexcept { return error == 0 || error == EOWNERDEAD; }

  int take(TimePoint deadline) noexcept {
    for (;;) {
      const int error = mutex_.lock(deadline);
      TAKT_CHECK(error != EDEADLK,
                 "ProcessMutex: locked again by its owner, or in a circle of locks");
      if (error == ENOMEM || error == EAGAIN) {
        // As in mutex.h: waiting a little is all that is left to a call that may not fail.
        if (now() >= deadline) return ETIMEDOUT;
        platform::sleep_until(saturating_add(now(), kRetryAfterNoMemory));
        continue;
      }
      return note(error);
    }
  }

  int try_take() noexcept { return note(mutex_.try_lock()); }

  template <class OtherClock, class OtherDuration>
  int take_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    int error = ETIMEDOUT;
    static_cast<void>(detail::attempt_until(deadline, [&](TimePoint at) {
      error = take(at);
      return error != ETIMEDOUT;
    }));
    return error;
  }

  int note(int error) noexcept {
    // What the dead one left in it does not count: glibc knows.
    if (is_held(error)) owner_died_ = error == EOWNERDEAD ? 1 : 0;
    TAKT_CHECK(is_held(error) || error == EBUSY || error == ETIMEDOUT || error == EDEADLK ||
                   error == ENOTRECOVERABLE,
               "ProcessMutex: the lock is corrupt, or was never constructed");
    return error;
  }

  static Status status(int error) noexcept {
    switch (error) {
      case 0:
        return {};
      case EOWNERDEAD:
        return {StatusCode::owner_died, "ProcessMutex: its owner died; repair, make_consistent()",
                error};
      case ENOTRECOVERABLE:
        return {StatusCode::not_recoverable, "ProcessMutex: its data were not repaired", error};
      case ETIMEDOUT:
        return {StatusCode::timed_out, "ProcessMutex: it was not released in time"};
      default:  // EBUSY; EDEADLK, from a try_acquire() by the owner
        return {StatusCode::unavailable, "ProcessMutex: it is held"};
    }
  }

  platform::RobustMutex mutex_;
  std::uint32_t owner_died_ = 0;
};

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_PROCESS_MUTEX_H_
