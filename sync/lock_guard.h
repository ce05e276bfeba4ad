// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_LOCK_GUARD_H_
#define TAKT_SYNC_LOCK_GUARD_H_

#include "takt/sync/annotations.h"

namespace takt::inline v0 {

/// Holds a lock for a scope. As std::lock_guard, and known to clang's thread-safety analysis.
/// Blocks: as Lock::lock(). Callable from: as Lock::lock().
template <class Lock>
class [[nodiscard]] TAKT_SCOPED_CAPABILITY LockGuard {
 public:
  /// A lock that wants to know its caller (Ranked) is told the place of the guard.
  explicit LockGuard(Lock& lock, [[maybe_unused]] const char* file = __builtin_FILE(),
                     [[maybe_unused]] int line = __builtin_LINE()) noexcept(noexcept(lock.lock()))
      TAKT_ACQUIRE(lock)
      : lock_(lock) {
    if constexpr (requires { lock_.lock(file, line); }) {
      lock_.lock(file, line);
    } else {
      lock_.lock();
    }
  }
  ~LockGuard() TAKT_RELEASE() { lock_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

  /// The lock that it holds. Blocks: no. Callable from: as Lock::lock().
  Lock* mutex() const noexcept { return &lock_; }

 private:
  Lock& lock_;
};

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_LOCK_GUARD_H_
