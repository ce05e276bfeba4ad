// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_BARRIER_H_
#define TAKT_SYNC_BARRIER_H_

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "takt/platform/check.h"
#include "takt/platform/result.h"
#include "takt/platform/status.h"
#include "takt/sync/barrier_words.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/latch.h"

// Two words: state_ decides, ended_ tells the waiters. A phase is decided by one CAS of state_, its
// last arrival or its break; whoever made it then tells, in one RMW of ended_.
//
//   state_, ended_   their bits are in barrier_words.h
//   leaving_         a latch of the waiters of a broken phase that have not left yet; reset() waits
//                    for it
//
//             arrive: CAS                  last arrival: CAS         completion, next: CAS
//   [phase p] -----------> [p, arrived] --------------------> [p, complete] -------> [p + 1]
//                              |          '--- directly, when nothing is to be done ------^
//                              '-- time-out, abort: CAS --> [p, broken] --reset: CAS--> [p + 2]
//
// A stale read of state_ is legal: each decision is a CAS. A stale read of ended_ is: the sleep
// compares the newest value.
//
// Invariants: (1) Nobody waits for phase p + 1 before ended_ tells p + 1: who arrives knows that
// phase p is over. (2) A waiter that finds another phase in ended_ than its own has seen its own
// end well: the only other way to change it is reset(), which waits until those of a broken phase
// have left. So each phase ends the same way for all who wait for it.
// Destruction: the last touch of an arrival or of abort() is its RMW of ended_, that of a wait its
// load of it, that of a broken one its RMW of leaving_. The wakes after these use the address only.

namespace takt::inline v0 {

/// What a Barrier does between two phases if not told otherwise: nothing.
struct NoCompletion {
  constexpr void operator()() const noexcept {}
};

/// Where a number of threads wait for each other, phase after phase. As std::barrier, with time
/// limits, and with a way out when somebody does not come: a time-out or abort() *breaks* it, and
/// everybody who waits, or arrives later, is told so until reset(). A phase that all have arrived
/// in is not broken any more.
///
/// Each of the parties arrives once a phase, after it knows that the phase before is over: by its
/// own wait or from somebody's. Arrivals of more threads than parties at the same time are a broken
/// contract (checked where it shows). The last arrival of a phase calls the completion, which must
/// not throw, and must not call the barrier but for abort(); nobody leaves before it returns, not
/// even when its time is up.
///
/// Whoever knows that all waits have returned and that no other call follows may destroy the
/// barrier, even while the arrival that released them is still on its way out.
///
/// Waits first look `kSpins` times, a pause in between, and then sleep.
template <class Completion, unsigned kSpins, class Env>
class BasicBarrier : private detail::BarrierWords {
  static_assert(std::is_nothrow_invocable_v<Completion&> &&
                    std::is_nothrow_destructible_v<Completion>,
                "Barrier: the completion must not throw");

 public:
  /// An arrival that may be waited for, once. Outlives a reset(): then the wait tells `broken`.
  class ArrivalToken {
   public:
    ArrivalToken(ArrivalToken&&) noexcept = default;
    ArrivalToken& operator=(ArrivalToken&&) noexcept = default;
    ArrivalToken(const ArrivalToken&) = delete;
    ArrivalToken& operator=(const ArrivalToken&) = delete;
    ~ArrivalToken() = default;

   private:
    friend class BasicBarrier;
    ArrivalToken(std::uint32_t phase, std::uint32_t index) noexcept
        : phase_(phase), index_(index) {}
    std::uint32_t phase_;
    std::uint32_t index_;
  };
  using arrival_token = ArrivalToken;

  /// The most parties.
  static constexpr std::ptrdiff_t max() noexcept { return kCount; }

  /// For `parties` arrivals a phase, 0 to max() (else aborts).
  constexpr explicit BasicBarrier(
      std::ptrdiff_t parties,
      Completion completion =
          Completion()) noexcept(std::is_nothrow_move_constructible_v<Completion>)
      : parties_(static_cast<std::uint32_t>(parties)), completion_(std::move(completion)) {
    TAKT_CHECK(parties >= 0 && parties <= max(), "Barrier: parties out of range");
  }
  BasicBarrier(const BasicBarrier&) = delete;
  BasicBarrier& operator=(const BasicBarrier&) = delete;

  /// Arrives `update` times; the last arrival ends the phase. Of a broken barrier only the token
  /// tells. Blocks: no. Bound: lock-free, one more attempt for each other party's arrival; the last
  /// one runs the completion, plus one system call when somebody sleeps. Callable from: any thread.
  /// `update` is 1 up to the arrivals that this phase still expects (else aborts).
  [[nodiscard]] ArrivalToken arrive(std::ptrdiff_t update = 1) noexcept {
    TAKT_CHECK(update > 0 && update <= max(), "Barrier: update out of range");
    const Arrival arrival = arrive_in_phase(static_cast<std::uint32_t>(update), 0);
    return {phase_of(arrival.before), count_of(arrival.before, kArrived)};
  }

