// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_PRIORITY_QUEUE_H_
#define TAKT_SYNC_PRIORITY_QUEUE_H_

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "takt/platform/check.h"
#include "takt/platform/result.h"
#include "takt/platform/status.h"
#include "takt/sync/annotations.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/lock_guard.h"
#include "takt/sync/mutex.h"
#include "takt/sync/sleepers.h"

// Under a mutex with priority inheritance: N cells, each in one of Levels + 1 lists, those of the
// levels and that of the free ones; and two kinds of sleepers (sleepers.h), who wait for an item
// and who wait for room.
//
//           push: to the end of its level                pop: from the first level that has any
//   [free] --------------------------------> [level l] -------------------------------> [free]
//
//   [open] --close: claims everybody--> [closed], for good
//
//   filled_  bit l: level l has an item. Set by push, cleared by the pop of its last one.
//   next_    of each cell the one behind it in its list, numbered from 1, 0 for none, so that all
//   of
//            it begins as zero. Cells that were never used are in no list: they come in their
//            order, when no other is free.
//
// Invariants: a bit of filled_ is set exactly when that level's list has a cell; while somebody
// waits for an item unclaimed, there are no more items than claimed threads on their way to them;
// the same for room. Each call changes the lists and claims under the lock, unlocks, and wakes
// after that.
// Destruction: the last touch of a call is its unlock (mutex.h); the wake after it uses the address
// only.

namespace takt::inline v0 {

/// A queue of up to N items on Levels levels, for any number of threads that push and pop: of level
/// 0 first, then 1, …; first in, first out within a level. Both ends take the same time however
/// many items there are. Otherwise as BoundedQueue: who waits is served by priority, then in order
/// of arrival, whatever the level; under the lock, which inherits priority, run T's move
/// constructor and the destructor of what it left behind. Callable from: any thread that may block.
template <class T, std::size_t N, std::size_t Levels, class Env>
class BasicBoundedPriorityQueue {
  static_assert(N > 0 && N < std::numeric_limits<std::uint32_t>::max());
  static_assert(Levels > 0 && Levels <= 32, "BoundedPriorityQueue: 1 to 32 levels");
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "items are moved and destroyed where nothing may throw");

 public:
  using value_type = T;

