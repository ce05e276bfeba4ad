// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_MPMC_QUEUE_H_
#define TAKT_SYNC_MPMC_QUEUE_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "takt/sync/env.h"

// Vyukov's bounded queue (1024cores.net, 2010), with turns that count rounds: so N may be 1, and
// all of it begins as zero.
//
// Positions 0, 1, 2, … are numbered without end; position p lives in cell p mod N and belongs to
// round p div N. A counter holds a position as `round * 2^k + p mod N`, k the bits of N - 1: no
// division, and no two positions of a counter's 2^63 or more are the same word, so that a
// compare-and-swap by a thread that slept never succeeds by mistake. A cell's turn says whose it
// is:
//
//   2 r      vacant: whoever moves tail_ over its position in round r fills it
//   2 r + 1  filled: whoever moves head_ over its position in round r empties it
//
//            push: CAS tail_,                  pop: CAS head_,
//            construct, store                  destroy, store
//   [2 r] ---------------------> [2 r + 1] ---------------------> [2 r + 2] = vacant, round r + 1
//
// Invariants: (1) tail_ moves over a position only after its mover has seen the cell vacant in that
// round, head_ only after its mover has seen it filled. So one thread claims each transition, and
// between its CAS and its store the cell is its own. (2) Turns only grow: a stale read shows a
// transition as not yet done, which its reader takes for full or empty, and says so.

namespace takt::inline v0 {

/// First in, first out, from any number of threads to any number: at most N items of T, N from 1 to
/// kMaxCapacity. Never waits for another thread. Its destructor destroys what is left.
///
/// The calls that succeed are those of a plain FIFO queue, one after the other. What a refusal
/// means, exactly; a call is *unfinished* for another one unless its return happens before that:
///
/// * try_pop() says *empty*: all items before some position were taken out, by calls that have at
///   least begun, and the call that pushes that position is unfinished, or nobody has begun it. So
///   an `empty` is spurious only while a push is unfinished.
/// * try_push() says *full*: all positions before some position were pushed, by calls that have at
///   least begun, and the call that takes out the item N positions before it is unfinished, or
///   nobody has begun it. So a `full` is spurious only while a pop, or the push of an item that was
///   not taken out yet, is unfinished.
///
/// A thread that stops for ever inside a push hides the items that were pushed behind its own (at
/// most N - 1: then it is full); those before it can be popped. One that stops inside a pop hides
/// nothing; the queue is full when the pushes have come around to its cell.
template <class T, std::size_t N, class Env>
class BasicMpmcQueue {
 public:
  using value_type = T;
  static constexpr std::size_t kMaxCapacity = std::size_t{1} << 30;

  static_assert(N >= 1 && N <= kMaxCapacity, "MpmcQueue: capacity out of range");
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "MpmcQueue: moving and destroying an item must not throw");

  constexpr BasicMpmcQueue() noexcept = default;
  BasicMpmcQueue(const BasicMpmcQueue&) = delete;
  BasicMpmcQueue& operator=(const BasicMpmcQueue&) = delete;
  ~BasicMpmcQueue() {
    if constexpr (!std::is_trivially_destructible_v<T>) {
      while (try_pop().has_value()) {
      }
    }
  }

  static constexpr std::size_t capacity() noexcept { return N; }

  /// Appends an item. False: it is full (see above), and the item stays with the caller, untouched.
  /// Blocks: no. Bound: lock-free; once more for each push that others began meanwhile.
  /// Callable from: any thread.
  bool try_push(T&& item) noexcept { return try_emplace(std::move(item)); }
  bool try_push(const T& item) noexcept requires std::is_nothrow_copy_constructible_v<T> {
    return try_emplace(item);
  }

  /// Appends an item that is made in its place. False: it is full (see above), nothing was made,
  /// and the arguments are untouched. Blocks: no. Bound: as try_push(). Callable from: any thread.
  template <class... Arguments>
  bool try_emplace(
      Arguments&&... arguments) noexcept requires std::is_nothrow_constructible_v<T, Arguments...> {
    const Claim claimed = claim(tail_, 0);
    if (claimed.cell == nullptr) return false;
    std::construct_at(&claimed.cell->item, std::forward<Arguments>(arguments)...);
    pass_on(claimed);
    return true;
  }

