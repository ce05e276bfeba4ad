// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_JOB_WORD_H_
#define TAKT_EXECUTOR_JOB_WORD_H_

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "takt/platform/time.h"
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
//   bit 8       kLinking: its handle is about to write, or has written, the slot's link; dies as
//               bit 3.
//   bit 9       kContinued: another job waits for its end, the link names it, and holds the handle.
//               Set by the handle after kLinking, dies as bit 3.
//   bits 10-31  generation, one more at each use.
//
//              begin()             finish()
//   [pending] ---------> [running] ---------> [completed | failed | cancelled | dropped]
//       |
//       | end_unstarted(): its handle's cancel()
//       '----------------------------------> [cancelled]
//
// At stop(cancel) a worker begins a waiting job only to destroy its callable, and finishes it as
// cancelled: who sees that state from a wait knows that the callable has let go of everything. So
// does a poster that drops a job from a full lane, and finishes it as dropped.
//
// Whoever clears the last of kQueued and kHandled gives the slot back. A poster that drops a job
// clears both and uses the slot at once; its handle finds another generation and knows by that what
// became of the job. But while the handle writes the link it keeps its slot. Each state is left
// once, by one compare-and-swap: a job runs or is cancelled, never both. A stale read is legal, it
// makes the CAS fail. A posted job, which no handle can see, needs none of this: whoever takes its
// index out of the ready ring owns it, and gives the slot straight back.

namespace takt::inline v0 {

/// What became of a job.
enum class JobState : std::uint32_t {
  pending = 0,
  running = 1,
  completed = 2,  ///< it returned
  failed = 3,     ///< it threw
  cancelled = 4,  ///< it never ran and never will
  dropped = 5,    ///< as cancelled: a newer one took its place (WhenFull::drop_oldest)
};

/// The word of a job slot. All bits zero at first. It has one handle at a time;
/// several threads may wait() for it, all else is one thread's.
template <class Env>
class BasicJobWord {
 public:
  static constexpr std::uint32_t kStateMask = 7;
  static constexpr std::uint32_t kWaiting = 8;
  static constexpr std::uint32_t kQueued = 16;
  static constexpr std::uint32_t kHandled = 32;
  static constexpr std::uint32_t kSubmitted = 64;
  static constexpr std::uint32_t kWatched = 128;
  static constexpr std::uint32_t kLinking = 256;
  static constexpr std::uint32_t kContinued = 512;
  static constexpr std::uint32_t kGeneration = 1024;
  static constexpr std::uint32_t kGenerationMask = ~(kGeneration - 1);

  static JobState state_of(std::uint32_t word) noexcept {
    return static_cast<JobState>(word & kStateMask);
  }
  static bool is_over(std::uint32_t word) noexcept { return (word & kStateMask) >= 2; }
  /// Whether a job of that word keeps its slot for the handle when it is dropped.
  static bool is_kept(std::uint32_t word) noexcept {
    return (word & (kHandled | kLinking | kContinued)) == (kHandled | kLinking);
  }

  // The poster's, who owns the slot.

  /// Begins a new job. Published by the ready ring. Returns its generation.
  std::uint32_t renew(bool submitted) noexcept {
    // relaxed: the free slots handed this one over.
    const std::uint32_t last = word_.load(std::memory_order_relaxed);
    const std::uint32_t generation = (last & kGenerationMask) + kGeneration;
    // release: pairs with the acquire in look(). The ready ring will publish the job; but a handle
    // of the last one, which was dropped, learns of its end from this store alone, and that its
    // callable is destroyed.
    word_.store(generation | kQueued | (submitted ? kHandled | kSubmitted : 0),
                std::memory_order_release);
    return generation;
  }

  // Of whoever took the job out of the ready ring: a worker, or a poster that drops it.

  /// How often the slot was used, modulo 2^22.
  std::uint32_t use_number() const noexcept {
    // relaxed: the ready ring published it.
    return word_.load(std::memory_order_relaxed) / kGeneration;
  }

  /// Whether it was submitted and its handle may look at it.
  bool is_submitted() const noexcept {
    // relaxed: set before the job was published, kept until its slot's next use.
    return (word_.load(std::memory_order_relaxed) & kSubmitted) != 0;
  }

  /// pending -> running. False when it was cancelled before. Bound: a few repetitions, as the
  /// handle sets each bit once.
  bool begin() noexcept {
    // relaxed: nobody else uses the slot anew meanwhile.
    return leave_pending(JobState::running, word_.load(std::memory_order_relaxed));
  }

  /// running -> `end` and kQueued cleared, in one step, for a submitted job. Returns the word
  /// before: without kHandled the slot is now the caller's to give back; with it, this was the last
  /// touch, a wake on the address aside.
  std::uint32_t finish(JobState end) noexcept {
    const std::uint32_t change =
        static_cast<std::uint32_t>(end) - static_cast<std::uint32_t>(JobState::running) - kQueued;
    // acq_rel: release pairs with the acquire of the handle that reads the result; acquire pairs
    // with the release of a handle that left before, whose slot this is now.
    const std::uint32_t before = word_.fetch_add(change, std::memory_order_acq_rel);
    if ((before & kWaiting) != 0) wake_waiters();
    return before;
  }

