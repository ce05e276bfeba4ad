// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_BLOCKING_QUEUE_H_
#define TAKT_SYNC_BLOCKING_QUEUE_H_

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
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

// A storage under a mutex with priority inheritance, and three kinds of sleepers (sleepers.h), so
// that no wake-up hits the wrong one: who waits for an item, for room, for the queue to be empty.
//
//             push                     push
//   [empty] --------> [0 < size < N] --------> [full]       push claims one who waits for an item,
//      ^                 |      ^                 |         pop one who waits for room,
//      '------ pop ------'      '------ pop ------'         the pop to empty all who wait for that
//
//   [open] --close: claims everybody but those who wait for empty--> [closed], for good
//
// Invariant: while somebody waits for an item unclaimed, there are no more items than claimed
// threads on their way to them; the same for room. Each call changes the storage and claims under
// the lock, unlocks, and wakes after that.
// Destruction: the last touch of a call is its unlock (mutex.h); the wake after it uses the address
// only. Whoever gets the last item, or is told that the queue is closed or drained, and knows that
// nobody else calls, may destroy the queue.

namespace takt::inline v0::detail {

/// Room for N items, without any until they are constructed, and constant-initialised all the same.
template <class T, std::size_t N>
union ItemSlots {
  constexpr ItemSlots() noexcept : none() {}
  ~ItemSlots() {}  // NOLINT(*-use-equals-default): the items' destructors are the storage's work
  std::byte none;
  T items[N];
};

/// What the Status of a queue says.
struct QueueTexts {
  std::string_view closed;
  std::string_view full;
  std::string_view empty;
  std::string_view no_room_in_time;
  std::string_view no_item_in_time;
  std::string_view not_empty_in_time;
};

/// What BoundedQueue and BoundedPriorityQueue do alike: everything but where an item stands.
/// Under the lock run T's move constructor and the destructor of what it left behind, nothing else
/// of T's: no item is destroyed there.
///
/// Each call takes the lock, so that its bound is, beyond what is said there: one critical section
/// (a move of an item) of each thread of higher or equal priority that wants the queue, plus a
/// system call when somebody has to be woken. Callable from: any thread that may block.
///
/// A Storage is used by one thread at a time, begins empty, destroys what is left, and has
///   value_type, Place                  of an item, where it is to stand
///   kCapacity, kTexts                  how many items; what a Status says
///   size()                             how many there are
///   append(item, place)                moves it in; there is room
///   take(optional)                     moves the next item there; there is one
///   make_room(place, optional)         in a full storage: moves there what has to give way to an
///                                      item of that place; false: nothing has to
/// each of them O(1) and without exceptions.
template <class Storage, class Env>
class BlockingQueue {
  using T = typename Storage::value_type;
  using Place = typename Storage::Place;
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "items are moved and destroyed where nothing may throw");

 public:
  using value_type = T;

  BlockingQueue(const BlockingQueue&) = delete;
  BlockingQueue& operator=(const BlockingQueue&) = delete;

  /// Takes the next item. Blocks: until there is one, or the queue is closed and empty.
  /// Errors: closed, once nothing is left.
  Result<T> pop() noexcept { return pop_until(kNever); }