  /// Takes the oldest item out; nothing when there is none (see above).
  /// Blocks: no. Bound: lock-free; once more for each pop that others began meanwhile.
  /// Callable from: any thread.
  std::optional<T> try_pop() noexcept {
    const Claim claimed = claim(head_, 1);
    return claimed.cell == nullptr ? std::nullopt : take(claimed);
  }

  /// How many items it holds, 0 to N, those in unfinished calls included; a figure to show.
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  std::size_t size() const noexcept {
    // relaxed: a figure to show, it orders nothing.
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail < head) return 0;
    const std::uint64_t rounds = round_of(tail) - round_of(head);
    if (rounds > 1) return N;  // the two loads were far apart
    const std::size_t cells = static_cast<std::size_t>(rounds) * N + cell_of(tail) - cell_of(head);
    return std::min(cells, N);
  }
  bool empty() const noexcept { return size() == 0; }

 private:
  using Word = typename Env::template Atomic<std::uint64_t>;

  // Its item is alive while the turn is odd; before the first one it is zero bits, so that a static
  // queue lies in .bss.
  struct Cell {
    constexpr Cell() noexcept : vacant(0) {}
    constexpr ~Cell() {}
    Word turn{0};
    union {
      unsigned char vacant;
      T item;
    };
  };

  static constexpr unsigned kCellBits = std::bit_width(N - 1);
  static constexpr std::uint64_t kCellMask = (std::uint64_t{1} << kCellBits) - 1;

  static constexpr std::size_t cell_of(std::uint64_t position) noexcept {
    return static_cast<std::size_t>(position & kCellMask);
  }
  static constexpr std::uint64_t round_of(std::uint64_t position) noexcept {
    return position >> kCellBits;
  }
  static constexpr std::uint64_t next(std::uint64_t position) noexcept {
    if constexpr (std::has_single_bit(N)) return position + 1;
    return cell_of(position) + 1 < N ? position + 1 : (position | kCellMask) + 1;
  }

  /// A cell that is the caller's, and its turn.
  struct Claim {
    Cell* cell;
    std::uint64_t turn;
  };

  /// Moves `counter` over the position that it stands at, if the cell there is in that round's turn
  /// number `phase`. No cell: its turn has not come.
  Claim claim(Word& counter, std::uint64_t phase) noexcept {
    // acquire: pairs with the release of whoever moved the counter: what they and those before them
    // had finished until then is seen below, and no turn is read older than that.
    std::uint64_t position = counter.load(std::memory_order_acquire);
    for (;;) {
      Cell& cell = cells_[cell_of(position)];
      const std::uint64_t expected = 2 * round_of(position) + phase;
      // acquire: pairs with the release in pass_on(); the item is made, or the place is vacant.
      const std::uint64_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn < expected) return {nullptr, 0};
      if (turn > expected) {
        // Somebody has moved the counter on, which the turn has ordered before this load. acquire:
        // as above.
        position = counter.load(std::memory_order_acquire);
      } else if (counter.compare_exchange_strong(position, next(position),
                                                 std::memory_order_release,
                                                 std::memory_order_acquire)) {
        // release: pairs with the acquire loads of the counter, of which one has read this position
        // before. acquire on failure: as those loads.
        return {&cell, turn};
      }
    }
  }

  static std::optional<T> take(const Claim& claimed) noexcept {
    std::optional<T> item(std::move(claimed.cell->item));
    std::destroy_at(&claimed.cell->item);
    pass_on(claimed);
    return item;
  }

  /// Ends the caller's turn with a cell.
  static void pass_on(const Claim& claimed) noexcept {
    // release: pairs with the acquire in claim().
    claimed.cell->turn.store(claimed.turn + 1, std::memory_order_release);
  }

  alignas(64) Word tail_{0};
  alignas(64) Word head_{0};
  alignas(64) Cell cells_[N];
};

/// The MpmcQueue of threads.
template <class T, std::size_t N>
using MpmcQueue = BasicMpmcQueue<T, N, ThreadEnv>;

/// The MpmcQueue of processes that map the same memory; constructed once, by one of them. A process
/// that ends inside a call is a thread that stops there for ever.
template <class T, std::size_t N>
requires std::is_trivially_copyable_v<T>
using ProcessMpmcQueue = BasicMpmcQueue<T, N, ProcessEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_MPMC_QUEUE_H_
