// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_VERSIONED_CELL_H_
#define TAKT_SYNC_VERSIONED_CELL_H_

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

// A sequence lock without fences (which tsan does not know): Boehm, "Can seqlocks get along with
// programming language memory models?" (2012), with an order on each word instead.
//
//   state_   2 v      it holds version v; 0: nothing yet
//            2 v - 1  version v is being written
//
//   [2 v - 2] --begin: store--> [2 v - 1] --each word: store--> --end: store--> [2 v]
//
// Only the writer stores. A stale read of the state is legal: it shows an older version, whose
// words are either all still there, or the second look sees that they are not.
//
// Invariant: a reader whose two looks at the state show 2 v has read the words of version v alone.
// Not older ones: the first look pairs with the end of v. Not newer ones: a word of version w > v,
// being read, shows what came before it was written, so the second look sees 2 w - 1 or more. The
// state has 64 bits and only grows: no two versions look alike.

namespace takt::inline v0::detail {

/// A T that one thread replaces while others copy it, and notice when they got parts of two.
template <class T, class Env>
class VersionedCell {
 public:
  static_assert(std::is_trivially_copyable_v<T>,
                "SeqLock, BroadcastQueue: items are copied word by word, T must be trivially "
                "copyable");

  constexpr VersionedCell() noexcept = default;
  VersionedCell(const VersionedCell&) = delete;
  VersionedCell& operator=(const VersionedCell&) = delete;

  /// What read() found.
  struct Reading {
    std::optional<T> item;  ///< nothing: there is none yet, or it is being replaced
    std::uint64_t version;  ///< of the item; without one, of what was seen being written
  };

  /// The last version that is complete, 0 when there is none. Orders nothing.
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  std::uint64_t version() const noexcept {
    // relaxed: of the writer its own state, of others a figure to show.
    return state_.load(std::memory_order_relaxed) / 2;
  }

  /// Replaces the item; `version` is above version().
  /// Blocks: no. Bound: wait-free, O(sizeof(T)). Callable from: the writer.
  void write(const T& item, std::uint64_t version) noexcept {
    std::uintptr_t words[kWords] = {};
    std::memcpy(words, &item, sizeof item);
    // relaxed: each word's release puts this before it.
    state_.store(2 * version - 1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < kWords; ++i) {
      // release: pairs with the acquire of a reader that comes upon this word too early.
      words_[i].store(words[i], std::memory_order_release);
    }
    // release: pairs with the acquire of read()'s first look.
    state_.store(2 * version, std::memory_order_release);
  }

  /// Copies the item; one attempt. Blocks: no. Bound: wait-free, O(sizeof(T)). Callable from: any
  /// thread.
  Reading read() const noexcept {
    // acquire: pairs with the release at the end of write().
    const std::uint64_t first = state_.load(std::memory_order_acquire);
    if (first == 0 || first % 2 != 0) return {std::nullopt, (first + 1) / 2};
    std::uintptr_t words[kWords];
    for (std::size_t i = 0; i < kWords; ++i) {
      // acquire: pairs with the release of a newer version's word; the second look comes after.
      words[i] = words_[i].load(std::memory_order_acquire);
    }
    // relaxed: the words' acquires put it after them.
    const std::uint64_t second = state_.load(std::memory_order_relaxed);
    if (second != first) return {std::nullopt, (second + 1) / 2};
    Bytes bytes;
    std::memcpy(&bytes, words, sizeof bytes);
    return {std::bit_cast<T>(bytes), first / 2};
  }

 private:
  struct Bytes {
    unsigned char data[sizeof(T)];
  };
  static constexpr std::size_t kWords =
      (sizeof(T) + sizeof(std::uintptr_t) - 1) / sizeof(std::uintptr_t);

  typename Env::template Atomic<std::uint64_t> state_{0};
  // As wide as the machine's: 64-bit atomics cost more on a 32-bit one.
  typename Env::template Atomic<std::uintptr_t> words_[kWords] = {};
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_SYNC_VERSIONED_CELL_H_
