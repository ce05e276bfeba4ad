// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_READY_JOBS_H_
#define TAKT_EXECUTOR_READY_JOBS_H_

#include <cstdint>

#include "takt/executor/index_ring.h"
#include "takt/executor/limits.h"
#include "takt/executor/slot_bitmap.h"
#include "takt/sync/env.h"

namespace takt::inline v0 {

/// What of a lane's jobs is ready, in one ring a priority level, and which job slots are free, in a
/// bitmap; nothing of who works. Indices below the number of job slots are posted jobs, those above
/// are tasks and descriptors.
template <class Env>
class BasicReadyJobs {
 public:
  using Ring = BasicIndexRing<Env>;
  using Slots = BasicSlotBitmap<Env>;
  static constexpr std::uint32_t kNone = Ring::kNone;

  /// Uses kPriorityLevels times `capacity` cells (a power of two, room for all indices of the lane)
  /// and Slots::words_for(slots) words, all zero. The slots 0 to `slots` - 1 become free. Called
  /// once, before any other call.
  void attach(typename Ring::Cell* cells, std::uint32_t capacity, typename Slots::Word* words,
              std::uint32_t slots) noexcept {
    for (Ring& ring : ready_) {
      ring.attach(cells, capacity);
      cells += capacity;
    }
    free_.attach(words, slots);
  }

  // Callable from: any thread. Blocks: no.

  /// A free job slot, now the caller's; kNone when all are in use. Bound: O(slots / 64).
  std::uint32_t acquire_slot() noexcept { return free_.acquire(posters_.free_hint); }

  /// Gives back a job slot. Bound: wait-free.
  void release_slot(std::uint32_t slot) noexcept { free_.release(slot); }

  /// Makes `index` ready, seq_cst. Returns its position in the level, for withdraw();
  /// Ring::kNoPosition when what was withdrawn has not been cleared away yet. Bound: lock-free.
  std::uint64_t push(Priority level, std::uint32_t index) noexcept {
    const auto number = static_cast<std::uint32_t>(level);
    return ready_[number].push(posters_.ready_tail[number], index);
  }

  /// Takes back `index`, which push() put at `position`. False: somebody has taken it. Bound:
  /// wait-free.
  bool withdraw(Priority level, std::uint64_t position, std::uint32_t index) const noexcept {
    return ready_[static_cast<std::uint32_t>(level)].withdraw(position, index);
  }

  /// The next job by priority and age, of the first `levels` levels; kNone when there is none.
  /// Bound: lock-free. (Callable from: a worker of the lane.)
  std::uint32_t take(std::uint32_t levels = kPriorityLevels) noexcept {
    for (std::uint32_t level = 0; level < levels; ++level) {
      const std::uint32_t index = ready_[level].pop(takers_.ready_head[level]);
      if (index != kNone) return index;
    }
    return kNone;
  }

  /// Takes, instead of a worker, the oldest index of the lowest level that has one, but none of a
  /// higher priority than `level`. A level whose oldest index is not below `limit` is left alone.
  /// kNone when there is nothing to take. Bound: lock-free.
  std::uint32_t take_oldest(Priority level, std::uint32_t limit) noexcept {
    const auto highest = static_cast<std::uint32_t>(level);
    for (std::uint32_t number = kPriorityLevels; number-- > highest;) {
      const std::uint32_t index = ready_[number].pop(takers_.ready_head[number], limit);
      if (index != kNone) return index;
    }
    return kNone;
  }

  /// Whether no job of the first `levels` levels waits, each at some instant during the call.
  /// Bound: lock-free.
  bool nothing_ready(std::uint32_t levels = kPriorityLevels) const noexcept {
    for (std::uint32_t level = 0; level < levels; ++level) {
      if (!ready_[level].empty(takers_.ready_head[level])) return false;
    }
    return true;
  }

  /// How many jobs are ready. A figure; exact while nobody posts and takes. Bound: O(jobs).
  std::uint32_t backlog() const noexcept {
    std::uint32_t sum = 0;
    for (std::uint32_t level = 0; level < kPriorityLevels; ++level) {
      sum += ready_[level].size(takers_.ready_head[level]);
    }
    return sum;
  }

 private:
  /// What posters write with each job.
  struct alignas(64) Posters {
    typename Ring::Counter ready_tail[kPriorityLevels];
    typename Slots::Hint free_hint;
  };
  /// What workers write with each job.
  struct alignas(64) Takers {
    typename Ring::Counter ready_head[kPriorityLevels];
  };

  Posters posters_;
  Takers takers_;
  // What all read and hardly anybody writes while the lane is busy.
  alignas(64) Ring ready_[kPriorityLevels];
  Slots free_;
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_READY_JOBS_H_
