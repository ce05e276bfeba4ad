// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_BOUNDED_QUEUE_H_
#define TAKT_SYNC_BOUNDED_QUEUE_H_

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

#include "takt/platform/result.h"
#include "takt/platform/status.h"
#include "takt/sync/annotations.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/lock_guard.h"
#include "takt/sync/mutex.h"
#include "takt/sync/sleepers.h"

// A ring under a mutex with priority inheritance, and three kinds of sleepers (sleepers.h), so that
// no wake-up hits the wrong one: who waits for an item, for room, for the queue to be empty.
//
//             push                     push
//   [empty] --------> [0 < size < N] --------> [full]       push claims one who waits for an item,
//      ^                 |      ^                 |         pop one who waits for room,
//      '------ pop ------'      '------ pop ------'         the pop to empty all who wait for that
//
//   [open] --close: claims everybody but those who wait for empty--> [closed], for good
//
// Invariant: while somebody waits for an item unclaimed, there are no more items than claimed
// threads on their way to them; the same for room. Each call changes the ring and claims under the
// lock, unlocks, and wakes after that.
// Destruction: the last touch of a call is its unlock (mutex.h); the wake after it uses the address
// only. Whoever gets the last item, or is told that the queue is closed or drained, and knows that
// nobody else calls, may destroy the queue.

namespace takt::inline v0 {

/// A queue, first in, first out, of up to N items, for any number of threads that push and pop.
/// Who waits is served by priority, then in order of arrival; a thread that has not waited may come
/// before one that was woken. While a thread of higher priority waits for the lock, its holder runs
/// at that priority.
///
/// Under the lock run T's move constructor and the destructor of what it left behind, nothing else
/// of T's: no item is destroyed there. T must be nothrow-movable. In shared memory
/// (ProcessBoundedQueue) T must not contain pointers, and a process must not die inside a call: the
/// next one to need the lock aborts.
///
/// Each call takes the lock, so that its bound is, beyond what is said there: one critical section
/// (a move of an item) of each thread of higher or equal priority that wants the queue, plus a
/// system call when somebody has to be woken. Callable from: any thread that may block.
template <class T, std::size_t N, class Env>
class BasicBoundedQueue {
  static_assert(N > 0 && N < std::numeric_limits<std::size_t>::max() / 2);
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "items are moved and destroyed where nothing may throw");

 public:
  using value_type = T;

  constexpr BasicBoundedQueue() noexcept {}
  BasicBoundedQueue(const BasicBoundedQueue&) = delete;
  BasicBoundedQueue& operator=(const BasicBoundedQueue&) = delete;
  /// Destroys the items that are left. Nobody may be inside a call but for the wake at its end.
  ~BasicBoundedQueue() {
    for (std::size_t offset = 0; offset < size_; ++offset) std::destroy_at(slot(offset));
  }

  /// Appends `item`. Blocks: until there is room or the queue is closed.
  /// Errors: closed; the item then stays with the caller.
  Status push(T&& item) noexcept { return push_until(std::move(item), kNever); }
  Status push(const T& item) {
    T copy(item);
    return push(std::move(copy));
  }

  /// As push(), at most until `deadline`, of any clock; where there is room it succeeds even then.
  /// Errors: closed, timed_out; the item then stays with the caller.
  template <class OtherClock, class OtherDuration>
  Status push_until(T&& item,
                    const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    Outcome outcome = Outcome::timed_out;
    detail::attempt_until(deadline, [&](TimePoint at) {
      outcome = push_waiting(item, at);
      return outcome != Outcome::timed_out;
    });
    return status_of(outcome, "BoundedQueue: no room in time");
  }
  template <class OtherClock, class OtherDuration>
  Status push_until(const T& item,
                    const std::chrono::time_point<OtherClock, OtherDuration>& deadline) {
    T copy(item);
    return push_until(std::move(copy), deadline);
  }

