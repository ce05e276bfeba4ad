// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_RW_LOCK_H_
#define TAKT_SYNC_RW_LOCK_H_

#include <chrono>
#include <cstddef>

#include "takt/platform/time.h"
#include "takt/sync/annotations.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/rw_lock_state.h"

// The state machine, the meaning of each bit and the invariants: rw_lock_state.h.

namespace takt::inline v0 {

/// Shared by readers or owned by one writer. As std::shared_timed_mutex, which it can replace, with
/// the standard's names, types and preconditions; but a writer that would close a circle of owners
/// aborts, timed or not. Not recursive, no upgrade, no downgrade.
///
/// Bounds, in critical sections, phase-fair: a reader waits for one writer at most, a writer for
/// the writers before it (by priority) and for one phase of readers before each of them and itself.
/// Writers inherit the priority of writers that wait for them. Readers inherit nothing, from
/// nobody, and a writer nothing from readers: a thread of high priority may wait for one of low
/// priority that does not get the CPU. Where that must not happen, where critical sections are
/// short, or where one priority writes and another reads, use Mutex or a LatestValue.
///
/// `kSpins`: how often a thread looks again before it makes a system call to wait, each time.
/// With more than 0 a thread of high priority spins (for that long) even when the thread that it
/// waits for cannot run.
template <Fairness kFairness, class Env, int kSpins = 0>
class TAKT_CAPABILITY("shared_mutex") BasicRwLock {
 public:
  constexpr BasicRwLock() noexcept = default;
  BasicRwLock(const BasicRwLock&) = delete;
  BasicRwLock& operator=(const BasicRwLock&) = delete;

  /// Nobody may hold or want the lock. Blocks: until an unlock() whose readers were faster than it
  /// has ended; its thread inherits the caller's priority.
  ~BasicRwLock() = default;

  /// Becomes the writer. Blocks: until nobody else holds the lock. Bound: see the class. Callable
  /// from: any thread that does not hold it (aborts if the caller is the writer already).
  void lock() noexcept TAKT_ACQUIRE() { static_cast<void>(state_.lock_by(kNever)); }

  /// Becomes the writer if nobody holds the lock. May fail when a reader is just giving up.
  /// Blocks: no. Bound: lock-free. Callable from: any thread.
  bool try_lock() noexcept TAKT_TRY_ACQUIRE(true) { return state_.try_lock(); }

  /// Becomes the writer unless `deadline` passes first; any clock. Who gives up lets in the readers
  /// that it kept out. Returns whether it did. Blocks: until then. Callable from: as lock().
  template <class OtherClock, class OtherDuration>
  bool try_lock_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept
      TAKT_TRY_ACQUIRE(true) {
    return detail::attempt_until(deadline, [this](TimePoint at) { return state_.lock_by(at); });
  }

  /// Becomes the writer unless `timeout` passes first. As try_lock_until.
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& timeout) noexcept
      TAKT_TRY_ACQUIRE(true) {
    return try_lock_until(deadline_after(timeout));
  }

  /// Stops being the writer. Blocks: no. Bound: lock-free, and up to two system calls when somebody
  /// waits. Callable from: the writer (else aborts).
  void unlock() noexcept TAKT_RELEASE() { state_.unlock(); }

  /// Becomes a reader. Blocks: while a writer is active, or waits and may go first. Bound: see the
  /// class. Callable from: any thread that does not hold it (aborts if the caller is the writer).
  void lock_shared() noexcept TAKT_ACQUIRE_SHARED() {
    static_cast<void>(state_.step_in() || state_.share_by(kNever));
  }

  /// Becomes a reader if that needs no waiting. Blocks: no. Bound: wait-free. Callable from: any
  /// thread.
  bool try_lock_shared() noexcept TAKT_TRY_ACQUIRE_SHARED(true) { return state_.step_in(); }

  /// Becomes a reader unless `deadline` passes first; any clock. Returns whether it did.
  /// Blocks: until then. Callable from: as lock_shared().
  template <class OtherClock, class OtherDuration>
  bool try_lock_shared_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept
      TAKT_TRY_ACQUIRE_SHARED(true) {
    return state_.step_in() ||
           detail::attempt_until(deadline, [this](TimePoint at) { return state_.share_by(at); });
  }

  /// Becomes a reader unless `timeout` passes first. As try_lock_shared_until.
  template <class Rep, class Period>
  bool try_lock_shared_for(const std::chrono::duration<Rep, Period>& timeout) noexcept
      TAKT_TRY_ACQUIRE_SHARED(true) {
    return try_lock_shared_until(deadline_after(timeout));
  }

  /// Stops being a reader. Blocks: no. Bound: wait-free, and a system call when the last reader
  /// leaves to a writer. Callable from: a reader (aborts if there is none).
  void unlock_shared() noexcept TAKT_RELEASE_SHARED() { state_.leave(1); }

  /// How many readers wait; may be outdated on return. Blocks: no. Callable from: any thread.
  std::ptrdiff_t waiting_readers() const noexcept {
    return static_cast<std::ptrdiff_t>(state_.waiting_readers());
  }

 private:
  detail::RwLockState<kFairness, Env, kSpins> state_;
};

template <Fairness kFairness = Fairness::phase_fair, int kSpins = 0>
using RwLock = BasicRwLock<kFairness, ThreadEnv, kSpins>;
/// The RwLock of processes of one PID namespace that map the same memory; constructed once, by one
/// of them. A writer that ended without unlocking makes writers abort; one that waits to read, and
/// everybody behind a reader that was killed, waits for ever: use the forms with a time limit, or
/// ProcessMutex, which tells.
template <Fairness kFairness = Fairness::phase_fair, int kSpins = 0>
using ProcessRwLock = BasicRwLock<kFairness, ProcessEnv, kSpins>;
static_assert(sizeof(RwLock<>) <= 32);

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_RW_LOCK_H_
