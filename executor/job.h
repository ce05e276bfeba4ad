// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_JOB_H_
#define TAKT_EXECUTOR_JOB_H_

#include <atomic>
#include <cstdint>

#include "takt/executor/callable.h"
#include "takt/executor/limits.h"
#include "takt/sync/env.h"

// One word tells a job's state and who still needs its slot:
//
//   bits 0-2    JobState. Set to pending by the poster; then by whoever ends that state (below).
//   bit 3       kWaiting: somebody sleeps on the word. Set by a handle that waits, dies with the
//               slot's next use.
//   bit 4       kQueued: the index is in a ready ring or a worker holds it. Set by the poster,
//               cleared by the worker that took it.
//   bit 5       kHandled: a JobHandle refers to it. Set by submit(), cleared by the handle.
//   bit 6       kSubmitted: it may have a result. Set by submit(), dies with the slot's next use.
//   bit 7       kWatched: a wait_any() wants to know of its end. Set by a handle, dies as bit 3.
//   bits 8-31   generation, one more at each use.
//
//              begin()             finish()
//   [pending] ---------> [running] ---------> [completed | failed | cancelled]
//       |
//       | end_unstarted(): its handle's cancel()
//       '----------------------------------> [cancelled]
//
// At stop(cancel) a worker begins a waiting job only to destroy its callable, and finishes it as
// cancelled: who sees that state from a wait knows that the callable has let go of everything.
//
// Whoever clears the last of kQueued and kHandled gives the slot back. Each state is left once, by
// one compare-and-swap: a job runs or is cancelled, never both. A stale read is legal, it makes the
// CAS fail. A posted job, which no handle can see, needs none of this: whoever takes its index out
// of the ready ring owns it, and gives the slot straight back.

namespace takt::inline v0 {

/// What became of a job.
enum class JobState : std::uint32_t {
  pending = 0,
  running = 1,
  completed = 2,  ///< it returned
  failed = 3,     ///< it threw
  cancelled = 4,  ///< it never ran and never will
};

namespace detail {

/// A posted or submitted job of a lane, and where it is kept.
struct JobSlot {
  static constexpr std::uint32_t kStateMask = 7;
  static constexpr std::uint32_t kWaiting = 8;
  static constexpr std::uint32_t kQueued = 16;
  static constexpr std::uint32_t kHandled = 32;
  static constexpr std::uint32_t kSubmitted = 64;
  static constexpr std::uint32_t kWatched = 128;
  static constexpr std::uint32_t kGeneration = 256;
  static constexpr std::uint32_t kGenerationMask = ~(kGeneration - 1);

  CallableStorage storage;
  Thunk thunk;
  std::int64_t release_ns;
  std::int64_t deadline_ns;
  ThreadEnv::Word word;
  Priority level;  // of a job that waits for its time

  static JobState state_of(std::uint32_t word) noexcept {
    return static_cast<JobState>(word & kStateMask);
  }
  static bool is_over(std::uint32_t word) noexcept { return (word & kStateMask) >= 2; }

  /// The poster's: begins a new job. Published by the ready ring.
  void renew(bool submitted) noexcept {
    // relaxed, twice: the free ring handed the slot over, the ready ring will publish it.
    const std::uint32_t last = word.load(std::memory_order_relaxed);
    word.store(((last & kGenerationMask) + kGeneration) | kQueued |
                   (submitted ? kHandled | kSubmitted : 0),
               std::memory_order_relaxed);
  }

  /// How often the slot was used, modulo 2^24. The worker's, who has the job.
  std::uint32_t use_number() const noexcept {
    // relaxed: the ready ring published it.
    return word.load(std::memory_order_relaxed) / kGeneration;
  }

  /// Whether it was submitted and its handle may look at it.
  bool is_submitted() const noexcept {
    // relaxed: set before the job was published, kept until its slot's next use.
    return (word.load(std::memory_order_relaxed) & kSubmitted) != 0;
  }

  /// pending -> running. False when it was cancelled before. Bound: one repetition at most, when a
  /// handle begins to wait meanwhile.
  bool begin() noexcept { return leave_pending(JobState::running); }

  /// The handle's: pending -> cancelled. False when it has begun or is over. True: nobody else
  /// touches the callable, and the caller, who cannot be waiting meanwhile, destroys it.
  bool end_unstarted() noexcept { return leave_pending(JobState::cancelled); }

  /// running -> `end` and kQueued cleared, in one step, for a submitted job. Returns the word
  /// before: without kHandled the slot is now the caller's to give back; with it, this was the last
  /// touch, a wake on the address aside.
  std::uint32_t finish(JobState end) noexcept {
    const std::uint32_t change =
        static_cast<std::uint32_t>(end) - static_cast<std::uint32_t>(JobState::running) - kQueued;
    // acq_rel: release pairs with the acquire of the handle that reads the result; acquire pairs
    // with the release of a handle that left before, whose slot this is now.
    const std::uint32_t before = word.fetch_add(change, std::memory_order_acq_rel);
    if ((before & kWaiting) != 0) wake_waiters();
    return before;
  }

  /// The worker's, for a job that was cancelled in the ring: clears kQueued. Returns whether the
  /// slot is now the caller's to give back.
  bool retire() noexcept {
    // acq_rel: as in finish().
    return (word.fetch_and(~kQueued, std::memory_order_acq_rel) & kHandled) == 0;
  }

  /// The handle's: sets kWatched. Returns whether the job is over already.
  bool watch() noexcept {
    // acquire: pairs with the release in finish(), as a wait's. relaxed would do for the bit.
    return is_over(word.fetch_or(kWatched, std::memory_order_acquire));
  }

  /// The handle's: clears kHandled. Returns the word before; without kQueued the slot is the
  /// caller's to give back.
  std::uint32_t drop_handle() noexcept {
    // acq_rel: as in finish(), the other way round.
    return word.fetch_and(~kHandled, std::memory_order_acq_rel);
  }

 private:
  static constexpr int kEverybody = 0x7FFF'FFFF;

  void wake_waiters() noexcept { ThreadEnv::wake(word, kEverybody); }

  bool leave_pending(JobState next) noexcept {
    // relaxed: the CAS decides.
    std::uint32_t seen = word.load(std::memory_order_relaxed);
    while (state_of(seen) == JobState::pending) {
      // acq_rel: acquire pairs with a handle's earlier changes, release with who reads the state.
      if (word.compare_exchange_weak(seen, seen | static_cast<std::uint32_t>(next),
                                     std::memory_order_acq_rel, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
};

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_JOB_H_
