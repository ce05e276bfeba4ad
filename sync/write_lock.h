// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_WRITE_LOCK_H_
#define TAKT_SYNC_WRITE_LOCK_H_

#include "takt/sync/annotations.h"

namespace takt::inline v0 {

/// Holds a lock exclusively for a scope, beside ReadLock: the pair says at a glance which side a
/// function is on. As std::lock_guard, and known to clang's thread-safety analysis.
/// Blocks: as Lock::lock(). Callable from: as Lock::lock().
template <class Lock>
class [[nodiscard]] TAKT_SCOPED_CAPABILITY WriteLock {
 public:
  explicit WriteLock(Lock& lock) noexcept(noexcept(lock.lock())) TAKT_ACQUIRE(lock) : lock_(lock) {
    lock_.lock();
  }
  ~WriteLock() TAKT_RELEASE() { lock_.unlock(); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  Lock& lock_;
};

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_WRITE_LOCK_H_
