// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_SLOT_BITMAP_H_
#define TAKT_EXECUTOR_SLOT_BITMAP_H_

#include <atomic>
#include <bit>
#include <cstdint>

#include "takt/sync/env.h"

// One bit a slot, 1 while it is free. Set by release(), cleared by acquire(), each by one RMW; the
// RMW that clears a set bit owns the slot. A stale read of a word is legal: the RMW decides.

namespace takt::inline v0 {

/// The free slots of a lane, over memory of the caller's.
template <class Env>
class BasicSlotBitmap {
 public:
  /// A cache line of its own, so that a poster that takes slots here does not disturb a worker that
  /// gives slots back there.
  struct alignas(64) Word {
    typename Env::template Atomic<std::uint64_t> free;
  };
  using Hint = typename Env::template Atomic<std::uint32_t>;

  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::uint32_t kSlotsPerWord = 64;

  /// The words needed for `slots`.
  static constexpr std::uint32_t words_for(std::uint32_t slots) noexcept {
    return (slots + kSlotsPerWord - 1) / kSlotsPerWord;
  }

  /// Uses words_for(slots) words, all zero; all slots become free. Called once, before any other
  /// call.
  void attach(Word* words, std::uint32_t slots) noexcept {
    words_ = words;
    count_ = words_for(slots);
    for (std::uint32_t slot = 0; slot < slots; ++slot) release(slot);
  }

  /// A free slot, now the caller's, the first at or behind `hint`, which it moves on: posters then
  /// write other words than workers that give slots back. kNone when each slot was seen in use
  /// during the call. Blocks: no. Bound: O(slots / 64), and one more step for each slot that others
  /// take meanwhile. Callable from: any thread.
  std::uint32_t acquire(Hint& hint) const noexcept {
    // relaxed, here and at the stores: a hint.
    const std::uint32_t start = hint.load(std::memory_order_relaxed);
    std::uint32_t word = start / kSlotsPerWord;
    std::uint64_t behind = ~std::uint64_t{0} << (start % kSlotsPerWord);
    // The first word is looked at twice: for the slots behind the hint, and at last for the others.
    for (std::uint32_t visit = 0; visit <= count_; ++visit) {
      // seq_cst: the look of a poster that has said that it waits (room.h); the RMW decides. Free
      // on x86-64 and ARMv8.
      std::uint64_t free = words_[word].free.load(std::memory_order_seq_cst) & behind;
      while (free != 0) {
        const auto number = static_cast<std::uint32_t>(std::countr_zero(free));
        const std::uint64_t bit = std::uint64_t{1} << number;
        // acquire: pairs with the release in release(); what the last user wrote is over. Only
        // `bit` of the result is looked at: then x86-64 has an instruction for it, without a loop.
        if ((words_[word].free.fetch_and(~bit, std::memory_order_acquire) & bit) != 0) {
          const std::uint32_t slot = word * kSlotsPerWord + number;
          hint.store(slot + 1 < count_ * kSlotsPerWord ? slot + 1 : 0, std::memory_order_relaxed);
          return slot;
        }
        // Lost to another poster: look at what is free now. relaxed: a slot was free at the look
        // before, so whoever gives one back after that sees who waits.
        free = words_[word].free.load(std::memory_order_relaxed) & behind;
      }
      behind = ~std::uint64_t{0};
      if (++word == count_) word = 0;
    }
    return kNone;
  }

  /// Makes `slot` free. Blocks: no. Bound: wait-free. Callable from: its owner.
  void release(std::uint32_t slot) const noexcept {
    // seq_cst: before the lane looks who waits for room (room.h). Its release pairs with the
    // acquire in acquire().
    words_[slot / kSlotsPerWord].free.fetch_or(std::uint64_t{1} << (slot % kSlotsPerWord),
                                               std::memory_order_seq_cst);
  }

 private:
  Word* words_;
  std::uint32_t count_;
};

using SlotBitmap = BasicSlotBitmap<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_SLOT_BITMAP_H_
