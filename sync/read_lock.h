// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_READ_LOCK_H_
#define TAKT_SYNC_READ_LOCK_H_

#include "takt/sync/annotations.h"

namespace takt::inline v0 {

/// Holds a lock shared for a scope. As std::shared_lock without its other states, and known to
/// clang's thread-safety analysis: what the lock guards may be read, not written.
/// Blocks: as Lock::lock_shared(). Callable from: as Lock::lock_shared().
template <class Lock>
class [[nodiscard]] TAKT_SCOPED_CAPABILITY ReadLock {
 public:
  explicit ReadLock(Lock& lock) noexcept(noexcept(lock.lock_shared())) TAKT_ACQUIRE_SHARED(lock)
      : lock_(lock) {
    lock_.lock_shared();
  }
  // The analysis takes a destructor's release for that of what the constructor acquired.
  ~ReadLock() TAKT_RELEASE() { lock_.unlock_shared(); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  Lock& lock_;
};

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_READ_LOCK_H_
