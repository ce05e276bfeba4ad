// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_FUTEX_H_
#define TAKT_PLATFORM_FUTEX_H_

#include <atomic>
#include <cstdint>

#include "takt/platform/time.h"

/// Linux futexes (futex(2), and Documentation/locking/pi-futex.rst in the kernel). Each function
/// returns 0 (or a count where it says so), else the errno; none of them throws or allocates.
/// The addresses may be stale after a wake (the waiter that left first may have destroyed the
/// word): the waking functions then report nothing, the address is all that they touch.
namespace takt::inline v0::platform {

using FutexWord = std::atomic<std::uint32_t>;
static_assert(sizeof(FutexWord) == 4 && FutexWord::is_always_lock_free);

/// Who may share the word: threads of this process, or every process that maps it.
enum class FutexScope : std::uint8_t { process_private, shared };

/// Sleeps while `word` holds `expected`, until a wake or `deadline` (absolute, monotonic).
/// Blocks: until woken, deadline, or a signal. Callable from: any thread.
/// Errors: EAGAIN the word held another value; EINTR a signal; ETIMEDOUT the deadline passed.
/// A return of 0 may be spurious: test the condition again.
int futex_wait(const FutexWord& word, std::uint32_t expected, TimePoint deadline,
               FutexScope scope) noexcept;

/// Wakes up to `count` waiters. `word` may have been destroyed: EFAULT and EINVAL are ignored.
/// Blocks: no. Callable from: any thread. Returns how many were woken.
int futex_wake(const FutexWord& word, int count, FutexScope scope) noexcept;

/// Wakes up to `wake` waiters of `from` and moves up to `move` more to `to`, if `from` still holds
/// `expected` (FUTEX_CMP_REQUEUE). Blocks: no. Callable from: any thread.
/// Errors: EAGAIN `from` held another value.
int futex_requeue(const FutexWord& from, std::uint32_t expected, int wake, const FutexWord& to,
                  int move, FutexScope scope) noexcept;

/// Acquires a PI futex whose word the caller could not take from 0 to its thread id in user space.
/// The owner inherits the caller's priority meanwhile. `deadline` is monotonic: FUTEX_LOCK_PI2;
/// kernels before 5.14 know only the wall clock for it, and that is used there (see features()).
/// EINTR is not returned: the kernel restarts the call.
/// Blocks: until acquired or deadline. Callable from: any thread.
/// Errors: ETIMEDOUT; EDEADLK the caller owns it already; ESRCH the owner is gone; EAGAIN the owner
/// is exiting, try again; ENOMEM; ENOSYS; EINVAL the word's state is inconsistent.
int futex_lock_pi(FutexWord& word, TimePoint deadline, FutexScope scope) noexcept;

/// As futex_lock_pi, without blocking. Errors: as there, and EAGAIN when it is held.
/// Needed beside the user-space attempt after an owner died: the kernel repairs the word.
int futex_try_lock_pi(FutexWord& word, FutexScope scope) noexcept;

/// Releases a PI futex that has waiters: hands it to the one of highest priority.
/// Blocks: no. Callable from: the owner. Errors: EPERM the caller does not own it.
int futex_unlock_pi(FutexWord& word, FutexScope scope) noexcept;

/// Sleeps on `word` while it holds `expected`, to be requeued onto the PI futex `mutex`, which the
/// caller owns when this returns 0 (FUTEX_WAIT_REQUEUE_PI). Blocks: until woken and `mutex` is
/// acquired, or deadline. Callable from: any thread that holds no lock on `mutex`.
/// Errors: EAGAIN another value or a signal; ETIMEDOUT. After an error the mutex is not held.
int futex_wait_requeue_pi(const FutexWord& word, std::uint32_t expected, TimePoint deadline,
                          FutexWord& mutex, FutexScope scope) noexcept;

/// Wakes one waiter of `from` and moves up to `move` more to the PI futex `mutex`, if `from` still
/// holds `expected` (FUTEX_CMP_REQUEUE_PI). Blocks: no. Callable from: any thread.
/// Errors: EAGAIN another value; EDEADLK; ESRCH.
int futex_requeue_pi(const FutexWord& from, std::uint32_t expected, int move, FutexWord& mutex,
                     FutexScope scope) noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_FUTEX_H_
