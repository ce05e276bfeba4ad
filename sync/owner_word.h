// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_OWNER_WORD_H_
#define TAKT_SYNC_OWNER_WORD_H_

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/time.h"
#include "takt/sync/lock_pi.h"

// The kernel's PI futex protocol, as in mutex.h, with one liberty:
//
//   bits 0-29  owner's thread id. Set by the owner's CAS from 0 or by the kernel, cleared by the
//              owner's CAS or by the kernel in FUTEX_UNLOCK_PI.
//   bit 30     FUTEX_OWNER_DIED. Set by the kernel when a thread ends as owner.
//   bit 31     FUTEX_WAITERS. Set by the kernel for who blocks in FUTEX_LOCK_PI, *and by anybody
//              who wants the owner to look around before it leaves* (flag()): then the owner's CAS
//              fails, and FUTEX_UNLOCK_PI of a lock that nobody waits for just clears the word.
//              Cleared with the owner's id. A stale read without the bit is legal: setting it is a
//              CAS.
//
// Destruction: the last touch of who releases is the CAS to 0 or the kernel's hand-over.

namespace takt::inline v0::detail {

/// Who is the writer of an RwLock: BasicMutex's lock word, which others may also read and flag.
/// Its operations are sequentially consistent, because readers announce themselves elsewhere and
/// look here while a writer announces itself here and looks there.
template <class Env>
class OwnerWord {
 public:
  constexpr OwnerWord() noexcept = default;
  OwnerWord(const OwnerWord&) = delete;
  OwnerWord& operator=(const OwnerWord&) = delete;

  /// Set by flag().
  static constexpr std::uint32_t kFlagged = kFutexWaiters;

  /// The word: 0 when nobody is the owner.
  std::uint32_t value() const noexcept { return word_.load(std::memory_order_seq_cst); }

  /// Whether the calling thread is the owner.
  bool is_mine() const noexcept {
    // relaxed: a thread knows what it did itself.
    return (word_.load(std::memory_order_relaxed) & kFutexThread) == Env::thread_id();
  }

  /// Becomes the owner if there is none. Blocks: no. Bound: wait-free.
  bool try_acquire() noexcept {
    std::uint32_t free = 0;
    // relaxed on failure: nothing is concluded from it.
    return word_.compare_exchange_strong(free, Env::thread_id(), std::memory_order_seq_cst,
                                         std::memory_order_relaxed);
  }

  /// Becomes the owner unless `deadline` passes first. Blocks: until then; the owner inherits the
  /// caller's priority. Not for who is the owner (aborts).
  [[gnu::noinline]] bool acquire(TimePoint deadline) noexcept {
    if (!lock_pi<Env>(word_, deadline, kTexts)) return false;
    // An RMW: the kernel's own write has no place in the one order. Pairs also with the release RMW
    // of release().
    TAKT_CHECK((word_.fetch_or(0, std::memory_order_seq_cst) & kFutexOwnerDied) == 0,
               kTexts.owner_ended);
    return true;
  }

  /// Makes the owner's try_release() fail if the word still is `seen`. Whether it was.
  bool flag(std::uint32_t seen) noexcept {
    // relaxed: it says that there is something, where it is says the rest; on failure the caller
    // looks again.
    return word_.compare_exchange_strong(seen, seen | kFlagged, std::memory_order_relaxed,
                                         std::memory_order_relaxed);
  }

  /// The owner's flag(), for what it leaves undone.
  // relaxed: the owner itself will see it.
  void flag_own() noexcept { word_.fetch_or(kFlagged, std::memory_order_relaxed); }

  /// Stops being the owner unless somebody waits or has flagged the word. Blocks: no. Bound:
  /// wait-free.
  bool try_release() noexcept {
    std::uint32_t owned = Env::thread_id();
    // release: pairs with the next owner's CAS and with the value() of who finds no owner.
    // relaxed on failure: as in flag().
    return word_.compare_exchange_strong(owned, 0, std::memory_order_release,
                                         std::memory_order_relaxed);
  }

  /// Stops being the owner; hands over to the waiter of highest priority. Blocks: no.
  [[gnu::noinline]] void release() noexcept {
    if (try_release()) return;
    // release: pairs with the RMW at the end of acquire() and with value(). The kernel's write
    // continues the release sequence of this one.
    static_cast<void>(word_.fetch_or(0, std::memory_order_release));
    int error = 0;
    do {
      error = Env::unlock_pi(word_);  // EAGAIN: the flag was set while the kernel was at it
    } while (error == EAGAIN);
    TAKT_CHECK(error == 0, "RwLock: unlocked by a thread that is not its writer");
  }

 private:
  static constexpr LockPiTexts kTexts = {
      .deadlock = "RwLock: deadlock: the caller is its writer, or the writer waits for the caller",
      .owner_ended = "RwLock: its writer ended without unlocking",
      .corrupt = "RwLock: the lock is corrupt (FUTEX_LOCK_PI refused it)",
      .no_pi_futexes = "RwLock: this kernel has no PI futexes (CONFIG_FUTEX_PI)",
  };

  typename Env::Word word_{0};
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_SYNC_OWNER_WORD_H_
