// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_BARRIER_WORDS_H_
#define TAKT_SYNC_BARRIER_WORDS_H_

#include <cstdint>

#include "takt/platform/check.h"

// The bits of the words of a barrier; barrier.h has their state machine.
//
//   state_   bits 0-11   arrived: arrivals in this phase. Raised by arrivals.
//            bits 12-23  dropped: how many of those do not come again. Raised by arrive_and_drop().
//            bits 24-35  waiting: threads that wait for the end of this phase. Raised by waits.
//            bit 36      kComplete: all have arrived, the completion runs. Set by the last arrival.
//            bit 37      kBroken. Set by a time-out and by abort(); beside kComplete it means that
//                        the next phase will begin broken. Cleared by reset().
//            bits 38-63  the phase. Whoever ends one raises it by one and clears arrived, dropped,
//                        waiting and kComplete; reset() raises it by two.
//   ended_   bit 0       kSleeping: somebody may sleep on the word. Set by a waiter's CAS, cleared
//                        by each RMW that tells, and its maker wakes all.
//            bit 1       kToldBroken: this phase was broken while threads waited for it. Set by
//                        who broke it, cleared by reset().
//            bits 2-27   the phase, as told.

namespace takt::inline v0::detail {

/// What the words of a barrier say. Pure functions.
class BarrierWords {
 protected:
  static constexpr std::uint32_t kCount = 0xFFF;
  // Where the counts begin.
  static constexpr int kArrived = 0;
  static constexpr int kDropped = 12;
  static constexpr int kWaiting = 24;
  static constexpr int kPhaseShift = 38;
  static constexpr std::uint64_t kDropper = std::uint64_t{1} << kDropped;
  static constexpr std::uint64_t kWaiter = std::uint64_t{1} << kWaiting;
  static constexpr std::uint64_t kComplete = std::uint64_t{1} << 36;
  static constexpr std::uint64_t kBroken = std::uint64_t{1} << 37;
  static constexpr std::uint32_t kPhaseMask = 0x03FF'FFFF;
  static constexpr std::uint32_t kAnyPhase = kPhaseMask + 1;
  // Of ended_.
  static constexpr std::uint32_t kSleeping = 1;
  static constexpr std::uint32_t kToldBroken = 2;
  static constexpr int kToldShift = 2;
  static constexpr const char* kTooEarly =
      "Barrier: arrived in a phase before the one before was over";

  enum class Outcome : std::uint32_t { pending, ended, broken };

  static constexpr std::uint32_t phase_of(std::uint64_t state) noexcept {
    return static_cast<std::uint32_t>(state >> kPhaseShift);
  }
  /// The state at the beginning of a phase.
  static constexpr std::uint64_t in_phase(std::uint32_t phase) noexcept {
    return std::uint64_t{phase} << kPhaseShift;
  }
  static constexpr std::uint32_t count_of(std::uint64_t state, int count) noexcept {
    return static_cast<std::uint32_t>(state >> count) & kCount;
  }
  static constexpr std::uint32_t next(std::uint32_t phase) noexcept {
    return (phase + 1) & kPhaseMask;
  }
  static constexpr std::uint32_t previous(std::uint32_t phase) noexcept {
    return (phase - 1) & kPhaseMask;
  }
  /// Broken in this phase, not in the one to come.
  static constexpr bool is_broken(std::uint64_t state) noexcept {
    return (state & (kBroken | kComplete)) == kBroken;
  }
  /// What ended_ says about `phase`.
  static Outcome outcome_of(std::uint32_t told, std::uint32_t phase) noexcept {
    if (told >> kToldShift == phase) {
      return (told & kToldBroken) != 0 ? Outcome::broken : Outcome::pending;
    }
    TAKT_CHECK(told >> kToldShift != previous(phase), kTooEarly);
    return Outcome::ended;
  }
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_SYNC_BARRIER_WORDS_H_