  /// As push(), at most for `timeout`. Errors: as push_until().
  template <class Rep, class Period>
  Status push_for(T&& item, const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return push_until(std::move(item), deadline_after(timeout));
  }
  template <class Rep, class Period>
  Status push_for(const T& item, const std::chrono::duration<Rep, Period>& timeout) {
    T copy(item);
    return push_for(std::move(copy), timeout);
  }

  /// Appends `item` if there is room. Blocks: for the lock only.
  /// Errors: unavailable it is full, closed; the item then stays with the caller.
  Status try_push(T&& item) noexcept {
    mutex_.lock();
    if (closed_) return unlock_with(Outcome::closed);
    if (size_ == N) return unlock_with(Outcome::full);
    append_and_unlock(item);
    return {};
  }
  Status try_push(const T& item) {
    T copy(item);
    return try_push(std::move(copy));
  }

  /// Appends `item` if there is room, else destroys it, outside the lock, and counts it in
  /// dropped(). Returns whether it was appended. Blocks: for the lock only.
  bool push_or_drop(T item) noexcept {
    mutex_.lock();
    if (closed_ || size_ == N) {
      ++dropped_;
      mutex_.unlock();
      return false;
    }
    append_and_unlock(item);
    return true;
  }

  /// Appends `item`, in a full queue in place of the oldest one, and returns what has no place
  /// now: nothing, the oldest one, or, of a closed queue, `item` itself.
  /// Blocks: for the lock only.
  [[nodiscard]] std::optional<T> push_evict(T item) noexcept {
    std::optional<T> evicted;
    mutex_.lock();
    if (closed_) {
      mutex_.unlock();
      evicted.emplace(std::move(item));
    } else {
      if (size_ == N) take_oldest(evicted);
      append_and_unlock(item);
    }
    return evicted;
  }

