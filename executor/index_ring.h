// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_INDEX_RING_H_
#define TAKT_EXECUTOR_INDEX_RING_H_

#include <atomic>
#include <bit>
#include <cstdint>

#include "takt/sync/env.h"

// A first-in-first-out ring of small indices, any number of threads on both sides. An array queue
// in the line of Tsigas and Zhang (SPAA 2001) and Colvin and Groves (ICECCS 2005): a push
// *publishes by one compare-and-swap on the cell*. The counters only say where to begin to look;
// they lag by a few positions, which saves most of their own compare-and-swaps. So no thread that
// stops anywhere inside push or pop hides another thread's index. The counters are the owner's, who
// puts what posters write on one cache line and what workers write on another. Both stand at the
// begin of a block of cells, a cache line, through which a push or a pop looks in one round.
//
// Positions 0, 1, 2, … are numbered without end; position p lives in cell p mod capacity and
// belongs to round p div capacity. A cell is one 64-bit word:
//
//   bits 0-15   0: empty, else index + 1
//   bits 16-63  the round that the cell is in
//
//            push: CAS                  pop or withdraw: CAS
//   [r, empty] --------------> [r, index] --------------> [r + 1, empty]
//
// Invariants: (1) A push fills position p only after it has seen that all positions from tail to p
// are filled; a pop empties p only after it has seen that all from head to p are emptied. tail and
// head move only over positions that their mover has seen so. (2) A cell never holds the same word
// twice (48 bits of rounds), so a CAS by a thread that slept through any number of rounds fails.
// (3) A pop that finds its position empty in its own round proves that the ring was empty at that
// load: everything before it was emptied, nothing at or behind it was filled.

namespace takt::inline v0 {

/// Bounded lock-free queue of indices up to kMaxIndex over memory of the caller's. The caller
/// guarantees that at most `capacity` indices are in it; without withdraw() it is never full.
template <class Env>
class BasicIndexRing {
 public:
  using Cell = typename Env::template Atomic<std::uint64_t>;
  using Counter = typename Env::template Atomic<std::uint64_t>;

  static constexpr std::uint32_t kMaxIndex = 0xFFFE;
  /// What pop() returns when there is nothing.
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  /// What push() returns when withdrawn positions leave no room.
  static constexpr std::uint64_t kNoPosition = ~std::uint64_t{0};

  /// The counters move by blocks: as many cells as a cache line holds.
  static constexpr std::uint32_t kBlock = 8;

  /// Uses `capacity` cells (a power of two), all zero, with a head and a tail that begin at zero;
  /// in blocks of `block` cells (a power of two) or one of all. Called once, before any other call.
  void attach(Cell* cells, std::uint32_t capacity, std::uint32_t block = kBlock) noexcept {
    cells_ = cells;
    mask_ = capacity - 1;
    shift_ = static_cast<std::uint32_t>(std::countr_zero(capacity));
    block_ = capacity < block ? capacity : block;
  }

  /// Appends `index`, looking from `tail`; returns its position, or kNoPosition: a withdrawn
  /// position is free again only after a pop has passed it, so an index that nobody pops, followed
  /// by a round of withdrawn ones, leaves no room. Blocks: no. Bound: lock-free; at most two blocks
  /// of kBlock cells, and one more for each push that others finish meanwhile. Callable from: any
  /// thread.
  std::uint64_t push(Counter& tail, std::uint32_t index) const noexcept {
    // acquire: pairs with the release in move(). Who sees tail at a position has the filling of all
    // cells before it behind itself, so that its own later pop() cannot miss them.
    std::uint64_t start = tail.load(std::memory_order_acquire);
    for (std::uint64_t block = start;; next(tail, start, block)) {
      const std::uint64_t vacant = empty_in(block);
      Cell* const cells = &cells_[block & mask_];
      const std::uint32_t count = block_;
      for (std::uint32_t number = skip_filled(cells, 0, count, vacant); number < count;
           number = skip_filled(cells, number + 1, count, vacant)) {
        std::uint64_t seen = vacant;
        do {
          // seq_cst: the publication of a job, ordered against the load of the lane's parked
          // workers (lane.h). On failure as the load in skip_filled(); what it read may still be
          // old, so the position is given up only once it was seen filled or passed.
          if (cells[number].compare_exchange_strong(seen, vacant | (index + 1),
                                                    std::memory_order_seq_cst,
                                                    std::memory_order_seq_cst)) {
            // release: pairs with the acquire load of tail.
            move(tail, start, number + 1 < count ? block : block + count);
            return block + number;
          }
          // relaxed: only the newest word is wanted, which a failed CAS need not have read.
          if (seen < vacant) seen = cells[number].fetch_or(0, std::memory_order_relaxed);
          if (seen < vacant) return kNoPosition;
        } while (seen == vacant);
      }
    }
  }

  /// Takes back `index` from `position`, where push() put it. False: somebody has popped it.
  /// Blocks: no. Bound: wait-free. Callable from: who pushed it.
  bool withdraw(std::uint64_t position, std::uint32_t index) const noexcept {
    std::uint64_t filled = empty_in(position) | (index + 1);
    // release: as in pop(). relaxed on failure: nothing is read.
    return cells_[position & mask_].compare_exchange_strong(filled, empty_in(position) + kNextRound,
                                                            std::memory_order_release,
                                                            std::memory_order_relaxed);
  }

