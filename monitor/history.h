// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_HISTORY_H_
#define TAKT_MONITOR_HISTORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "takt/platform/time.h"
#include "takt/sync/env.h"

// A ring of samples, each a row of columns: the time, then one value for each series. Samples are
// numbered 0, 1, 2, … without end; sample i lies in row i mod capacity. The protocol is that of
// executor/event_ring.h:
//
//   written_  how many are complete. Stored by the writer only, after the row's columns.
//
// Invariant: the writer begins to overwrite sample i only after it has stored i + capacity in
// written_. So a reader that finds less there after it has read a column has got sample i's.

namespace takt::inline v0::detail {

template <class Env>
class BasicHistory {
 public:
  using Cell = typename Env::template Atomic<std::int64_t>;

  /// What a column holds where there was nothing to read.
  static constexpr std::int64_t kAbsent = std::numeric_limits<std::int64_t>::min();

  /// `cells` are `capacity` (2 or more) rows of `columns` each.
  BasicHistory(std::span<Cell> cells, std::uint32_t columns) noexcept
      : cells_(cells), columns_(columns), capacity_(cells.size() / columns) {}

  /// How many samples are complete. Blocks: no. Callable from: any thread, as all that reads.
  std::uint64_t written() const noexcept {
    // acquire: pairs with the release in finish(): they are there.
    return written_.load(std::memory_order_acquire);
  }
  /// How many of them can be read: the row of one more may be under the writer's pen.
  std::uint64_t kept() const noexcept { return capacity_ - 1; }

  /// A column of sample `number`, which is below written(); nothing when it may be overwritten.
  /// Bound: wait-free.
  std::optional<std::int64_t> read(std::uint64_t number, std::uint32_t column) const noexcept {
    // acquire: pairs with the release of a later sample's column; the look below comes after.
    const std::int64_t value = cell(number, column).load(std::memory_order_acquire);
    // relaxed: the column's acquire puts it after it.
    if (written_.load(std::memory_order_relaxed) - number > kept()) return std::nullopt;
    return value;
  }
  std::optional<TimePoint> time(std::uint64_t number) const noexcept {
    const std::optional<std::int64_t> value = read(number, 0);
    if (!value.has_value()) return std::nullopt;
    return from_ns(*value);
  }

  /// The writer's: a column of the sample that comes next, then finish(). Each column is written,
  /// as the row holds those of an old sample. Blocks: no. Bound: wait-free.
  void write(std::uint32_t column, std::int64_t value) noexcept {
    // release: pairs with the acquire of a reader that comes upon this value too early.
    cells_[next_row_ + column].store(value, std::memory_order_release);
  }
  void finish(TimePoint time) noexcept {
    write(0, to_ns(time));
    next_row_ += columns_;
    if (next_row_ == static_cast<std::size_t>(capacity_) * columns_) next_row_ = 0;
    // relaxed: the writer's own counter. release: pairs with the acquire of written().
    written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  std::span<std::byte> memory() noexcept { return std::as_writable_bytes(cells_); }

 private:
  Cell& cell(std::uint64_t number, std::uint32_t column) const noexcept {
    return cells_[static_cast<std::size_t>(number % capacity_) * columns_ + column];
  }

  const std::span<Cell> cells_;
  const std::uint32_t columns_;
  const std::uint64_t capacity_;
  typename Env::template Atomic<std::uint64_t> written_{0};
  std::size_t next_row_ = 0;  // where the row of sample written_ begins; the writer's
};

using History = BasicHistory<ThreadEnv>;

}  // namespace takt::inline v0::detail

#endif  // TAKT_MONITOR_HISTORY_H_