  /// Waits for the end of the token's phase: the present one or the one before. Returns which
  /// arrival it was, from 0 on in the order of arrival.
  /// Blocks: until then. Callable from: any thread. Errors: broken, the phase was broken, or there
  /// was a reset() before this call.
  Result<std::ptrdiff_t> wait(ArrivalToken&& token) const noexcept {
    return wait_until(std::move(token), kNever);
  }

  /// As wait(), at most until `deadline`, of any clock; then it breaks the barrier.
  /// Errors: timed_out for the one that breaks it, broken for all others.
  template <class OtherClock, class OtherDuration>
  Result<std::ptrdiff_t> wait_until(
      ArrivalToken&& token,
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) const noexcept {
    const ArrivalToken taken = std::move(token);
    switch (join(taken.phase_)) {
      case Outcome::pending:
        return wait_for_end(taken.phase_, taken.index_, deadline);
      case Outcome::ended:
        return static_cast<std::ptrdiff_t>(taken.index_);
      case Outcome::broken:
        break;
    }
    return told_broken();
  }

  /// As wait(), at most for `timeout`. Errors: as wait_until().
  template <class Rep, class Period>
  Result<std::ptrdiff_t> wait_for(
      ArrivalToken&& token, const std::chrono::duration<Rep, Period>& timeout) const noexcept {
    return wait_until(std::move(token), deadline_after(timeout));
  }

  /// wait(arrive()). Blocks: until the end of the phase. Callable from: any thread.
  /// Errors: broken.
  Result<std::ptrdiff_t> arrive_and_wait() noexcept { return arrive_and_wait_until(kNever); }

  /// As arrive_and_wait(), at most until `deadline`, of any clock; then it breaks the barrier. The
  /// last arrival succeeds even when the deadline has passed.
  /// Errors: timed_out for the one that breaks it, broken for all others.
  template <class OtherClock, class OtherDuration>
  Result<std::ptrdiff_t> arrive_and_wait_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    const Arrival arrival = arrive_in_phase(1, kWaiter);
    if (arrival.outcome == Outcome::broken) return told_broken();
    const std::uint32_t index = count_of(arrival.before, kArrived);
    if (arrival.outcome == Outcome::ended) return static_cast<std::ptrdiff_t>(index);
    return wait_for_end(phase_of(arrival.before), index, deadline);
  }

  /// As arrive_and_wait(), at most for `timeout`. Errors: as arrive_and_wait_until().
  template <class Rep, class Period>
  Result<std::ptrdiff_t> arrive_and_wait_for(
      const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return arrive_and_wait_until(deadline_after(timeout));
  }

  /// Arrives for the last time: from the next phase on, there is one party less. Of a broken
  /// barrier as well, from reset() on. Blocks: no. Bound: as arrive(). Callable from: any thread.
  void arrive_and_drop() noexcept { static_cast<void>(arrive_in_phase(1, kDropper)); }

  /// Breaks the barrier: now, or, while the completion runs, at the beginning of the next phase.
  /// Blocks: no. Bound: lock-free, one more attempt for each arrival meanwhile, plus one system
  /// call when somebody sleeps. Callable from: any thread, the completion included.
  void abort() noexcept { break_phase(kAnyPhase); }

  /// Breaks the barrier if it is not, and begins a new phase. Parties that have dropped stay away.
  /// Blocks: until those who were told `broken` by a wait have left it; if the completion runs,
  /// until it is over. Callable from: one thread at a time, not the completion.
  void reset() noexcept {
    abort();
    // relaxed, here and in the loop: what came before is told by ended_.
    std::uint64_t seen = state_.load(std::memory_order_relaxed);
    while ((seen & kComplete) != 0) {
      static_cast<void>(sleep_until_told(phase_of(seen), kNever));
      seen = state_.load(std::memory_order_relaxed);
    }
    // From here on only arrive_and_drop() changes the state.
    const std::uint32_t phase = phase_of(seen);
    static_cast<void>(sleep_until_told(previous(phase), kNever));
    if (count_of(seen, kWaiting) != 0) {
      static_cast<void>(sleep_until_told(phase, kNever));
      leaving_.wait();
    }
    const std::uint32_t fresh = next(next(phase));
    // relaxed, to the end: the CAS orders it all. Nobody waits, and nobody can arrive.
    ended_.store(fresh << kToldShift, std::memory_order_relaxed);
    const std::uint32_t parties = parties_.load(std::memory_order_relaxed);
    do {
      parties_.store(parties - count_of(seen, kDropped), std::memory_order_relaxed);
      // release: pairs with the acquire of arrivals.
    } while (!state_.compare_exchange_strong(seen, in_phase(fresh), std::memory_order_release,
                                             std::memory_order_relaxed));
  }