  /// Takes the oldest index, looking from `head`; kNone when there is none, or when it is not below
  /// `limit`. Blocks: no. Bound: lock-free; at most two blocks of kBlock cells, and one more for
  /// each pop that others finish meanwhile. Callable from: any thread.
  // always_inline: most levels of a lane are empty, which takes fewer instructions than a call.
  [[gnu::always_inline]] std::uint32_t pop(Counter& head,
                                           std::uint32_t limit = kNone) const noexcept {
    // acquire: pairs with the release in move(). Who sees head at a position has the emptying of
    // all cells before it behind itself, so that no cell is read a round too old.
    std::uint64_t start = head.load(std::memory_order_acquire);
    for (std::uint64_t block = start;; next(head, start, block)) {
      const std::uint64_t vacant = empty_in(block);
      Cell* const cells = &cells_[block & mask_];
      const std::uint32_t count = block_;
      std::uint64_t seen = 0;
      for (std::uint32_t number = skip_emptied(cells, 0, count, vacant, seen); number < count;
           number = skip_emptied(cells, number + 1, count, vacant, seen)) {
        if (seen == vacant || (seen & kValueMask) > limit) {
          move(head, start, block);
          return kNone;
        }
        // acq_rel: acquire pairs with the release in push() and hands over what the index stands
        // for; release pairs with the acquire of who sees the cell emptied. acquire on failure: as
        // the load in skip_emptied(); what it read is newer than `seen`, so the cell was emptied.
        Cell& cell = cells[number];
        if (cell.compare_exchange_strong(seen, vacant + kNextRound, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
          move(head, start, number + 1 < count ? block : block + count);
          return static_cast<std::uint32_t>(seen & kValueMask) - 1;
        }
      }
    }
  }

  /// Whether there was nothing at some instant during the call. Blocks: no. Bound: as pop().
  bool empty(const Counter& head) const noexcept {
    // acquire: as in pop().
    std::uint64_t start = head.load(std::memory_order_acquire);
    for (std::uint64_t block = start;; next(head, start, block)) {
      const std::uint64_t vacant = empty_in(block);
      std::uint64_t seen = 0;
      if (skip_emptied(&cells_[block & mask_], 0, block_, vacant, seen) != block_) {
        return seen == vacant;
      }
    }
  }

  /// How many there are; a figure, exact while nobody pushes and pops. Blocks: no. Bound:
  /// O(capacity). Callable from: any thread.
  std::uint32_t size(const Counter& head) const noexcept {
    // relaxed, twice: a figure.
    std::uint64_t position = head.load(std::memory_order_relaxed);
    std::uint32_t count = 0;
    for (const std::uint64_t end = position + mask_ + 1; position != end; ++position) {
      const std::uint64_t seen = cells_[position & mask_].load(std::memory_order_relaxed);
      const std::uint64_t vacant = empty_in(position);
      if (seen == vacant) break;
      if (is_filled(seen, vacant)) ++count;
    }
    return count;
  }

 private:
  static constexpr std::uint64_t kValueMask = 0xFFFF;
  static constexpr unsigned kRoundShift = 16;
  static constexpr std::uint64_t kNextRound = std::uint64_t{1} << kRoundShift;

  /// The word of an empty cell in the round of `position`.
  std::uint64_t empty_in(std::uint64_t position) const noexcept {
    return (position >> shift_) << kRoundShift;
  }
  /// The first cell from `number` that is neither filled nor passed, unless the value read is old;
  /// `count` when there is none. A loop of its own: it takes half the instructions.
  static std::uint32_t skip_filled(const Cell* cells, std::uint32_t number, std::uint32_t count,
                                   std::uint64_t vacant) noexcept {
    // seq_cst: who skips a filled cell puts its filling before its own publication in the one order
    // of C++20, which an acquire load would not; free on x86-64 and ARMv8.
    while (number < count && cells[number].load(std::memory_order_seq_cst) > vacant) ++number;
    return number;
  }
  /// The first cell from `number` that is not emptied, in the round whose empty cells hold
  /// `vacant`: `seen`, its word, is `vacant` or holds an index. `count` when there is none.
  static std::uint32_t skip_emptied(const Cell* cells, std::uint32_t number, std::uint32_t count,
                                    std::uint64_t vacant, std::uint64_t& seen) noexcept {
    for (; number < count; ++number) {
      // seq_cst: a worker's last look before it sleeps, after it has said so (lane.h). Its acquire
      // pairs with the release of whoever emptied the cell, for move().
      seen = cells[number].load(std::memory_order_seq_cst);
      if (seen - vacant < kNextRound) break;
    }
    return number;
  }
  /// Whether the cell holds an index, in the round whose empty cells hold `vacant`.
  static bool is_filled(std::uint64_t word, std::uint64_t vacant) noexcept {
    return word - vacant - 1 < kValueMask;
  }

  /// The next block to look at: where the counter says, if that is further. The caller may have
  /// been preempted for long since it read it.
  void next(const Counter& counter, std::uint64_t& start, std::uint64_t& block) const noexcept {
    block += block_;
    // acquire: as where the counter was read first.
    const std::uint64_t fresh = counter.load(std::memory_order_acquire);
    if (fresh > block) start = block = fresh;
  }

  /// Moves a counter on, by whole blocks. A failure means that somebody else moved it.
  static void move(Counter& counter, std::uint64_t from, std::uint64_t to) noexcept {
    if (from == to) return;
    // release: pairs with the acquire loads of the counters. relaxed on failure: nothing is read.
    counter.compare_exchange_strong(from, to, std::memory_order_release, std::memory_order_relaxed);
  }

  Cell* cells_;
  std::uint32_t mask_;
  std::uint32_t shift_;
  std::uint32_t block_;
};

using IndexRing = BasicIndexRing<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_INDEX_RING_H_
