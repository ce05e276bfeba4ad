// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_BOUNDED_QUEUE_H_
#define TAKT_SYNC_BOUNDED_QUEUE_H_

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "takt/platform/status.h"
#include "takt/platform/time.h"
#include "takt/sync/blocking_queue.h"
#include "takt/sync/env.h"

// The state machine, the invariant and what may be destroyed when: blocking_queue.h. Here is the
// ring of items under it, at the end.

namespace takt::inline v0 {

namespace detail {
template <class T, std::size_t N>
class ItemRing;
}

/// A queue, first in, first out, of up to N items, for any number of threads that push and pop;
/// pop() and what goes with it, close(), wait_drained() and the figures are BlockingQueue's.
/// Who waits is served by priority, then in order of arrival; a thread that has not waited may come
/// before one that was woken. While a thread of higher priority waits for the lock, its holder runs
/// at that priority.
///
/// T must be nothrow-movable. In shared memory (ProcessBoundedQueue) T must not contain pointers,
/// and a process must not die inside a call: the next one to need the lock aborts.
///
/// Bound of each call and what of T's runs under the lock: see BlockingQueue. Callable from: any
/// thread that may block. The destructor destroys the items that are left; nobody may be inside a
/// call by then but for the wake at its end.
template <class T, std::size_t N, class Env>
class BasicBoundedQueue : public detail::BlockingQueue<detail::ItemRing<T, N>, Env> {
 public:
  constexpr BasicBoundedQueue() noexcept = default;

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
    return this->push_at(item, {}, deadline);
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
  Status try_push(T&& item) noexcept { return this->try_push_at(item, {}); }
  Status try_push(const T& item) {
    T copy(item);
    return try_push(std::move(copy));
  }

  /// Appends `item` if there is room, else destroys it, outside the lock, and counts it in
  /// dropped(). Returns whether it was appended. Blocks: for the lock only.
  bool push_or_drop(T item) noexcept { return this->push_or_drop_at(item, {}); }

  /// Appends `item`, in a full queue in place of the oldest one, and returns what has no place
  /// now: nothing, the oldest one, or, of a closed queue, `item` itself.
  /// Blocks: for the lock only.
  [[nodiscard]] std::optional<T> push_evict(T item) noexcept {
    return this->push_evict_at(item, {});
  }
};

template <class T, std::size_t N>
using BoundedQueue = BasicBoundedQueue<T, N, ThreadEnv>;
template <class T, std::size_t N>
using ProcessBoundedQueue = BasicBoundedQueue<T, N, ProcessEnv>;

namespace detail {

/// A storage of BlockingQueue: first in, first out.
template <class T, std::size_t N>
class ItemRing {
  static_assert(N > 0 && N < std::numeric_limits<std::size_t>::max() / 2);

 public:
  using value_type = T;
  struct Place {};  // behind all others

  static constexpr std::size_t kCapacity = N;
  static constexpr QueueTexts kTexts = {
      .closed = "BoundedQueue: closed",
      .full = "BoundedQueue: full",
      .empty = "BoundedQueue: empty",
      .no_room_in_time = "BoundedQueue: no room in time",
      .no_item_in_time = "BoundedQueue: no item in time",
      .not_empty_in_time = "BoundedQueue: not empty in time",
  };

  constexpr ItemRing() noexcept = default;
  ItemRing(const ItemRing&) = delete;
  ItemRing& operator=(const ItemRing&) = delete;
  ~ItemRing() {
    for (std::size_t offset = 0; offset < size_; ++offset) std::destroy_at(slot(offset));
  }

  std::size_t size() const noexcept { return size_; }
  void append(T& item, Place) noexcept { std::construct_at(slot(size_++), std::move(item)); }
  void take(std::optional<T>& item) noexcept {
    T* const oldest = slot(0);
    item.emplace(std::move(*oldest));
    std::destroy_at(oldest);
    head_ = head_ + 1 < N ? head_ + 1 : 0;
    --size_;
  }
  bool make_room(Place, std::optional<T>& evicted) noexcept {
    take(evicted);
    return true;
  }

 private:
  /// Of an item by its age.
  T* slot(std::size_t offset) noexcept {
    const std::size_t index = head_ + offset;
    return &slots_.items[index < N ? index : index - N];
  }

  std::size_t head_ = 0;  // of the oldest item
  std::size_t size_ = 0;
  ItemSlots<T, N> slots_;
};

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_SYNC_BOUNDED_QUEUE_H_