  /// Whether it is broken, or will be when the completion returns; may be outdated on return.
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  bool broken() const noexcept {
    // relaxed: a figure to show, it orders nothing.
    return (state_.load(std::memory_order_relaxed) & kBroken) != 0;
  }

  /// How many threads wait for the end of the phase; 0 when it is broken. May be outdated on
  /// return. Blocks: no. Bound: wait-free. Callable from: any thread.
  std::ptrdiff_t waiting() const noexcept {
    // relaxed: a figure to show, it orders nothing.
    const std::uint64_t seen = state_.load(std::memory_order_relaxed);
    return is_broken(seen) ? 0 : static_cast<std::ptrdiff_t>(count_of(seen, kWaiting));
  }

 private:
  struct Arrival {
    std::uint64_t before;  // the state that it changed
    Outcome outcome;
  };

  static Status told_broken() noexcept {
    return {StatusCode::broken, "Barrier: broken by a time-out, abort() or reset()"};
  }

  /// Arrives `update` times; `also` is what the arrival counts for besides.
  Arrival arrive_in_phase(std::uint32_t update, std::uint64_t also) noexcept {
    // acquire: pairs with the release of earlier arrivals, if this is the last one; of reset(), for
    // parties_; of break_phase(), for what came before it.
    std::uint64_t seen = state_.load(std::memory_order_acquire);
    for (;;) {
      const bool late = is_broken(seen);
      if (late && also != kDropper) return {seen, Outcome::broken};
      // relaxed: changed only where the state changes as well, which the CAS would notice.
      const std::uint32_t parties = parties_.load(std::memory_order_relaxed);
      const std::uint32_t missing = parties - count_of(seen, kArrived);
      const bool expected =
          late ? count_of(seen, kDropped) < parties : (seen & kComplete) == 0 && update <= missing;
      const bool last = expected && !late && update == missing;
      const bool at_once = std::is_same_v<Completion, NoCompletion> && also != kDropper &&
                           count_of(seen, kDropped) == 0;
      const std::uint64_t desired = !expected ? seen
                                    : late    ? seen + also
                                    : !last   ? seen + also + update
                                    : at_once ? in_phase(next(phase_of(seen)))
                                              : (seen + also + update) | kComplete;
      // release: pairs with the acquire of the last arrival. acquire on failure: as the load above,
      // which has acquired what a success replaces.
      if (!state_.compare_exchange_strong(seen, desired, std::memory_order_release,
                                          std::memory_order_acquire)) {
        continue;
      }
      TAKT_CHECK(expected, "Barrier: more arrivals than the phase expects");
      if (late) return {seen, Outcome::broken};
      if (!last) return {seen, Outcome::pending};
      if (!at_once) complete(desired, parties);
      tell(phase_of(seen), next(phase_of(seen)) << kToldShift);
      return {seen, Outcome::ended};
    }
  }

