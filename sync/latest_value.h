// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_LATEST_VALUE_H_
#define TAKT_SYNC_LATEST_VALUE_H_

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "takt/sync/env.h"

// A triple buffer: the writer has a buffer, the reader has one, and the third lies between them.
//
//   between_  bits 0-1  which buffer lies between. Set by publish() and load(), each puts its own
//                       buffer down and takes this one in the same exchange.
//             bit 2     kFresh: that buffer was published and not yet taken. Set by publish(),
//                       cleared by load(). A stale read without the bit is legal: what was
//                       published meanwhile is taken by a later load().
//
//                  publish: exchange                     load: exchange
//   [b, taken] -----------------------> [b', fresh] -----------------------> [b'', taken]
//                                        |      ^
//                                        '------' publish: exchange, one value is never read
//
// At first buffer 0 lies between, the writer has 1 and the reader 2. They are stored as differences
// from that (exclusive or), so that all of it begins as zero and a static one lies in .bss.
//
// Invariant: the writer's, the reader's and the one between are three different buffers. So nobody
// ever touches a buffer of somebody else's, and nobody waits.

namespace takt::inline v0 {

/// The newest value, from one thread to another: the writer replaces it as often as it likes, the
/// reader takes the newest whenever it wants one. Nobody ever waits: each call is wait-free. Values
/// in between are never read. It holds no pointers, so that it may lie in memory that is mapped at
/// several addresses.
///
/// *The writer* is whoever calls store(), draft() and publish(), *the reader* who calls load(): one
/// thread each at a time, and handing a role over needs a lock or a join of its own. Each has a
/// buffer of its own, which the other one never touches. T is moved in, never destroyed before the
/// object is: a buffer's old value lives until the buffer is written again.
template <class T, class Env>
class BasicLatestValue {
 public:
  using value_type = T;

  static_assert(std::is_nothrow_default_constructible_v<T>,
                "LatestValue: there is a value before the first store(), T()");
  static_assert(std::is_nothrow_move_assignable_v<T> && std::is_nothrow_destructible_v<T>,
                "LatestValue: moving and destroying a value must not throw");

  /// What load() returns.
  struct Reading {
    T& value;    ///< in the reader's buffer, which is the reader's to change, until the next load()
    bool fresh;  ///< no load() has returned it before
  };

  constexpr BasicLatestValue() noexcept = default;
  BasicLatestValue(const BasicLatestValue&) = delete;
  BasicLatestValue& operator=(const BasicLatestValue&) = delete;

  /// Replaces the value. Returns whether the one before was read: false means that nobody ever
  /// will. Blocks: no. Bound: wait-free. Callable from: the writer.
  bool store(T&& value) noexcept {
    draft() = std::move(value);
    return publish();
  }
  bool store(const T& value) noexcept requires std::is_nothrow_copy_assignable_v<T> {
    draft() = value;
    return publish();
  }

  /// The writer's buffer, to be filled in place; then publish(). It holds some older value.
  /// Blocks: no. Bound: wait-free. Callable from: the writer.
  T& draft() noexcept { return buffers_[written_ ^ kWriters].value; }

  /// Makes what is in draft() the newest value. Returns as store().
  /// Blocks: no. Bound: wait-free. Callable from: the writer.
  bool publish() noexcept {
    // release: pairs with the acquire of load()'s exchange; the value is complete. acquire: pairs
    // with that exchange's release; the reader is done with the buffer that it put down.
    const std::uint32_t before =
        between_.exchange((written_ ^ kWriters) | kFresh, std::memory_order_acq_rel);
    written_ = (before & kBuffer) ^ kWriters;
    return (before & kFresh) == 0;
  }

  /// The newest value; T() before the first store(). Not fresh: the same as the last load()
  /// returned, as the reader has left it. Blocks: no. Bound: wait-free. Callable from: the reader.
  Reading load() noexcept {
    // relaxed: the exchange takes what there is by then.
    const bool fresh = (between_.load(std::memory_order_relaxed) & kFresh) != 0;
    if (fresh) {
      // Only the reader clears the bit. acquire and release: as in publish().
      const std::uint32_t before = between_.exchange(read_ ^ kReaders, std::memory_order_acq_rel);
      read_ = (before & kBuffer) ^ kReaders;
    }
    return {buffers_[read_ ^ kReaders].value, fresh};
  }

 private:
  static constexpr std::uint32_t kBuffer = 3;
  static constexpr std::uint32_t kFresh = 4;
  static constexpr std::uint32_t kWriters = 1;  // at first
  static constexpr std::uint32_t kReaders = 2;

  struct alignas(64) Buffer {
    T value{};
  };

  alignas(64) typename Env::Word between_{0};
  alignas(64) std::uint32_t written_ = 0;
  alignas(64) std::uint32_t read_ = 0;
  Buffer buffers_[3];
};

/// The LatestValue of threads.
template <class T>
using LatestValue = BasicLatestValue<T, ThreadEnv>;

/// The LatestValue of processes that map the same memory; constructed once, by one of them. A
/// process that ends, wherever that is, never makes the other one wait. A writer that was killed
/// is not to be replaced: the next one could draw into the value that the reader holds.
template <class T>
requires std::is_trivially_copyable_v<T>
using ProcessLatestValue = BasicLatestValue<T, ProcessEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_LATEST_VALUE_H_
