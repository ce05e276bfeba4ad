// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_SPSC_QUEUE_H_
#define TAKT_SYNC_SPSC_QUEUE_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "takt/platform/check.h"
#include "takt/sync/env.h"

// Lamport's ring (1983), and beside each counter its writer's copy of the other one (Lee, Bu,
// Chandranmenon 2009): the other side's cache line is read only when the copy shows no room, or no
// item.
//
// Positions are counted 0 … 2N - 1 and around again; position p lives in slot p mod N. Counting to
// 2N tells a full ring from an empty one, and makes wrapping around an everyday event.
//
//   tail_  the next position to fill; stored by the producer only
//   head_  the next position to empty; stored by the consumer only
//
//   slot:  [empty] --push: construct, store tail_--> [item] --pop: destroy, store head_--> [empty]
//
// Invariant: 0 <= tail_ - head_ <= N, counted around. The slots from head_ to tail_ hold items and
// are the consumer's, the others are the producer's. A stale read of the other side's counter is
// legal: counters only move forward, so it shows fewer items or less room than there is.

namespace takt::inline v0 {

/// First in, first out, from one thread to another: at most N items of T, N from 1 to kMaxCapacity.
/// Nobody ever waits for the other side: each call is wait-free. It holds no pointers, so that it
/// may lie in memory that is mapped at several addresses. Its destructor destroys what is left.
///
/// *The producer* is whoever may call the functions that push, *the consumer* those that pop: one
/// thread each at a time, and handing a role over needs a lock or a join of its own.
template <class T, std::size_t N, class Env>
class BasicSpscQueue {
 public:
  using value_type = T;
  static constexpr std::size_t kMaxCapacity = std::size_t{1} << 30;

  static_assert(N >= 1 && N <= kMaxCapacity, "SpscQueue: capacity out of range");
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "SpscQueue: moving and destroying an item must not throw");