  /// What the last arrival does before it tells: the completion, and the next phase.
  void complete(std::uint64_t seen, std::uint32_t parties) noexcept {
    completion_();
    // relaxed: told by ended_.
    parties_.store(parties - count_of(seen, kDropped), std::memory_order_relaxed);
    const std::uint64_t fresh = in_phase(next(phase_of(seen)));
    // relaxed: told by ended_. Fails for an abort() and for waits that begin.
    while (!state_.compare_exchange_strong(seen, fresh | (seen & kBroken),
                                           std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
  }

  /// Tells how `phase` ended, and wakes whoever sleeps.
  void tell(std::uint32_t phase, std::uint32_t end) const noexcept {
    // release: pairs with the acquire of sleep_until_told() and its spin.
    const std::uint32_t before = ended_.exchange(end, std::memory_order_release);
    TAKT_CHECK(before >> kToldShift == phase, kTooEarly);
    if ((before & kSleeping) != 0) Env::wake(ended_, INT_MAX);
  }

  /// Counts the caller among those who wait for `phase`, if that is the present one.
  Outcome join(std::uint32_t phase) const noexcept {
    for (;;) {  // lock-free: repeated only when another thread has changed the state
      // relaxed: the CAS decides, or ended_ tells.
      std::uint64_t seen = state_.load(std::memory_order_relaxed);
      if (phase_of(seen) == next(phase)) {
        // The arrival that ended it may not have told yet.
        static_cast<void>(sleep_until_told(phase, kNever));
        return Outcome::ended;
      }
      if (phase_of(seen) != phase || is_broken(seen)) return Outcome::broken;
      // relaxed: what came before the end of the phase is told by ended_.
      if (state_.compare_exchange_strong(seen, seen + kWaiter, std::memory_order_relaxed,
                                         std::memory_order_relaxed)) {
        return Outcome::pending;
      }
    }
  }

  /// The rest of a wait that is counted.
  template <class AnyTime>
  Result<std::ptrdiff_t> wait_for_end(std::uint32_t phase, std::uint32_t index,
                                      const AnyTime& deadline) const noexcept {
    Outcome outcome = Outcome::pending;
    detail::attempt_until(deadline, [&](TimePoint at) {
      outcome = sleep_until_told(phase, at);
      return outcome != Outcome::pending;
    });
    bool breaks = false;
    if (outcome == Outcome::pending) {
      breaks = break_phase(phase);
      // Decided now: by the caller, or by another one that is about to tell.
      outcome = sleep_until_told(phase, kNever);
    }
    if (outcome == Outcome::ended) return static_cast<std::ptrdiff_t>(index);
    leaving_.count_down();
    if (!breaks) return told_broken();
    return Status(StatusCode::timed_out, "Barrier: not all have arrived in time; broken now");
  }

  /// Waits until ended_ says anything about `phase`, or the deadline.
  Outcome sleep_until_told(std::uint32_t phase, TimePoint deadline) const noexcept {
    for (unsigned spin = 0; spin < kSpins; ++spin) {
      // acquire: pairs with the release of tell().
      const Outcome outcome = outcome_of(ended_.load(std::memory_order_acquire), phase);
      if (outcome != Outcome::pending) return outcome;
      Env::pause();
    }
    for (bool in_time = true;;) {
      // acquire: pairs with the release of tell().
      std::uint32_t seen = ended_.load(std::memory_order_acquire);
      const Outcome outcome = outcome_of(seen, phase);
      if (outcome != Outcome::pending || !in_time) return outcome;
      // relaxed: the bit carries no data; it is part of the word that the sleep compares.
      if ((seen & kSleeping) == 0 &&
          !ended_.compare_exchange_strong(seen, seen | kSleeping, std::memory_order_relaxed,
                                          std::memory_order_relaxed)) {
        continue;  // bounded: each failure is the end of the phase or the one setting of the bit
      }
      in_time = Env::wait(ended_, seen | kSleeping, deadline) != ETIMEDOUT;
    }
  }

  /// Breaks `only`, or any phase, if it is still undecided. Returns whether it did.
  bool break_phase(std::uint32_t only) const noexcept {
    // relaxed: the CAS decides.
    std::uint64_t seen = state_.load(std::memory_order_relaxed);
    for (;;) {
      if ((seen & kBroken) != 0) return false;
      if (only != kAnyPhase && (phase_of(seen) != only || (seen & kComplete) != 0)) return false;
      // acquire: pairs with the release of reset(), by way of the waits' arrivals: leaving_ is
      // free. release: pairs with the acquire of arrivals that come too late.
      if (state_.compare_exchange_strong(seen, seen | kBroken, std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
        break;
      }
    }
    // Nobody waits: nobody to tell, and the phase before may not be told yet.
    const std::uint32_t waiters = count_of(seen, kWaiting);
    if ((seen & kComplete) == 0 && waiters != 0) {
      std::destroy_at(&leaving_);
      std::construct_at(&leaving_, static_cast<std::ptrdiff_t>(waiters));
      tell(phase_of(seen), phase_of(seen) << kToldShift | kToldBroken);
    }
    return true;
  }

  // Waits are const, as the standard's, and change all of these.
  mutable typename Env::template Atomic<std::uint64_t> state_{0};
  mutable typename Env::Word ended_{0};
  mutable BasicLatch<Env> leaving_{0};
  typename Env::Word parties_;  // of this phase; changed between phases, by who ends one
  [[no_unique_address]] Completion completion_;
};

/// The Barrier of threads.
template <class Completion = NoCompletion, unsigned kSpins = 0>
using Barrier = BasicBarrier<Completion, kSpins, ThreadEnv>;

/// The Barrier of processes that map the same memory; constructed once, by one of them. A process
/// that ends without arriving leaves the others waiting: give them a time limit.
template <class Completion = NoCompletion, unsigned kSpins = 0>
using ProcessBarrier = BasicBarrier<Completion, kSpins, ProcessEnv>;
static_assert(sizeof(Barrier<>) <= 32);

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_BARRIER_H_
