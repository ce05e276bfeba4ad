// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_TIMER_LEAD_H_
#define TAKT_EXECUTOR_TIMER_LEAD_H_

#include <atomic>
#include <cstdint>

#include "takt/platform/time.h"
#include "takt/sync/env.h"

// Which worker of a lane sleeps until the next release, and waits for descriptors; the others sleep
// without limit.
//
//                     lead(): CAS 0 -> w + 1
//     [nobody leads] ------------------------> [w leads, asleep until next_release_]
//           ^                                             | release due, or woken
//           '------- step_down(): 0, wake a parked one <--'  before it runs a job
//
//   leader_   0 or the leader's number + 1. Set by lead(), cleared by step_down(), both the
//             worker's own. A stale read is legal for who chooses whom to wake, and for no one
//             else.
//
// step_down() writes leader_, and its caller then reads which workers are parked; a worker says
// that it parks and then reads leader_ in lead(), all seq_cst: one of the two sees the other, so
// timers are never without a leader while somebody sleeps. With nobody asleep each worker looks at
// next_release_ at every job boundary.
//
// Who changes next_release_ or watched_ writes it and then reads leader_; the leader takes the lead
// and then reads both: again one of the two sees the other.

namespace takt::inline v0 {

/// Who leads in a lane, and to what: its next release, and whether it watches descriptors.
template <class Env>
class BasicTimerLead {
 public:
  /// What leader() says while nobody leads.
  static constexpr std::uint32_t kNobody = 0;

  /// Nothing to release. Called before another thread knows the lane.
  void attach() noexcept {
    // relaxed: as said.
    next_release_.store(to_ns(kNever), std::memory_order_relaxed);
  }

  /// Nobody leads. Called while no worker runs; who opens the lane publishes it.
  void open() noexcept {
    // relaxed: as said.
    leader_.store(kNobody, std::memory_order_relaxed);
  }

  // All wait-free. Blocks: no. Callable from: worker `worker` of the lane.

  /// Takes the lead if nobody has it; whether `worker` leads.
  bool lead(std::uint32_t worker) noexcept {
    std::uint32_t leader = kNobody;
    return leader_.compare_exchange_strong(leader, worker + 1, std::memory_order_seq_cst) ||
           leader == worker + 1;
  }

  /// Gives up the lead, if `worker` has it. Returns whether a sleeper is to be woken to take it:
  /// nobody leads, and there is something to lead to.
  bool step_down(std::uint32_t worker) noexcept {
    // seq_cst: before it is read which workers are parked, see the head of the file.
    const std::uint32_t leader = leader_.load(std::memory_order_seq_cst);
    if (leader == worker + 1) {
      leader_.store(kNobody, std::memory_order_seq_cst);
    } else if (leader != kNobody) {
      return false;
    }
    // The last leader may have woken this worker to lead, which instead found a job.
    // seq_cst: read after the lead was given up; who sets it does so before it looks for a leader.
    const bool timed = next_release_.load(std::memory_order_seq_cst) != to_ns(kNever);
    // seq_cst: as the release.
    return timed || watched_.load(std::memory_order_seq_cst) != 0;
  }

  /// Until when the leader may sleep, and whether in the poll: as the leader reads it.
  TimePoint leads_until() const noexcept {
    // seq_cst: read after the lead was taken; who sets it does so before it looks for a leader.
    return from_ns(next_release_.load(std::memory_order_seq_cst));
  }
  bool leads_in_poll() const noexcept {
    // seq_cst: as above.
    return watched_.load(std::memory_order_seq_cst) != 0;
  }

  // Callable from: any thread.

  /// The leader's number + 1, or kNobody, as who has changed something to lead to reads it.
  std::uint32_t leader() const noexcept {
    // seq_cst: after the change, see the head of the file.
    return leader_.load(std::memory_order_seq_cst);
  }
  /// The same, perhaps stale.
  std::uint32_t likely_leader() const noexcept {
    // relaxed: a preference, or a figure.
    return leader_.load(std::memory_order_relaxed);
  }

  /// The earliest release, in nanoseconds of the monotonic clock; kNever's when there is none.
  std::int64_t next_release() const noexcept {
    // relaxed: a stale value is a release seen one job boundary later; sleeping looks again.
    return next_release_.load(std::memory_order_relaxed);
  }
  /// Sets it. Callable from: whoever holds the lock of the lane's timers.
  void set_next_release(std::int64_t release) noexcept {
    next_release_.store(release, std::memory_order_seq_cst);
  }

  /// Whether the leader waits for descriptors.
  bool watched() const noexcept {
    // relaxed: a stale value is a look one job boundary later; sleeping looks again.
    return watched_.load(std::memory_order_relaxed) != 0;
  }
  /// Sets it. Callable from: whoever holds the lock of the lane's descriptors.
  void set_watched(bool watched) noexcept {
    watched_.store(watched ? 1 : 0, std::memory_order_seq_cst);
  }

 private:
  typename Env::Word leader_;
  typename Env::Word watched_;
  typename Env::template Atomic<std::int64_t> next_release_;
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_TIMER_LEAD_H_
