// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_LOCK_PI_H_
#define TAKT_SYNC_LOCK_PI_H_

#include <cerrno>
#include <chrono>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/time.h"

// The part of the kernel's PI futex protocol (futex(2), "Priority-inheritance futexes") that is the
// same for each lock word that follows it: the bits, and what FUTEX_LOCK_PI may answer.

namespace takt::inline v0::detail {

inline constexpr std::uint32_t kFutexThread = 0x3FFF'FFFFU;     // FUTEX_TID_MASK
inline constexpr std::uint32_t kFutexOwnerDied = 0x4000'0000U;  // FUTEX_OWNER_DIED
inline constexpr std::uint32_t kFutexWaiters = 0x8000'0000U;    // FUTEX_WAITERS

/// How long a call that may not fail waits when the kernel has no memory for its waiter.
inline constexpr Duration kRetryAfterNoMemory = std::chrono::milliseconds(1);

/// What a lock says when it aborts.
struct LockPiTexts {
  /// EDEADLK: of the chain from the owner to the lock that it waits for, to that one's owner, and
  /// so on, the caller is a part. The first of them or a later one: the kernel does not say.
  const char* deadlock;
  const char* owner_ended;
  const char* corrupt;
  const char* no_pi_futexes;
};

/// Sleeps until the kernel has made the caller the owner of `word`, or until `deadline`. Returns
/// whether it has; the word then still has to be read with acquire, for the memory model, which
/// does not know the kernel's hand-over, and for FUTEX_OWNER_DIED. The owner inherits the caller's
/// priority. Aborts where there is nothing to wait for.
/// Blocks: until then. Callable from: any thread that is not the owner.
template <class Env>
bool lock_pi(typename Env::Word& word, TimePoint deadline, const LockPiTexts& texts) noexcept {
  for (;;) {
    const int error = Env::lock_pi(word, deadline);
    switch (error) {
      case 0:
        return true;
      case ETIMEDOUT:
        return false;
      case EAGAIN:  // the owner is exiting: the kernel asks to try again
      case EINTR:
        break;
      case ENOMEM:
        // The kernel could not allocate its waiter state. Waiting a little is all that is left.
        if (now() >= deadline) return false;
        platform::sleep_until(saturating_add(now(), kRetryAfterNoMemory));
        break;
      case EDEADLK:
        // With the time over it was an attempt only, which fails in a circle as it does elsewhere.
        if (now() >= deadline) return false;
        TAKT_CHECK(error != EDEADLK, texts.deadlock);
        break;
      case ESRCH:
        TAKT_CHECK(error != ESRCH, texts.owner_ended);
        break;
      default:
        TAKT_CHECK(error == ENOSYS, texts.corrupt);
        TAKT_CHECK(error != ENOSYS, texts.no_pi_futexes);
    }
  }
}

}  // namespace takt::inline v0::detail

#endif  // TAKT_SYNC_LOCK_PI_H_
