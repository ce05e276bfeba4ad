// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_PARKER_H_
#define TAKT_EXECUTOR_PARKER_H_

#include <atomic>
#include <cstdint>

#include "takt/executor/inbox.h"
#include "takt/platform/event_poll.h"
#include "takt/platform/time.h"
#include "takt/sync/env.h"

// One worker's sleep: on its futex word, or in a poll where it also waits for descriptors.
//
//   word bits 0-1         kAsleep: set by the worker's announce(). kClaimed: set by a waker's CAS,
//                         a wake is on its way. kWoken: set by that waker once the wake is sent,
//                         and by the worker when it is awake again.
//   word bit 2            kPolling: set by the worker's CAS, it sleeps in a poll, not on the word.
//   word bits 3-31        how often the worker has announced a sleep: a waker that was preempted
//                         for long cannot mistake a later sleep for the one that it ended.
//
//                  announce()                rouse(): CAS               wake sent: CAS
//        [awake] ------------> [asleep] ----------------> [claimed] ----------------> [woken]
//           ^                      | EINTR, time-out           |                         |
//           '------- rise() -------'---------------------------'-------------------------'
//
//     worker:    announce(); look again for what others may have written meanwhile; sleep; rise()
//     waker:     write what the worker looks for; rouse()
//
// Both write first and read second, all seq_cst (Dekker's pattern). A wake says "look again" and no
// more: a stray one is harmless. A poll ends when a descriptor is ready, or by its wake(), a token
// that stays until a wait takes it:
//
//     worker:    CAS asleep -> asleep | kPolling; poll
//     waker:     CAS asleep -> claimed; kPolling seen: poll's wake(), else futex wake
//
// Both change the same word by a CAS: a waker that comes first makes the worker's fail, which then
// does not sleep; one that comes later sees kPolling. A token left by a late waker is a stray wake.
// A waker so late that the worker serves another lane by now finds that lane's poll in `poll`.

namespace takt::inline v0 {

/// What BasicParker::rouse() did: sent the wake; found another waker's on its way; found it sent,
/// or the worker awake.
enum class Roused { now, soon, already };

/// Where one worker sleeps, and the jobs that are for it alone. A cache line of its own: wakers
/// write it. All bits zero at first: about to work. `Poll`: wait(events, deadline) and wake().
template <class Env, class Poll = platform::EventPoll>
struct alignas(64) BasicParker {
  typename Env::Word word;
  BasicInbox<Env> inbox;
  /// While the word says kPolling; and an open one of some lane ever after. Set by the worker.
  typename Env::template Atomic<Poll*> poll;

  // Callable from: its worker.

  /// Begins to work: it needs no wake before it sleeps. Blocks: no. Bound: wait-free.
  void arrive() noexcept {
    // relaxed, twice: saves rouse() a system call. kWoken, whatever the count.
    word.store((word.load(std::memory_order_relaxed) | kStateMask) - 1, std::memory_order_relaxed);
  }

  /// Says that the worker is about to sleep; returns the word of this sleep. Then it looks again,
  /// with seq_cst, whether it should. Blocks: no. Bound: wait-free.
  std::uint32_t announce() noexcept {
    // relaxed: only this worker changes the count, wakers keep it.
    const std::uint32_t asleep = (word.load(std::memory_order_relaxed) | kSleepMask) + 1;
    // seq_cst: before the worker looks again, so that who writes that rouses this sleep.
    word.store(asleep, std::memory_order_seq_cst);
    return asleep;
  }

  /// Sleeps on the word until somebody wakes it or `deadline`; may return early. `asleep` is what
  /// announce() returned. Blocks: until then.
  void sleep(std::uint32_t asleep, TimePoint deadline) noexcept {
    Env::wait(word, asleep, deadline);
  }

  /// As sleep(), but in `where`, until a descriptor is ready, too; what is, is then in `events`.
  void sleep_in(Poll& where, typename Poll::Events& events, std::uint32_t asleep,
                TimePoint deadline) noexcept {
    std::uint32_t unclaimed = asleep;
    // relaxed: published by the CAS.
    poll.store(&where, std::memory_order_relaxed);
    // seq_cst: the sleep's state. Failure: somebody has claimed it, there is something to do.
    if (word.compare_exchange_strong(unclaimed, asleep | kPolling, std::memory_order_seq_cst)) {
      where.wait(events, deadline);
    }
  }

  /// Is awake again. Blocks: no. Bound: wait-free.
  void rise(std::uint32_t asleep) noexcept {
    // relaxed: saves rouse() the wake of one who is awake.
    word.store(asleep | kWoken, std::memory_order_relaxed);
  }

  // Callable from: any thread. Blocks: no. Bound: lock-free, and a system call when it sleeps.

  /// Wakes the worker if nobody has claimed it: `soon` leaves the wake to who has.
  Roused rouse() noexcept {
    // seq_cst: after signal_ or leader_ was read, or an inbox filled, see lane.h.
    std::uint32_t seen = word.load(std::memory_order_seq_cst);
    while ((seen & kStateMask) == kAsleep) {
      if (word.compare_exchange_weak(seen, seen | kClaimed, std::memory_order_seq_cst)) {
        send_wake(seen);
        std::uint32_t claimed = seen | kClaimed;
        // relaxed: tells later posters that they may save the system call. Failure: the worker has
        // parked again meanwhile.
        word.compare_exchange_strong(claimed, seen | kWoken, std::memory_order_relaxed);
        return Roused::now;
      }
    }
    return (seen & kStateMask) == kClaimed ? Roused::soon : Roused::already;
  }

  /// Wakes the worker, whoever else may be at it.
  void wake() noexcept {
    if (rouse() == Roused::soon) wake_again();
  }

  /// Sends the wake of a waker that has claimed the worker and may have stopped.
  void wake_again() noexcept {
    // acquire: pairs with the worker's CAS that says where it sleeps.
    send_wake(word.load(std::memory_order_acquire));
  }

  /// Whether somebody has claimed or woken the worker since it announced its sleep. A figure.
  bool is_called() const noexcept {
    // relaxed: a figure.
    return (word.load(std::memory_order_relaxed) & kStateMask) != kAsleep;
  }

 private:
  static constexpr std::uint32_t kStateMask = 3;
  static constexpr std::uint32_t kAsleep = 0;
  static constexpr std::uint32_t kClaimed = 1;
  static constexpr std::uint32_t kWoken = 2;
  static constexpr std::uint32_t kPolling = 4;
  static constexpr std::uint32_t kSleepMask = kStateMask | kPolling;

  /// To where the worker sleeps, as its word says.
  void send_wake(std::uint32_t seen) noexcept {
    if ((seen & kPolling) != 0) [[unlikely]] {
      // relaxed: who read kPolling acquired what was written before.
      poll.load(std::memory_order_relaxed)->wake();
    } else {
      Env::wake(word, 1);
    }
  }
};

using Parker = BasicParker<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_PARKER_H_
