// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_BROADCAST_QUEUE_H_
#define TAKT_SYNC_BROADCAST_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "takt/platform/check.h"
#include "takt/sync/env.h"
#include "takt/sync/versioned_cell.h"

// A ring of versioned cells, whose header has their state machine. Items are numbered 0, 1, 2, …
// without end; item i is version i div N + 1 of cell i mod N.
//
//   written_  how many items are complete, or one less: stored by the writer only, after the cell
//   next_     of each reader, the number of the item that it wants; the reader's only
//
//   reader:  [wants i] --cell holds i--> [wants i + 1]
//                      --cell is before i: nothing new--> [wants i]
//                      --cell is past i: overtaken--> [wants j > i], j - i items are lost
//
// Invariant: each number below a reader's next_ was returned by a try_pop() or counted in lost(),
// one of them, once. A stale read is legal: of a cell it shows an item as not there yet, of
// written_ it makes the reader give up fewer items than it might, at least the one that it knows to
// be overwritten.

namespace takt::inline v0 {

/// Each of up to `Readers` readers gets every item, in order, or learns exactly how many it has
/// lost: the writer never waits for any of them, and overwrites what is N items old. T is trivially
/// copyable; a copy that the writer came across is not returned.
///
/// *The writer* is whoever calls push(); *reader r* who calls try_pop(r) and skip(r): one thread
/// each at a time, and handing a role over needs a lock or a join of its own.
template <class T, std::size_t N, std::size_t Readers, class Env>
class BasicBroadcastQueue {
  static_assert(N >= 2,
                "BroadcastQueue: at least two items, one is always about to be overwritten");
  static_assert(Readers >= 1, "BroadcastQueue: at least one reader");

 public:
  using value_type = T;

  /// What try_pop() returns.
  struct Received {
    T item;
    std::uint64_t lost;  ///< items right before this one that this reader will never see
  };

  constexpr BasicBroadcastQueue() noexcept = default;
  BasicBroadcastQueue(const BasicBroadcastQueue&) = delete;
  BasicBroadcastQueue& operator=(const BasicBroadcastQueue&) = delete;

  /// How many items a reader may be behind; the one that is being written counts.
  static constexpr std::size_t capacity() noexcept { return N; }

  /// Appends an item for all readers. Blocks: no. Bound: wait-free, O(sizeof(T)).
  /// Callable from: the writer.
  void push(const T& item) noexcept {
    // relaxed: the writer's own counter.
    std::uint64_t number = written_.load(std::memory_order_relaxed);
    // A writer that ended (its process did) between the two steps leaves a complete item.
    while (cell_of(number).version() == version_of(number)) ++number;
    cell_of(number).write(item, version_of(number));
    // relaxed: says where to look; the cells themselves decide.
    written_.store(number + 1, std::memory_order_relaxed);
  }

  /// The oldest item that `reader` has not seen and can still see. Nothing: there is none now; or
  /// the writer was so fast that it overwrote the reader's choice in each of kAttempts attempts
  /// (what was lost is counted then as well). A new reader begins with the first item ever.
  /// Blocks: no. Bound: wait-free, O(sizeof(T)). Callable from: the reader.
  std::optional<Received> try_pop(std::size_t reader) noexcept {
    Cursor& cursor = cursor_of(reader);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto reading = cell_of(cursor.next).read();
      if (reading.version < version_of(cursor.next)) break;
      if (reading.version == version_of(cursor.next)) {
        if (!reading.item.has_value()) break;  // being written: not there yet
        ++cursor.next;
        const std::uint64_t lost = cursor.lost - cursor.reported;
        cursor.reported = cursor.lost;
        return Received{*reading.item, lost};
      }
      lose_until(cursor, overtaken(cursor.next, attempt));
    }
    return std::nullopt;
  }

  /// Gives up what `reader` has not seen yet, without counting it as lost; for a reader that joins
  /// late or wants only what comes from now on. Returns how many items that were.
  /// Blocks: no. Bound: wait-free. Callable from: the reader.
  std::uint64_t skip(std::size_t reader) noexcept {
    Cursor& cursor = cursor_of(reader);
    // relaxed: no item is looked at.
    const std::uint64_t written = written_.load(std::memory_order_relaxed);
    if (written <= cursor.next) return 0;
    const std::uint64_t skipped = written - cursor.next;
    cursor.next = written;
    return skipped;
  }

  /// How many items `reader` has lost so far: the sum of all Received::lost, and what the next one
  /// will tell. Blocks: no. Bound: wait-free. Callable from: the reader.
  std::uint64_t lost(std::size_t reader) noexcept { return cursor_of(reader).lost; }

  /// How many items were pushed so far; one that is being pushed may count. Blocks: no. Bound:
  /// wait-free. Callable from: any thread.
  std::uint64_t pushed() const noexcept {
    // relaxed: a figure to show, it orders nothing.
    return written_.load(std::memory_order_relaxed);
  }

  /// How often try_pop() makes room between itself and a writer that overtakes it.
  static constexpr int kAttempts = 4;

 private:
  using Cell = detail::VersionedCell<T, Env>;

  struct alignas(64) Cursor {
    std::uint64_t next = 0;      // the item that the reader wants
    std::uint64_t lost = 0;      // of those before it
    std::uint64_t reported = 0;  // of those lost, told by Received::lost
  };

  static constexpr std::uint64_t version_of(std::uint64_t number) noexcept {
    return number / N + 1;
  }
  Cell& cell_of(std::uint64_t number) noexcept {
    return cells_[static_cast<std::size_t>(number % N)];
  }
  Cursor& cursor_of(std::size_t reader) noexcept {
    TAKT_CHECK(reader < Readers, "BroadcastQueue: no such reader");
    return cursors_[reader];
  }

  /// Where a reader goes on that found `next` overwritten: the oldest item that is not about to be
  /// overwritten, and nearer to the newest with each attempt.
  std::uint64_t overtaken(std::uint64_t next, int attempt) const noexcept {
    // relaxed: the cells themselves decide.
    const std::uint64_t written = written_.load(std::memory_order_relaxed);
    const std::uint64_t distance = attempt + 1 < kAttempts ? (N - 1) >> attempt : 1;
    const std::uint64_t oldest = written - (distance > 0 ? distance : 1);
    return oldest > next && oldest < written ? oldest : next + 1;
  }

  static void lose_until(Cursor& cursor, std::uint64_t next) noexcept {
    cursor.lost += next - cursor.next;
    cursor.next = next;
  }

  alignas(64) typename Env::template Atomic<std::uint64_t> written_{0};
  Cursor cursors_[Readers];
  alignas(64) Cell cells_[N];
};

/// The BroadcastQueue of threads.
template <class T, std::size_t N, std::size_t Readers>
using BroadcastQueue = BasicBroadcastQueue<T, N, Readers, ThreadEnv>;

/// The BroadcastQueue of processes that map the same memory; constructed once, by one of them. A
/// process that ends, wherever that is, never makes another one wait; the next writer goes on.
template <class T, std::size_t N, std::size_t Readers>
using ProcessBroadcastQueue = BasicBroadcastQueue<T, N, Readers, ProcessEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_BROADCAST_QUEUE_H_
