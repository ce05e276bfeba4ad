// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_SEQ_LOCK_H_
#define TAKT_SYNC_SEQ_LOCK_H_

#include <cstdint>
#include <optional>
#include <type_traits>

#include "takt/sync/env.h"
#include "takt/sync/versioned_cell.h"

// One VersionedCell, which has the state machine; version v is what the v-th store() stored.

namespace takt::inline v0 {

/// A value that one thread replaces and any number of threads copy, none of which the writer ever
/// waits for or knows of. A copy that the writer came across is thrown away and tried again, as
/// often as the reader allows: no reader ever waits for the writer either. T is trivially copyable
/// and small: a cache line or two. For larger ones and a single reader see LatestValue.
///
/// *The writer* is whoever calls store(): one thread at a time, and handing the role over needs a
/// lock or a join of its own.
template <class T, class Env>
class BasicSeqLock {
 public:
  using value_type = T;

  constexpr BasicSeqLock() noexcept = default;
  BasicSeqLock(const BasicSeqLock&) = delete;
  BasicSeqLock& operator=(const BasicSeqLock&) = delete;

  /// Replaces the value. Blocks: no. Bound: wait-free, O(sizeof(T)). Callable from: the writer.
  void store(const T& value) noexcept { cell_.write(value, cell_.version() + 1); }

  /// A copy of the newest value. Nothing: nothing was ever stored, or `attempts` times the writer
  /// was seen at work. Blocks: no. Bound: wait-free, O(attempts * sizeof(T)). Callable from: any
  /// thread, signal handlers included.
  std::optional<T> try_load(unsigned attempts) const noexcept {
    for (; attempts != 0; --attempts) {
      if (std::optional<T> value = cell_.read().item; value.has_value()) return value;
      if (attempts != 1) Env::pause();
    }
    return std::nullopt;
  }

  /// How many values were stored so far. A try_load() afterwards gives that one or a newer one.
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  std::uint64_t version() const noexcept { return cell_.version(); }

 private:
  detail::VersionedCell<T, Env> cell_;
};

/// The SeqLock of threads.
template <class T>
using SeqLock = BasicSeqLock<T, ThreadEnv>;

/// The SeqLock of processes that map the same memory; constructed once, by one of them. A writer
/// that ends inside store() leaves nothing to be read until another one has stored.
template <class T>
using ProcessSeqLock = BasicSeqLock<T, ProcessEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_SEQ_LOCK_H_