  /// finish() as dropped, and takes the slot from the handle too. Returns the word before: with
  /// kHandled and kLinking, but without kContinued, the slot is still the handle's; else it is the
  /// caller's. Bound: a few repetitions, as the handle sets each bit once.
  std::uint32_t finish_dropped() noexcept {
    // relaxed: the CAS decides.
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    std::uint32_t next = 0;
    do {
      next = (seen & ~(kStateMask | kQueued)) | static_cast<std::uint32_t>(JobState::dropped);
      if (!is_kept(seen)) next &= ~kHandled;
      // acq_rel: as in finish().
    } while (!word_.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    if ((seen & kWaiting) != 0) wake_waiters();
    return seen;
  }

  /// For a job that was cancelled in the ring: clears kQueued. Returns whether the slot is now the
  /// caller's to give back.
  bool retire() noexcept {
    // acq_rel: as in finish().
    return (word_.fetch_and(~kQueued, std::memory_order_acq_rel) & kHandled) == 0;
  }

  // The handle's.

  /// The word, or where another job has the slot already, what it was at the end.
  std::uint32_t look(std::uint32_t generation) const noexcept {
    // acquire: pairs with the release of whoever ended the job.
    const std::uint32_t seen = word_.load(std::memory_order_acquire);
    if (is_of(seen, generation)) return seen;
    return generation | static_cast<std::uint32_t>(JobState::dropped);
  }

  /// pending -> cancelled. False when it has begun or is over. True: nobody else touches the
  /// callable, and the caller, who cannot be waiting meanwhile, destroys it.
  bool end_unstarted(std::uint32_t generation) noexcept {
    return leave_pending(JobState::cancelled, generation);
  }

  /// Until the job is over: 0. ETIMEDOUT: it was not by `deadline`; or another error of `sleep`
  /// that is no reason to look again. Blocks: as said. `sleep`: as for BasicRoom::wait().
  template <class Sleep>
  int wait(std::uint32_t generation, TimePoint deadline, const Sleep& sleep) noexcept {
    for (;;) {
      std::uint32_t seen = look(generation);
      if (is_over(seen)) return 0;
      // relaxed: the bit carries no data; the sleep compares the whole word.
      if ((seen & kWaiting) == 0 &&
          !word_.compare_exchange_weak(seen, seen | kWaiting, std::memory_order_relaxed)) {
        continue;  // bounded: the job's state changes twice
      }
      const int error = sleep(word_, seen | kWaiting, deadline);
      if (error == EDEADLK) return error;
      if (error == ETIMEDOUT && !is_over(look(generation))) return error;
    }
  }

  /// Sets kWatched. Returns whether the job is over already.
  bool watch(std::uint32_t generation) noexcept { return !mark(generation, kWatched); }

  /// Calls `link()`, which names the job that waits for this one's end. False: it is over already.
  template <class Link>
  bool continue_with(std::uint32_t generation, const Link& link) noexcept {
    if (!mark(generation, kLinking)) return false;
    link();
    // release: pairs with the acquire in finish(), hands over the link. Who reads the result of a
    // job that is over looks at it once more.
    return !is_over(word_.fetch_or(kContinued, std::memory_order_release));
  }

  /// Clears kHandled. Returns the word before; without kQueued and with kHandled the slot is the
  /// caller's to give back.
  std::uint32_t drop_handle(std::uint32_t generation) noexcept {
    // relaxed, here and on failure: the CAS decides.
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while (is_of(seen, generation) && (seen & kHandled) != 0) {
      // acq_rel: as in finish(), the other way round.
      if (word_.compare_exchange_weak(seen, seen & ~kHandled, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        return seen;
      }
    }
    return 0;
  }

 private:
  static constexpr int kEverybody = 0x7FFF'FFFF;

  void wake_waiters() noexcept { Env::wake(word_, kEverybody); }

  static bool is_of(std::uint32_t word, std::uint32_t generation) noexcept {
    return (word & kGenerationMask) == generation;
  }

  /// Sets `bit` unless the job of that generation is over. False: it is. Bound: a few repetitions.
  bool mark(std::uint32_t generation, std::uint32_t bit) noexcept {
    std::uint32_t seen = look(generation);
    while (!is_over(seen)) {
      // relaxed: the bit carries no data.
      if (word_.compare_exchange_weak(seen, seen | bit, std::memory_order_relaxed)) return true;
      seen = look(generation);
    }
    return false;
  }

  /// The job of the generation in `of`, whatever the other bits.
  bool leave_pending(JobState next, std::uint32_t of) noexcept {
    // relaxed: the CAS decides.
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    while (is_of(seen, of & kGenerationMask) && state_of(seen) == JobState::pending) {
      // relaxed: it only decides who goes on. The ready ring has published the callable; the end of
      // the job, retire() and drop_handle() order what follows.
      if (word_.compare_exchange_weak(seen, seen | static_cast<std::uint32_t>(next),
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  typename Env::Word word_;
};

using JobWord = BasicJobWord<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_JOB_WORD_H_