  constexpr BasicBoundedPriorityQueue() noexcept {}
  BasicBoundedPriorityQueue(const BasicBoundedPriorityQueue&) = delete;
  BasicBoundedPriorityQueue& operator=(const BasicBoundedPriorityQueue&) = delete;
  /// Destroys the items that are left. Nobody may be inside a call but for the wake at its end.
  ~BasicBoundedPriorityQueue() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    std::optional<T> item;
    while (size_ > 0) take_first(item);
  }

  /// Appends `item` to `level`, 0 (the first) to Levels - 1 (else aborts). Blocks: until there is
  /// room or the queue is closed. Errors: closed; the item then stays with the caller.
  Status push(T&& item, std::size_t level) noexcept {
    return push_until(std::move(item), level, kNever);
  }
  Status push(const T& item, std::size_t level) {
    T copy = item;
    return push(std::move(copy), level);
  }

  /// As push(), at most until `deadline`, of any clock; where there is room it succeeds even then.
  /// Errors: closed, timed_out; the item then stays with the caller.
  template <class OtherClock, class OtherDuration>
  Status push_until(T&& item, std::size_t level,
                    const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    Outcome outcome = Outcome::timed_out;
    detail::attempt_until(deadline, [&](TimePoint at) {
      outcome = push_waiting(item, level, at);
      return outcome != Outcome::timed_out;
    });
    return status_of(outcome, "BoundedPriorityQueue: no room in time");
  }

  /// As push(), at most for `timeout`. Errors: as push_until().
  template <class Rep, class Period>
  Status push_for(T&& item, std::size_t level,
                  const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return push_until(std::move(item), level, deadline_after(timeout));
  }

  /// Appends `item` to `level` if there is room. Blocks: for the lock only.
  /// Errors: unavailable it is full, closed; the item then stays with the caller.
  Status try_push(T&& item, std::size_t level) noexcept {
    check(level);
    mutex_.lock();
    if (closed_) return unlock_with(Outcome::closed);
    if (size_ == N) return unlock_with(Outcome::full);
    append_and_unlock(item, level);
    return {};
  }
  Status try_push(const T& item, std::size_t level) {
    T copy = item;
    return try_push(std::move(copy), level);
  }

  /// Takes the oldest item of the first level that has any. Blocks: until there is one, or the
  /// queue is closed and empty. Errors: closed, once nothing is left.
  Result<T> pop() noexcept { return pop_until(kNever); }

  /// As pop(), at most until `deadline`, of any clock; an item that is there is taken even then.
  /// Errors: closed, timed_out.
  template <class OtherClock, class OtherDuration>
  Result<T> pop_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    std::optional<T> item;
    Outcome outcome = Outcome::timed_out;
    detail::attempt_until(deadline, [&](TimePoint at) {
      outcome = pop_waiting(item, at);
      return outcome != Outcome::timed_out;
    });
    if (item) return std::move(*item);
    return status_of(outcome, "BoundedPriorityQueue: no item in time");
  }

  /// As pop(), at most for `timeout`. Errors: as pop_until().
  template <class Rep, class Period>
  Result<T> pop_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return pop_until(deadline_after(timeout));
  }

  /// As pop(), if there is an item. Blocks: for the lock only.
  /// Errors: unavailable it is empty; closed, once nothing is left.
  Result<T> try_pop() noexcept {
    std::optional<T> item;
    mutex_.lock();
    if (size_ == 0) return unlock_with(closed_ ? Outcome::closed : Outcome::empty);
    take_and_unlock(item);
    return std::move(*item);
  }

  /// From now on nothing can be pushed. Who waits for room is told so, who waits for an item once
  /// there are none left. Closing again changes nothing. Blocks: for the lock only.
  void close() noexcept {
    mutex_.lock();
    closed_ = true;
    const int poppers = items_.claim(kEverybody);
    const int pushers = room_.claim(kEverybody);
    mutex_.unlock();
    items_.wake(poppers);
    room_.wake(pushers);
  }

  /// How many items there can be.
  static constexpr std::size_t capacity() noexcept { return N; }
  /// How many there are; may be outdated on return. Blocks: for the lock only.
  std::size_t size() const noexcept {
    const LockGuard lock(mutex_);
    return size_;
  }
  /// The most there have been at a time. Blocks: for the lock only.
  std::size_t high_water() const noexcept {
    const LockGuard lock(mutex_);
    return high_water_;
  }
  /// Whether close() was called; may be outdated on return. Blocks: for the lock only.
  bool closed() const noexcept {
    const LockGuard lock(mutex_);
    return closed_;
  }

 private:
  enum class Outcome : std::uint32_t { done, closed, timed_out, full, empty };
  static constexpr std::uint32_t kEverybody = std::numeric_limits<std::uint32_t>::max();

  /// First in, first out; numbers of cells from 1, 0 for none.
  struct List {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  static void check(std::size_t level) noexcept {
    TAKT_CHECK(level < Levels, "BoundedPriorityQueue: no such level");
  }
  static Status status_of(Outcome outcome, std::string_view timed_out = {}) noexcept {
    switch (outcome) {
      case Outcome::done:
        break;
      case Outcome::closed:
        return {StatusCode::closed, "BoundedPriorityQueue: closed"};
      case Outcome::timed_out:
        return {StatusCode::timed_out, timed_out};
      case Outcome::full:
        return {StatusCode::unavailable, "BoundedPriorityQueue: full"};
      case Outcome::empty:
        return {StatusCode::unavailable, "BoundedPriorityQueue: empty"};
    }
    return {};
  }
  Status unlock_with(Outcome outcome) noexcept TAKT_RELEASE(mutex_) {
    mutex_.unlock();
    return status_of(outcome);
  }
  bool can_push() const noexcept TAKT_REQUIRES(mutex_) { return closed_ || size_ < N; }
  bool can_pop() const noexcept TAKT_REQUIRES(mutex_) { return closed_ || size_ > 0; }

  void append_and_unlock(T& item, std::size_t level) noexcept TAKT_RELEASE(mutex_) {
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
    if (high_water_ < size_) high_water_ = size_;
    const int poppers = items_.claim(1);
    mutex_.unlock();
    items_.wake(poppers);
  }

  void take_first(std::optional<T>& item) noexcept TAKT_REQUIRES(mutex_) {
    const auto level = static_cast<std::size_t>(std::countr_zero(filled_));
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

  void take_and_unlock(std::optional<T>& item) noexcept TAKT_RELEASE(mutex_) {
    take_first(item);
    const int pushers = room_.claim(1);
    mutex_.unlock();
    room_.wake(pushers);
  }

  static constexpr std::uint32_t bit(std::size_t level) noexcept { return 1U << level; }

  /// Locks, and waits until `kCan` or the deadline. Returns with the lock held, and whether it can.
  template <bool (BasicBoundedPriorityQueue::*kCan)() const noexcept>
  bool lock_when(detail::Sleepers<Env>& sleepers, TimePoint deadline) noexcept
      TAKT_ACQUIRE(mutex_) {
    mutex_.lock();
    for (bool in_time = true; !(this->*kCan)();) {
      if (!in_time) return false;
      const std::uint32_t ticket = sleepers.join();
      mutex_.unlock();
      in_time = sleepers.sleep(ticket, deadline) != ETIMEDOUT;
      mutex_.lock();
      sleepers.leave();
    }
    return true;
  }

  Outcome push_waiting(T& item, std::size_t level, TimePoint deadline) noexcept {
    check(level);
    const bool can = lock_when<&BasicBoundedPriorityQueue::can_push>(room_, deadline);
    if (!can || closed_) {
      mutex_.unlock();
      return can ? Outcome::closed : Outcome::timed_out;
    }
    append_and_unlock(item, level);
    return Outcome::done;
  }

  Outcome pop_waiting(std::optional<T>& item, TimePoint deadline) noexcept {
    const bool can = lock_when<&BasicBoundedPriorityQueue::can_pop>(items_, deadline);
    if (size_ == 0) {
      mutex_.unlock();
      return can ? Outcome::closed : Outcome::timed_out;
    }
    take_and_unlock(item);
    return Outcome::done;
  }

  /// Without items until they are constructed, and constant-initialised all the same.
  union Slots {
    constexpr Slots() noexcept : none() {}
    ~Slots() {}  // NOLINT(*-use-equals-default): the items' destructors are the queue's work
    std::byte none;
    T items[N];
  };

  mutable BasicMutex<Env> mutex_;
  bool closed_ TAKT_GUARDED_BY(mutex_) = false;
  std::uint32_t filled_ TAKT_GUARDED_BY(mutex_) = 0;
  std::uint32_t free_ TAKT_GUARDED_BY(mutex_) = 0;  // the cell freed last
  std::uint32_t used_ TAKT_GUARDED_BY(mutex_) = 0;  // cells that were ever used
  std::size_t size_ TAKT_GUARDED_BY(mutex_) = 0;
  std::size_t high_water_ TAKT_GUARDED_BY(mutex_) = 0;
  detail::Sleepers<Env> items_;  // those who wait for an item; counts guarded by mutex_
  detail::Sleepers<Env> room_;   // … for room
  List lists_[Levels] TAKT_GUARDED_BY(mutex_);
  std::uint32_t next_[N] TAKT_GUARDED_BY(mutex_) = {};
  Slots slots_;
};

template <class T, std::size_t N, std::size_t Levels>
using BoundedPriorityQueue = BasicBoundedPriorityQueue<T, N, Levels, ThreadEnv>;
template <class T, std::size_t N, std::size_t Levels>
using ProcessBoundedPriorityQueue = BasicBoundedPriorityQueue<T, N, Levels, ProcessEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_PRIORITY_QUEUE_H_