  /// As pop(), at most until `deadline`, of any clock; an item that is there is taken even then.
  /// Errors: closed, timed_out.
  template <class OtherClock, class OtherDuration>
  Result<T> pop_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    std::optional<T> item;
    Outcome outcome = Outcome::no_item_in_time;
    attempt_until(deadline, [&](TimePoint at) {
      outcome = pop_waiting(item, at);
      return outcome != Outcome::no_item_in_time;
    });
    if (item) return std::move(*item);
    return status_of(outcome);
  }

  /// As pop(), at most for `timeout`. Errors: as pop_until().
  template <class Rep, class Period>
  Result<T> pop_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return pop_until(deadline_after(timeout));
  }

  /// Takes the next item if there is one. Blocks: for the lock only.
  /// Errors: unavailable it is empty; closed, once nothing is left.
  Result<T> try_pop() noexcept {
    std::optional<T> item;
    mutex_.lock();
    if (storage_.size() == 0) return unlock_with(closed_ ? Outcome::closed : Outcome::empty);
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
    if (attempt_until(deadline, [this](TimePoint at) { return drained_waiting(at); })) return {};
    return status_of(Outcome::not_empty_in_time);
  }

  /// As wait_drained(), at most for `timeout`. Errors: timed_out.
  template <class Rep, class Period>
  Status wait_drained_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return wait_drained_until(deadline_after(timeout));
  }

  /// How many items there can be.
  static constexpr std::size_t capacity() noexcept { return Storage::kCapacity; }
  /// How many there are; may be outdated on return. Blocks: for the lock only.
  std::size_t size() const noexcept {
    const LockGuard lock(mutex_);
    return storage_.size();
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

 protected:
  constexpr BlockingQueue() noexcept {}
  /// Nobody may be inside a call but for the wake at its end.
  ~BlockingQueue() = default;

  /// What push_until() does; the queue says where the item is to stand.
  template <class OtherClock, class OtherDuration>
  Status push_at(T& item, Place place,
                 const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    Outcome outcome = Outcome::no_room_in_time;
    attempt_until(deadline, [&](TimePoint at) {
      outcome = push_waiting(item, place, at);
      return outcome != Outcome::no_room_in_time;
    });
    return status_of(outcome);
  }

  /// What try_push() does.
  Status try_push_at(T& item, Place place) noexcept {
    mutex_.lock();
    if (closed_) return unlock_with(Outcome::closed);
    if (is_full()) return unlock_with(Outcome::full);
    append_and_unlock(item, place);
    return {};
  }

  /// What push_or_drop() does, but for the destruction of `item`.
  bool push_or_drop_at(T& item, Place place) noexcept {
    mutex_.lock();
    if (closed_ || is_full()) {
      ++dropped_;
      mutex_.unlock();
      return false;
    }
    append_and_unlock(item, place);
    return true;
  }

  /// What push_evict() does.
  std::optional<T> push_evict_at(T& item, Place place) noexcept {
    std::optional<T> evicted;
    mutex_.lock();
    if (closed_ || (is_full() && !storage_.make_room(place, evicted))) {
      mutex_.unlock();
      evicted.emplace(std::move(item));
    } else {
      append_and_unlock(item, place);
    }
    return evicted;
  }

 private:
  enum class Outcome : std::uint32_t {
    done,
    closed,
    full,
    empty,
    no_room_in_time,
    no_item_in_time,
    not_empty_in_time,
  };
  static constexpr std::uint32_t kEverybody = std::numeric_limits<std::uint32_t>::max();

  static Status status_of(Outcome outcome) noexcept {
    constexpr const QueueTexts& kTexts = Storage::kTexts;
    switch (outcome) {
      case Outcome::done:
        break;
      case Outcome::closed:
        return {StatusCode::closed, kTexts.closed};
      case Outcome::full:
        return {StatusCode::unavailable, kTexts.full};
      case Outcome::empty:
        return {StatusCode::unavailable, kTexts.empty};
      case Outcome::no_room_in_time:
        return {StatusCode::timed_out, kTexts.no_room_in_time};
      case Outcome::no_item_in_time:
        return {StatusCode::timed_out, kTexts.no_item_in_time};
      case Outcome::not_empty_in_time:
        return {StatusCode::timed_out, kTexts.not_empty_in_time};
    }
    return {};
  }
  Status unlock_with(Outcome outcome) noexcept TAKT_RELEASE(mutex_) {
    mutex_.unlock();
    return status_of(outcome);
  }

  bool is_full() const noexcept TAKT_REQUIRES(mutex_) {
    return storage_.size() == Storage::kCapacity;
  }
  bool can_push() const noexcept TAKT_REQUIRES(mutex_) { return closed_ || !is_full(); }
  bool can_pop() const noexcept TAKT_REQUIRES(mutex_) { return closed_ || storage_.size() > 0; }

  void append_and_unlock(T& item, Place place) noexcept TAKT_RELEASE(mutex_) {
    storage_.append(item, place);
    if (high_water_ < storage_.size()) high_water_ = storage_.size();
    const int poppers = items_.claim(1);
    mutex_.unlock();
    items_.wake(poppers);
  }

  void take_and_unlock(std::optional<T>& item) noexcept TAKT_RELEASE(mutex_) {
    storage_.take(item);
    const int pushers = room_.claim(1);
    const int drained = storage_.size() == 0 ? drained_.claim(kEverybody) : 0;
    mutex_.unlock();
    room_.wake(pushers);
    drained_.wake(drained);
  }

  /// Locks, and waits until `kCan` or the deadline. Returns with the lock held, and whether it can.
  template <bool (BlockingQueue::*kCan)() const noexcept>
  bool lock_when(Sleepers<Env>& sleepers, TimePoint deadline) noexcept TAKT_ACQUIRE(mutex_) {
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

  Outcome push_waiting(T& item, Place place, TimePoint deadline) noexcept {
    const bool can = lock_when<&BlockingQueue::can_push>(room_, deadline);
    if (!can || closed_) {
      mutex_.unlock();
      return can ? Outcome::closed : Outcome::no_room_in_time;
    }
    append_and_unlock(item, place);
    return Outcome::done;
  }

  Outcome pop_waiting(std::optional<T>& item, TimePoint deadline) noexcept {
    const bool can = lock_when<&BlockingQueue::can_pop>(items_, deadline);
    if (storage_.size() == 0) {
      mutex_.unlock();
      return can ? Outcome::closed : Outcome::no_item_in_time;
    }
    take_and_unlock(item);
    return Outcome::done;
  }

  bool drained_waiting(TimePoint deadline) noexcept {
    mutex_.lock();
    bool drained = storage_.size() == 0;
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

  mutable BasicMutex<Env> mutex_;
  bool closed_ TAKT_GUARDED_BY(mutex_) = false;
  std::size_t high_water_ TAKT_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_ TAKT_GUARDED_BY(mutex_) = 0;
  Sleepers<Env> items_;    // those who wait for an item; counts guarded by mutex_
  Sleepers<Env> room_;     // … for room
  Sleepers<Env> drained_;  // … for the queue to be empty
  Storage storage_ TAKT_GUARDED_BY(mutex_);
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_SYNC_BLOCKING_QUEUE_H_
