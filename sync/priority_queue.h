// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_PRIORITY_QUEUE_H_
#define TAKT_SYNC_PRIORITY_QUEUE_H_

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "takt/platform/check.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"
#include "takt/sync/blocking_queue.h"
#include "takt/sync/env.h"

// Who waits for what, the invariant and what may be destroyed when: blocking_queue.h. Here are the
// levels under it, at the end: N cells, each in one of Levels + 1 lists, those of the levels and
// that of the free ones.
//
//           push: to the end of its level                pop: from the first level that has any
//   [free] --------------------------------> [level l] -------------------------------> [free]
//                                                        push_evict: from the last one
//
//   filled_  bit l: level l has an item. Set by push, cleared by who takes its last one.
//   next_    of each cell the one behind it in its list, numbered from 1, 0 for none, so that all
//            of it begins as zero. Cells that were never used are in no list: they come in their
//            order, when no other is free.
//
// Invariant: a bit of filled_ is set exactly when that level's list has a cell.

namespace takt::inline v0 {

namespace detail {
template <class T, std::size_t N, std::size_t Levels>
class ItemLevels;
}

/// A queue of up to N items on Levels levels, for any number of threads that push and pop: of level
/// 0 first, then 1, …; first in, first out within a level. Both ends take the same time however
/// many items there are. A level that is not there, Levels or more, aborts. Otherwise as
/// BoundedQueue, with the same operations: who waits is served by priority, then in order of
/// arrival, whatever the level. Callable from: any thread that may block.
template <class T, std::size_t N, std::size_t Levels, class Env>
class BasicBoundedPriorityQueue
    : public detail::BlockingQueue<detail::ItemLevels<T, N, Levels>, Env> {
 public:
  constexpr BasicBoundedPriorityQueue() noexcept = default;

  /// Appends `item` to `level`, 0 (the first) to Levels - 1 (else aborts). Blocks: until there is
  /// room or the queue is closed. Errors: closed; the item then stays with the caller.
  Status push(T&& item, std::size_t level) noexcept {
    return push_until(std::move(item), level, kNever);
  }
  Status push(const T& item, std::size_t level) {
    T copy(item);
    return push(std::move(copy), level);
  }

  /// As push(), at most until `deadline`, of any clock; where there is room it succeeds even then.
  /// Errors: closed, timed_out; the item then stays with the caller.
  template <class OtherClock, class OtherDuration>
  Status push_until(T&& item, std::size_t level,
                    const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    return this->push_at(item, checked(level), deadline);
  }
  template <class OtherClock, class OtherDuration>
  Status push_until(const T& item, std::size_t level,
                    const std::chrono::time_point<OtherClock, OtherDuration>& deadline) {
    T copy(item);
    return push_until(std::move(copy), level, deadline);
  }

  /// As push(), at most for `timeout`. Errors: as push_until().
  template <class Rep, class Period>
  Status push_for(T&& item, std::size_t level,
                  const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return push_until(std::move(item), level, deadline_after(timeout));
  }
  template <class Rep, class Period>
  Status push_for(const T& item, std::size_t level,
                  const std::chrono::duration<Rep, Period>& timeout) {
    T copy(item);
    return push_for(std::move(copy), level, timeout);
  }

  /// Appends `item` to `level` if there is room. Blocks: for the lock only.
  /// Errors: unavailable it is full, closed; the item then stays with the caller.
  Status try_push(T&& item, std::size_t level) noexcept {
    return this->try_push_at(item, checked(level));
  }
  Status try_push(const T& item, std::size_t level) {
    T copy(item);
    return try_push(std::move(copy), level);
  }

  /// Appends `item` to `level` if there is room, else destroys it, outside the lock, and counts it
  /// in dropped(). Returns whether it was appended. Blocks: for the lock only.
  bool push_or_drop(T item, std::size_t level) noexcept {
    return this->push_or_drop_at(item, checked(level));
  }

  /// Appends `item` to `level`, in a full queue in place of the oldest item of the last level that
  /// has any, and returns what has no place now: nothing, that item, or `item` itself, where it is
  /// of a level behind all that are there (nothing gives way to what comes after it) or the queue
  /// is closed. Blocks: for the lock only.
  [[nodiscard]] std::optional<T> push_evict(T item, std::size_t level) noexcept {
    return this->push_evict_at(item, checked(level));
  }

 private:
  static std::size_t checked(std::size_t level) noexcept {
    TAKT_CHECK(level < Levels, "BoundedPriorityQueue: no such level");
    return level;
  }
};

template <class T, std::size_t N, std::size_t Levels>
using BoundedPriorityQueue = BasicBoundedPriorityQueue<T, N, Levels, ThreadEnv>;
template <class T, std::size_t N, std::size_t Levels>
using ProcessBoundedPriorityQueue = BasicBoundedPriorityQueue<T, N, Levels, ProcessEnv>;

namespace detail {

/// A storage of BlockingQueue: level by level, first in, first out within a level.
template <class T, std::size_t N, std::size_t Levels>
class ItemLevels {
  static_assert(N > 0 && N < std::numeric_limits<std::uint32_t>::max());
  static_assert(Levels > 0 && Levels <= 32, "BoundedPriorityQueue: 1 to 32 levels");