  /// Takes the oldest item. Blocks: until there is one, or the queue is closed and empty.
  /// Errors: closed, once nothing is left.
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
    return status_of(outcome, "BoundedQueue: no item in time");
  }

  /// As pop(), at most for `timeout`. Errors: as pop_until().
  template <class Rep, class Period>
  Result<T> pop_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return pop_until(deadline_after(timeout));
  }

  /// Takes the oldest item if there is one. Blocks: for the lock only.
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

  /// Returns when the queue is empty or has been since the call: the items have been taken, and may
  /// still be worked on. In a queue that is not closed it may be full again by then.
  /// Blocks: until then.
  void wait_drained() noexcept { static_cast<void>(drained_waiting(kNever)); }

  /// As wait_drained(), at most until `deadline`, of any clock. Errors: timed_out.
  template <class OtherClock, class OtherDuration>
  Status wait_drained_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    if (detail::attempt_until(deadline, [this](TimePoint at) { return drained_waiting(at); })) {
      return {};
    }
    return {StatusCode::timed_out, "BoundedQueue: not empty in time"};
  }

  /// As wait_drained(), at most for `timeout`. Errors: timed_out.
  template <class Rep, class Period>
  Status wait_drained_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return wait_drained_until(deadline_after(timeout));
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
  /// How many push_or_drop() has destroyed. Blocks: for the lock only.
  std::uint64_t dropped() const noexcept {
    const LockGuard lock(mutex_);
    return dropped_;
  }
  /// Whether close() was called; may be outdated on return. Blocks: for the lock only.
  bool closed() const noexcept {
    const LockGuard lock(mutex_);
    return closed_;
  }

 private:
  enum class Outcome : std::uint32_t { done, closed, timed_out, full, empty };
  static constexpr std::uint32_t kEverybody = std::numeric_limits<std::uint32_t>::max();

  static Status status_of(Outcome outcome, std::string_view timed_out = {}) noexcept {
    switch (outcome) {
      case Outcome::done:
        break;
      case Outcome::closed:
        return {StatusCode::closed, "BoundedQueue: closed"};
      case Outcome::timed_out:
        return {StatusCode::timed_out, timed_out};
      case Outcome::full:
        return {StatusCode::unavailable, "BoundedQueue: full"};
      case Outcome::empty:
        return {StatusCode::unavailable, "BoundedQueue: empty"};
    }
    return {};
  }
  Status unlock_with(Outcome outcome) noexcept TAKT_RELEASE(mutex_) {
    mutex_.unlock();
    return status_of(outcome);
  }

  /// Of an item by its age. Lock held, or nobody else there.
  T* slot(std::size_t offset) noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    const std::size_t index = head_ + offset;
    return &slots_.items[index < N ? index : index - N];
  }
  bool can_push() const noexcept TAKT_REQUIRES(mutex_) { return closed_ || size_ < N; }
  bool can_pop() const noexcept TAKT_REQUIRES(mutex_) { return closed_ || size_ > 0; }

  void append_and_unlock(T& item) noexcept TAKT_RELEASE(mutex_) {
    std::construct_at(slot(size_), std::move(item));
    ++size_;
    if (high_water_ < size_) high_water_ = size_;
    const int poppers = items_.claim(1);
    mutex_.unlock();
    items_.wake(poppers);
  }

  void take_oldest(std::optional<T>& item) noexcept TAKT_REQUIRES(mutex_) {
    T* const oldest = slot(0);
    item.emplace(std::move(*oldest));
    std::destroy_at(oldest);
    head_ = head_ + 1 < N ? head_ + 1 : 0;
    --size_;
  }

  void take_and_unlock(std::optional<T>& item) noexcept TAKT_RELEASE(mutex_) {
    take_oldest(item);
    const int pushers = room_.claim(1);
    const int drained = size_ == 0 ? drained_.claim(kEverybody) : 0;
    mutex_.unlock();
    room_.wake(pushers);
    drained_.wake(drained);
  }

  /// Locks, and waits until `kCan` or the deadline. Returns with the lock held, and whether it can.
  template <bool (BasicBoundedQueue::*kCan)() const noexcept>
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

  Outcome push_waiting(T& item, TimePoint deadline) noexcept {
    const bool can = lock_when<&BasicBoundedQueue::can_push>(room_, deadline);
    if (!can || closed_) {
      mutex_.unlock();
      return can ? Outcome::closed : Outcome::timed_out;
    }
    append_and_unlock(item);
    return Outcome::done;
  }

  Outcome pop_waiting(std::optional<T>& item, TimePoint deadline) noexcept {
    const bool can = lock_when<&BasicBoundedQueue::can_pop>(items_, deadline);
    if (size_ == 0) {
      mutex_.unlock();
      return can ? Outcome::closed : Outcome::timed_out;
    }
    take_and_unlock(item);
    return Outcome::done;
  }

  bool drained_waiting(TimePoint deadline) noexcept {
    mutex_.lock();
    bool drained = size_ == 0;
    if (!drained) {
      const std::uint32_t ticket = drained_.join();
      for (bool in_time = true; !drained && in_time;) {
        mutex_.unlock();
        in_time = drained_.sleep(ticket, deadline) != ETIMEDOUT;
        mutex_.lock();
        drained = drained_.ticket() != ticket;
      }
      drained_.leave();
    }
    mutex_.unlock();
    return drained;
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
  std::size_t head_ TAKT_GUARDED_BY(mutex_) = 0;  // of the oldest item
  std::size_t size_ TAKT_GUARDED_BY(mutex_) = 0;
  std::size_t high_water_ TAKT_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_ TAKT_GUARDED_BY(mutex_) = 0;
  detail::Sleepers<Env> items_;    // those who wait for an item; counts guarded by mutex_
  detail::Sleepers<Env> room_;     // … for room
  detail::Sleepers<Env> drained_;  // … for the queue to be empty
  Slots slots_;
};

template <class T, std::size_t N>
using BoundedQueue = BasicBoundedQueue<T, N, ThreadEnv>;
template <class T, std::size_t N>
using ProcessBoundedQueue = BasicBoundedQueue<T, N, ProcessEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_BOUNDED_QUEUE_H_
