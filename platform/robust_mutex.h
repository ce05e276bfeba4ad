// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_ROBUST_MUTEX_H_
#define TAKT_PLATFORM_ROBUST_MUTEX_H_

#include <pthread.h>

#include "takt/platform/time.h"

namespace takt::inline v0::platform {

/// glibc's mutex for processes that share memory: robust, with priority inheritance,
/// error-checking. glibc's and not our own, because the kernel gives each thread one list of the
/// locks to release when it dies (set_robust_list(2)), and glibc owns that list. Lies in memory
/// that all processes map; they must agree on the size of a pthread_mutex_t (32 or 64 bits). Its
/// functions return 0 or an errno.
class RobustMutex {
 public:
  /// Initialises the memory: once, by one process, before others use it. Aborts where the system
  /// has no robust PI mutexes. Blocks: no. Callable from: any thread.
  RobustMutex() noexcept;
  RobustMutex(const RobustMutex&) = delete;
  RobustMutex& operator=(const RobustMutex&) = delete;
  /// By one process, after the others' last use. Aborts when it is held.
  ~RobustMutex();

  /// Blocks: until acquired or `deadline`. Callable from: any thread.
  /// Errors: EOWNERDEAD acquired, but its owner died; ENOTRECOVERABLE not acquired, for ever;
  /// ETIMEDOUT; EDEADLK the caller holds it; ENOMEM, EAGAIN the kernel's.
  int lock(TimePoint deadline) noexcept;
  /// Blocks: no. Callable from: any thread. Errors: as lock(), and EBUSY.
  int try_lock() noexcept;
  /// Blocks: no. Callable from: the owner. Errors: EPERM.
  int unlock() noexcept;
  /// After EOWNERDEAD, before unlock(): the data are right again. Blocks: no. Callable from: the
  /// owner. Errors: EINVAL its owner did not die.
  int make_consistent() noexcept;

 private:
  pthread_mutex_t mutex_;
};

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_ROBUST_MUTEX_H_
