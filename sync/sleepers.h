// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_SLEEPERS_H_
#define TAKT_SYNC_SLEEPERS_H_

#include <atomic>
#include <cstdint>

#include "takt/sync/env.h"

// Under the lock of the owner: waiting_, claimed_, and signal_'s value. Outside: the sleep on
// signal_ and the wake.
//
//   waiting_  threads that wait and that nobody has claimed. Raised by join(), lowered by claim()
//             and leave().
//   claimed_  wakes that were promised and that nobody has used up. Raised by claim(), lowered by
//             leave().
//   signal_   raised by each claim, so that whoever has joined and not fallen asleep yet does not.
//
//   lock, join --unlock--> sleep on the ticket --> lock, leave, look again
//   lock, change something, claim --unlock--> wake as many as were claimed
//
// Invariant: waiting_ + claimed_ is the number of threads between join() and leave(), and at least
// claimed_ of them are awake or about to be woken: each claim changes the word under those who are
// not asleep yet and is followed by a wake of one who is. It does not matter who uses up whose
// claim: whoever leaves looks again, under the lock, at what he waits for.
// A thread that is woken late finds a second claim beside its own, not instead of it: nobody is
// left asleep because another thread, claimed before, does not run. Nor because one that claimed
// does not run: each claim also wakes those who were claimed before and have not left yet.

namespace takt::inline v0::detail {

/// The threads that wait for one kind of change of an object with a lock; a condition variable
/// that wakes nobody who is not there, outside the lock, without touching a destroyed object.
template <class Env>
class Sleepers {
 public:
  /// Announces the caller. Lock held. Returns the ticket to sleep on.
  std::uint32_t join() noexcept {
    ++waiting_;
    return ticket();
  }
  /// Ends what join() began. Lock held.
  void leave() noexcept { --(claimed_ > 0 ? claimed_ : waiting_); }
  /// What join() would return now: another value than it did means that there was a claim.
  /// Lock held.
  std::uint32_t ticket() const noexcept {
    // relaxed: the lock orders it.
    return signal_.load(std::memory_order_relaxed);
  }

  /// Sleeps until a claim after join(), or for no reason. Lock not held.
  /// Blocks: until then or `deadline`. Returns the errno of platform::futex_wait.
  int sleep(std::uint32_t ticket, TimePoint deadline) const noexcept {
    return Env::wait(signal_, ticket, deadline);
  }

  /// Promises a wake to `most` of those who wait. Lock held. Returns how many to wake() after the
  /// lock is released: with those who were promised one before and have not run since, because
  /// whoever promised it may have been preempted before its wake.
  int claim(std::uint32_t most) noexcept {
    const std::uint32_t count = waiting_ < most ? waiting_ : most;
    if (count == 0) return static_cast<int>(claimed_);
    waiting_ -= count;
    claimed_ += count;
    // relaxed: the lock orders it among those who hold it; the sleep compares the newest value.
    signal_.store(ticket() + 1, std::memory_order_relaxed);
    return static_cast<int>(claimed_);
  }

  /// Wakes that many. Lock not held; the object may have been destroyed.
  void wake(int count) const noexcept {
    if (count > 0) Env::wake(signal_, count);
  }

 private:
  typename Env::Word signal_{0};
  std::uint32_t waiting_ = 0;
  std::uint32_t claimed_ = 0;
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_SYNC_SLEEPERS_H_
