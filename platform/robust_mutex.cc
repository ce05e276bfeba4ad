// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/robust_mutex.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "takt/platform/check.h"
#include "takt/platform/fault.h"
#include "takt/platform/kernel_time.h"
#include "takt/platform/thread_sanitizer.h"

namespace takt::inline v0::platform {
namespace {

int lock_by_monotonic_clock(pthread_mutex_t& mutex, TimePoint deadline) noexcept {
  if (const int error = injected_fault(SystemCall::pthread_mutex_clocklock)) return error;
#if TAKT_THREAD_SANITIZER
  // It does not know this call, and forgets EOWNERDEAD of the older one: asks from time to time.
  for (;;) {
    const int error = ::pthread_mutex_trylock(&mutex);
    if (error != EBUSY) return error;
    if (now() >= deadline) return ETIMEDOUT;
    sleep_until(std::min(deadline, saturating_add(now(), std::chrono::milliseconds(1))));
  }
#else
  const timespec limit = detail::to_timespec(deadline);
  return ::pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &limit);
#endif
}

/// As in futex.cc: a wall clock that is set forward ends the wait too early, then the rest is
/// waited for; one that is set back prolongs it by as much.
int lock_by_wall_clock(pthread_mutex_t& mutex, TimePoint deadline) noexcept {
  for (;;) {
    const timespec limit = detail::to_timespec(detail::wall_clock_at(deadline));
    const int error = ::pthread_mutex_timedlock(&mutex, &limit);
    if (error != ETIMEDOUT || now() >= deadline) return error;
  }
}

}  // namespace

RobustMutex::RobustMutex() noexcept {  // NOLINT(cppcoreguidelines-pro-type-member-init): below
  pthread_mutexattr_t attributes;
  int error = ::pthread_mutexattr_init(&attributes);
  if (error == 0) error = ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (error == 0) error = ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  if (error == 0) error = ::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  if (error == 0) error = ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  if (error == 0) error = ::pthread_mutex_init(&mutex_, &attributes);
  TAKT_CHECK(error == 0, "ProcessMutex: this system has no robust mutexes that inherit priority");
  ::pthread_mutexattr_destroy(&attributes);
}

RobustMutex::~RobustMutex() {
  TAKT_CHECK(::pthread_mutex_destroy(&mutex_) == 0, "ProcessMutex: destroyed while it is held");
}

int RobustMutex::lock(TimePoint deadline) noexcept {
  if (const int error = injected_fault(SystemCall::pthread_mutex_lock)) return error;
  if (deadline == kNever) return ::pthread_mutex_lock(&mutex_);
  const int error = lock_by_monotonic_clock(mutex_, deadline);
  // glibc before 2.35, and later ones on kernels before 5.14, time PI mutexes by the wall clock
  // only.
  return error == EINVAL ? lock_by_wall_clock(mutex_, deadline) : error;
}

int RobustMutex::try_lock() noexcept { return ::pthread_mutex_trylock(&mutex_); }

int RobustMutex::unlock() noexcept { return ::pthread_mutex_unlock(&mutex_); }

int RobustMutex::make_consistent() noexcept { return ::pthread_mutex_consistent(&mutex_); }

}  // namespace takt::inline v0::platform
