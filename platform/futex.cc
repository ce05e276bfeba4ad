// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <cerrno>

#include "takt/platform/fault.h"
#include "takt/platform/kernel_time.h"
#include "takt/platform/raw_call.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13  // headers before Linux 5.14
#endif

namespace takt::inline v0::platform {
namespace {

using detail::KernelTime;
using detail::RawResult;

int with_scope(int operation, FutexScope scope) noexcept {
  return scope == FutexScope::process_private ? operation | FUTEX_PRIVATE_FLAG : operation;
}

/// The word's address as the kernel takes it: it may be const here (a waiter only reads it) and the
/// object behind it may be gone (a late wake), so it is never dereferenced.
const void* address_of(const FutexWord& word) noexcept { return &word; }

/// A futex operation that takes a count, not a time, in the fourth argument.
RawResult call_counted(int operation, const FutexWord& word, std::uint32_t value,
                       std::uint32_t count, const FutexWord* second_word,
                       std::uint32_t third_value) noexcept {
  if (const int error = injected_fault(SystemCall::futex)) return {0, error};
#ifdef SYS_futex
  constexpr long kNumber = SYS_futex;
#else
  constexpr long kNumber = SYS_futex_time64;  // 32-bit architectures younger than Linux 5.1
#endif
  return detail::raw_call(kNumber, address_of(word), operation, value,
                          static_cast<unsigned long>(count), static_cast<const void*>(second_word),
                          third_value);
}

/// A futex operation that takes a time limit; null means none. Returns 0 or the errno.
int call_timed(int operation, const FutexWord& word, std::uint32_t value, const KernelTime* timeout,
               const FutexWord* second_word, std::uint32_t third_value) noexcept {
  if (const int error = injected_fault(SystemCall::futex)) return error;
  const auto* second = static_cast<const void*>(second_word);
#ifdef SYS_futex_time64
  static std::atomic<std::uint32_t> time64_missing{0};
  // relaxed: the flag stands alone; a stale 0 only repeats the attempt.
  if (time64_missing.load(std::memory_order_relaxed) == 0) {
    int error = injected_fault(SystemCall::futex_time64);
    if (error == 0) {
      error = detail::raw_call(SYS_futex_time64, address_of(word), operation, value, timeout,
                               second, third_value)
                  .error;
      // ENOSYS may also mean the operation: only a plain wait tells that the call is missing.
      if (error == ENOSYS && (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET) {
        time64_missing.store(1, std::memory_order_relaxed);  // relaxed: see the load above
      }
    }
    if (error != ENOSYS) return error;
  }
#endif
#ifdef SYS_futex
  if constexpr (sizeof(long) == 8) {
    return detail::raw_call(SYS_futex, address_of(word), operation, value, timeout, second,
                            third_value)
        .error;
  } else {
    detail::OldKernelTime old_timeout{};
    if (timeout != nullptr) old_timeout = detail::to_old_kernel_time(*timeout);
    return detail::raw_call(SYS_futex, address_of(word), operation, value,
                            timeout != nullptr ? &old_timeout : nullptr, second, third_value)
        .error;
  }
#else
  return ENOSYS;
#endif
}

/// As above with an absolute monotonic deadline; kNever is no time limit.
int call_until(int operation, const FutexWord& word, std::uint32_t value, TimePoint deadline,
               const FutexWord* second_word, std::uint32_t third_value) noexcept {
  if (deadline == kNever) {
    return call_timed(operation, word, value, nullptr, second_word, third_value);
  }
  const KernelTime timeout = detail::to_kernel_time(deadline);
  return call_timed(operation, word, value, &timeout, second_word, third_value);
}

/// FUTEX_LOCK_PI, whose time limit is on the wall clock. A clock that is set forward ends the wait
/// too early: then the rest is waited for. One that is set back prolongs the wait by as much.
int lock_pi_by_wall_clock(FutexWord& word, TimePoint deadline, FutexScope scope) noexcept {
  for (;;) {
    const KernelTime timeout = detail::to_kernel_time(detail::wall_clock_at(deadline));
    const int error = call_timed(with_scope(FUTEX_LOCK_PI, scope), word, 0, &timeout, nullptr, 0);
    if (error == EINTR || (error == ETIMEDOUT && now() < deadline)) continue;
    return error;
  }
}

/// One FUTEX_LOCK_PI2; ENOSYS on kernels before 5.14.
int lock_pi2(FutexWord& word, TimePoint deadline, FutexScope scope) noexcept {
  if (const int error = injected_fault(SystemCall::futex_lock_pi2)) return error;
  return call_until(with_scope(FUTEX_LOCK_PI2, scope), word, 0, deadline, nullptr, 0);
}

}  // namespace

int futex_wait(const FutexWord& word, std::uint32_t expected, TimePoint deadline,
               FutexScope scope) noexcept {
  // The bitset form, because the plain one takes a relative time.
  return call_until(with_scope(FUTEX_WAIT_BITSET, scope), word, expected, deadline, nullptr,
                    FUTEX_BITSET_MATCH_ANY);
}

int futex_wake(const FutexWord& word, int count, FutexScope scope) noexcept {
  return static_cast<int>(call_counted(with_scope(FUTEX_WAKE, scope), word,
                                       static_cast<std::uint32_t>(count), 0, nullptr, 0)
                              .value);
}

int futex_requeue(const FutexWord& from, std::uint32_t expected, int wake, const FutexWord& to,
                  int move, FutexScope scope) noexcept {
  return call_counted(with_scope(FUTEX_CMP_REQUEUE, scope), from, static_cast<std::uint32_t>(wake),
                      static_cast<std::uint32_t>(move), &to, expected)
      .error;
}

int futex_lock_pi(FutexWord& word, TimePoint deadline, FutexScope scope) noexcept {
  int error = 0;
  do {
    // Without a time limit the clock does not matter, and every kernel has FUTEX_LOCK_PI.
    error = deadline == kNever
                ? call_timed(with_scope(FUTEX_LOCK_PI, scope), word, 0, nullptr, nullptr, 0)
                : lock_pi2(word, deadline, scope);
    // The kernel restarts the call by itself; emulators do not.
  } while (error == EINTR);
  if (error == ENOSYS && deadline != kNever) return lock_pi_by_wall_clock(word, deadline, scope);
  return error;
}

int futex_try_lock_pi(FutexWord& word, FutexScope scope) noexcept {
  return call_timed(with_scope(FUTEX_TRYLOCK_PI, scope), word, 0, nullptr, nullptr, 0);
}

int futex_unlock_pi(FutexWord& word, FutexScope scope) noexcept {
  return call_timed(with_scope(FUTEX_UNLOCK_PI, scope), word, 0, nullptr, nullptr, 0);
}

int futex_wait_requeue_pi(const FutexWord& word, std::uint32_t expected, TimePoint deadline,
                          FutexWord& mutex, FutexScope scope) noexcept {
  return call_until(with_scope(FUTEX_WAIT_REQUEUE_PI, scope), word, expected, deadline, &mutex, 0);
}

int futex_requeue_pi(const FutexWord& from, std::uint32_t expected, int move, FutexWord& mutex,
                     FutexScope scope) noexcept {
  // The kernel demands exactly one to wake.
  return call_counted(with_scope(FUTEX_CMP_REQUEUE_PI, scope), from, 1,
                      static_cast<std::uint32_t>(move), &mutex, expected)
      .error;
}

}  // namespace takt::inline v0::platform