 public:
  using value_type = T;
  using Place = std::size_t;  // the level

  static constexpr std::size_t kCapacity = N;
  static constexpr QueueTexts kTexts = {
      .closed = "BoundedPriorityQueue: closed",
      .full = "BoundedPriorityQueue: full",
      .empty = "BoundedPriorityQueue: empty",
      .no_room_in_time = "BoundedPriorityQueue: no room in time",
      .no_item_in_time = "BoundedPriorityQueue: no item in time",
      .not_empty_in_time = "BoundedPriorityQueue: not empty in time",
  };

  constexpr ItemLevels() noexcept = default;
  ItemLevels(const ItemLevels&) = delete;
  ItemLevels& operator=(const ItemLevels&) = delete;
  ~ItemLevels() {
    for (const List& list : lists_) {
      for (std::uint32_t cell = list.first; cell != 0; cell = next_[cell - 1]) {
        std::destroy_at(&slots_.items[cell - 1]);
      }
    }
  }

  std::size_t size() const noexcept { return size_; }
  void append(T& item, std::size_t level) noexcept {
    std::uint32_t cell = free_;
    if (cell != 0) {
      free_ = next_[cell - 1];
    } else {
      cell = ++used_;
    }
    std::construct_at(&slots_.items[cell - 1], std::move(item));
    next_[cell - 1] = 0;
    List& list = lists_[level];
    if ((filled_ & bit(level)) != 0) {
      next_[list.last - 1] = cell;
    } else {
      list.first = cell;
      filled_ |= bit(level);
    }
    list.last = cell;
    ++size_;
  }
  void take(std::optional<T>& item) noexcept {
    take_from(static_cast<std::size_t>(std::countr_zero(filled_)), item);
  }
  bool make_room(std::size_t level, std::optional<T>& evicted) noexcept {
    const auto last = static_cast<std::size_t>(std::bit_width(filled_)) - 1;
    if (last < level) return false;
    take_from(last, evicted);
    return true;
  }

 private:
  /// First in, first out; numbers of cells from 1, 0 for none.
  struct List {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  static constexpr std::uint32_t bit(std::size_t level) noexcept { return 1U << level; }

  /// The oldest item of a level that has one.
  void take_from(std::size_t level, std::optional<T>& item) noexcept {
    List& list = lists_[level];
    const std::uint32_t cell = list.first;
    T* const oldest = &slots_.items[cell - 1];
    item.emplace(std::move(*oldest));
    std::destroy_at(oldest);
    list.first = next_[cell - 1];
    if (list.first == 0) filled_ &= ~bit(level);
    next_[cell - 1] = free_;
    free_ = cell;
    --size_;
  }

  std::uint32_t filled_ = 0;
  std::uint32_t free_ = 0;  // the cell freed last
  std::uint32_t used_ = 0;  // cells that were ever used
  std::size_t size_ = 0;
  List lists_[Levels];
  std::uint32_t next_[N] = {};
  ItemSlots<T, N> slots_;
};

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_SYNC_PRIORITY_QUEUE_H_
