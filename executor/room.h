// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_ROOM_H_
#define TAKT_EXECUTOR_ROOM_H_

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "takt/platform/time.h"
#include "takt/sync/env.h"

// Who waits for room in a full lane, and who tells them.
//
//   waiting_  threads between the begin and the end of wait(). Raised and lowered by them. A stale
//             read is not legal: see below.
//   changes_  one more for each tell() that saw somebody wait. What they sleep on.
//
//     waiter:  waiting_ + 1; read changes_; look for room; sleep while changes_ is what was read
//     teller:  make room; read waiting_; if somebody waits: changes_ + 1; wake all
//
// Both write first and read the other's word second, all seq_cst: a waiter that sees no room is
// seen by whoever makes some. The teller clears nothing, so that no thread that stops inside of
// tell() or wait() keeps another one from being told: the next teller tells all again. All are
// woken, not one: the one that the kernel picks might not run, while another one could.

namespace takt::inline v0 {

/// Where posters wait until a lane has room. All bits zero at first: nobody waits.
template <class Env>
class BasicRoom {
 public:
  /// Has all who wait look again; called after room was made. Blocks: no. Bound: wait-free; a
  /// system call only while somebody waits. Callable from: any thread.
  void tell() noexcept {
    // seq_cst: after the room was made, see the head of the file.
    if (waiting_.load(std::memory_order_seq_cst) != 0) [[unlikely]]
      wake_all();
  }

  /// Calls `look` until it returns true: at once, after each tell(), and when the time is over.
  /// Returns what it returned last. It must look at what tell() was preceded by with seq_cst.
  /// Blocks: until then or `deadline`. Bound: one look for each tell(). Callable from: any thread.
  template <class Look>
  bool wait(const Look& look, TimePoint deadline) noexcept {
    return wait(look, deadline, [](auto& word, std::uint32_t seen, TimePoint until) {
      return Env::wait(word, seen, until);
    });
  }
  /// With another wait for the word in place of the Env's: of an executor in virtual time.
  template <class Look, class Sleep>
  bool wait(const Look& look, TimePoint deadline, const Sleep& sleep) noexcept {
    // seq_cst: before the look, see the head of the file.
    waiting_.fetch_add(1, std::memory_order_seq_cst);
    bool found = false;
    for (;;) {
      // acquire: pairs with the release in wake_all(): who has read this change sees the room.
      const std::uint32_t seen = changes_.load(std::memory_order_acquire);
      found = look();
      if (found) break;
      const int error = sleep(changes_, seen, deadline);
      if (error == ETIMEDOUT || error == EDEADLK) {
        found = look();
        break;
      }
    }
    // relaxed: a teller that still sees it makes a system call too many.
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return found;
  }

 private:
  static constexpr int kEverybody = 0x7FFF'FFFF;

  [[gnu::noinline]] void wake_all() noexcept {
    // release: pairs with the acquire in wait().
    changes_.fetch_add(1, std::memory_order_release);
    Env::wake(changes_, kEverybody);
  }

  typename Env::Word waiting_;
  typename Env::Word changes_;
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_ROOM_H_