  constexpr BasicSpscQueue() noexcept = default;
  BasicSpscQueue(const BasicSpscQueue&) = delete;
  BasicSpscQueue& operator=(const BasicSpscQueue&) = delete;
  ~BasicSpscQueue() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      while (front() != nullptr) pop();
    }
  }

  static constexpr std::size_t capacity() noexcept { return N; }

  /// Appends an item. False: it is full, and the item stays with the caller, untouched.
  /// Blocks: no. Bound: wait-free. Callable from: the producer.
  bool try_push(T&& item) noexcept { return try_emplace(std::move(item)); }
  bool try_push(const T& item) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(item);
  }

  /// Appends an item that is made in its place. False: it is full, nothing was made, and the
  /// arguments are untouched. Blocks: no. Bound: wait-free. Callable from: the producer.
  template <class... Arguments>
  bool try_emplace(
      Arguments&&... arguments) noexcept requires std::is_nothrow_constructible_v<T, Arguments...> {
    // relaxed: the producer's own counter.
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (room(tail, 1) == 0) return false;
    std::construct_at(&slots_[slot_of(tail)].item, std::forward<Arguments>(arguments)...);
    publish(tail, 1);
    return true;
  }

  /// Appends copies of the items from `first` on, `count` of them or as many as there is room for,
  /// which it returns; the consumer sees them all at once. A std::move_iterator moves them instead;
  /// what did not fit stays with the caller.
  /// Blocks: no. Bound: wait-free, O(count). Callable from: the producer.
  template <std::input_iterator Iterator>
  std::size_t try_push_n(Iterator first, std::size_t count) noexcept requires
      std::is_nothrow_constructible_v<T, std::iter_reference_t<Iterator>> {
    // relaxed: the producer's own counter.
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    count = std::min(count, room(tail, count));
    const std::size_t begin = slot_of(tail);
    const std::size_t until_end = std::min(count, N - begin);
    first = fill(&slots_[begin], std::move(first), until_end);
    fill(&slots_[0], std::move(first), count - until_end);
    if (count != 0) publish(tail, count);
    return count;
  }

  /// Takes the oldest item out; nothing when there is none.
  /// Blocks: no. Bound: wait-free. Callable from: the consumer.
  std::optional<T> try_pop() noexcept {
    // relaxed: the consumer's own counter.
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    return items(head, 1) == 0 ? std::nullopt : take(head);
  }

  /// Takes the oldest items out, `count` of them or as many as there are, which it returns, and
  /// assigns them to what `output` points to and what follows.
  /// Blocks: no. Bound: wait-free, O(count). Callable from: the consumer.
  template <std::output_iterator<T&&> Iterator>
  std::size_t try_pop_n(Iterator output, std::size_t count) noexcept {
    // relaxed: the consumer's own counter.
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    count = std::min(count, items(head, count));
    const std::size_t begin = slot_of(head);
    const std::size_t until_end = std::min(count, N - begin);
    output = drain(&slots_[begin], std::move(output), until_end);
    drain(&slots_[0], std::move(output), count - until_end);
    if (count != 0) free(head, count);
    return count;
  }

  /// The oldest item where it lies, until pop(); nullptr when there is none.
  /// Blocks: no. Bound: wait-free. Callable from: the consumer.
  T* front() noexcept {
    // relaxed: the consumer's own counter.
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    return items(head, 1) == 0 ? nullptr : &slots_[slot_of(head)].item;
  }

  /// Destroys the item that front() has shown (else aborts).
  /// Blocks: no. Bound: wait-free. Callable from: the consumer.
  void pop() noexcept {
    // relaxed: the consumer's own counter.
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    TAKT_CHECK(head != seen_tail_, "SpscQueue: pop() of an item that front() has not shown");
    std::destroy_at(&slots_[slot_of(head)].item);
    free(head, 1);
  }

  /// How many items it holds, 0 to N, as far as the caller knows: the producer never counts too
  /// few, the consumer never too many; for anybody else it is a figure to show.
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  std::size_t size() const noexcept {
    // acquire: the producer that sees room, and the consumer that sees items, may count on them.
    const std::uint32_t head = head_.load(std::memory_order_acquire);
    const std::uint32_t tail = tail_.load(std::memory_order_acquire);
    return std::min(distance(head, tail), N);  // of a third thread the two loads may be far apart
  }
  bool empty() const noexcept { return size() == 0; }

 private:
  using Counter = typename Env::template Atomic<std::uint32_t>;

  // Its item is alive between push and pop; before, it is zero bits, so that a static queue lies in
  // .bss.
  union Slot {
    constexpr Slot() noexcept : vacant(0) {}
    constexpr ~Slot() {}
    unsigned char vacant;
    T item;
  };

  static constexpr std::uint32_t kPositions = 2 * N;

  static constexpr std::size_t slot_of(std::uint32_t position) noexcept {
    return position < N ? position : position - N;
  }
  static constexpr std::uint32_t advance(std::uint32_t position, std::size_t count) noexcept {
    const std::uint32_t sum = position + static_cast<std::uint32_t>(count);
    return sum < kPositions ? sum : sum - kPositions;
  }
  static constexpr std::size_t distance(std::uint32_t from, std::uint32_t to) noexcept {
    return to >= from ? to - from : to + kPositions - from;
  }

  /// How many items fit; looks at the consumer's counter if the last look does not show `wanted`.
  std::size_t room(std::uint32_t tail, std::size_t wanted) noexcept {
    std::size_t known = N - distance(seen_head_, tail);
    if (known < wanted) {
      // acquire: pairs with the release in free(); what the slot held is destroyed.
      seen_head_ = head_.load(std::memory_order_acquire);
      known = N - distance(seen_head_, tail);
    }
    return known;
  }
  void publish(std::uint32_t tail, std::size_t count) noexcept {
    // release: pairs with the acquire in items(); the items are made.
    tail_.store(advance(tail, count), std::memory_order_release);
  }

  /// How many items there are; looks at the producer's counter if the last look does not show
  /// `wanted`.
  std::size_t items(std::uint32_t head, std::size_t wanted) noexcept {
    std::size_t known = distance(head, seen_tail_);
    if (known < wanted) {
      // acquire: pairs with the release in publish().
      seen_tail_ = tail_.load(std::memory_order_acquire);
      known = distance(head, seen_tail_);
    }
    return known;
  }
  std::optional<T> take(std::uint32_t head) noexcept {
    T& oldest = slots_[slot_of(head)].item;
    std::optional<T> item(std::move(oldest));
    std::destroy_at(&oldest);
    free(head, 1);
    return item;
  }
  void free(std::uint32_t head, std::size_t count) noexcept {
    // release: pairs with the acquire in room().
    head_.store(advance(head, count), std::memory_order_release);
  }

  /// Whether a batch is one copy of memory.
  template <class Iterator>
  static constexpr bool kPlain = std::contiguous_iterator<Iterator>&&
      std::is_same_v<std::iter_value_t<Iterator>, T>&& std::is_trivially_copyable_v<T>;

  template <class Iterator>
  static Iterator fill(Slot* slot, Iterator first, std::size_t count) noexcept {
    if constexpr (kPlain<Iterator>) {
      if (count != 0) std::memcpy(&slot->item, std::to_address(first), count * sizeof(T));
      return first + static_cast<std::iter_difference_t<Iterator>>(count);
    } else {
      for (; count != 0; --count, ++slot, ++first) std::construct_at(&slot->item, *first);
      return first;
    }
  }
  template <class Iterator>
  static Iterator drain(Slot* slot, Iterator output, std::size_t count) noexcept {
    if constexpr (kPlain<Iterator>) {
      if (count != 0) std::memcpy(std::to_address(output), &slot->item, count * sizeof(T));
      return output + static_cast<std::iter_difference_t<Iterator>>(count);
    } else {
      for (; count != 0; --count, ++slot, ++output) {
        *output = std::move(slot->item);
        std::destroy_at(&slot->item);
      }
      return output;
    }
  }

  // A cache line of the producer's, one of the consumer's.
  alignas(64) Counter tail_{0};
  std::uint32_t seen_head_ = 0;  // the producer's copy
  alignas(64) Counter head_{0};
  std::uint32_t seen_tail_ = 0;  // the consumer's copy
  alignas(64) Slot slots_[N];
};

/// The SpscQueue of threads.
template <class T, std::size_t N>
using SpscQueue = BasicSpscQueue<T, N, ThreadEnv>;

/// The SpscQueue of processes that map the same memory; constructed once, by one of them. A process
/// that ends, wherever that is, never makes the other one wait.
template <class T, std::size_t N>
requires std::is_trivially_copyable_v<T>
using ProcessSpscQueue = BasicSpscQueue<T, N, ProcessEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_SPSC_QUEUE_H_
