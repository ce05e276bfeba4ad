// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_DIAGNOSTICS_H_
#define TAKT_BOARDS_RUN_DIAGNOSTICS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "takt/platform/text.h"

namespace takt::run {

/// A position in a file. Lines and columns count from 1, columns in bytes; line 0: the file as a
/// whole.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  bool operator==(const Place&) const = default;
  /// In the order of the file.
  bool operator<(const Place& other) const noexcept {
    return line != other.line ? line < other.line : column < other.column;
  }
};

/// What is wrong with a workload file (errors), and what is accepted but not honoured (notices).
/// Collects a fixed number of each, so that a user mends several mistakes in one go.
/// Blocks: no. Bound: O(kept). Callable from: the owner.
class Diagnostics {
 public:
  static constexpr std::size_t kMaxErrors = 10;
  static constexpr std::size_t kMaxNotices = 32;

  struct Entry {
    Place place;
    char text[232];
  };

  /// Adds an error and returns the writer of its text, valid until the next is added. Of more than
  /// kMaxErrors the last ones of the file are only counted.
  TextWriter error(Place place) noexcept { return add(errors_, error_count_, place); }
  /// Adds a notice; as error().
  TextWriter notice(Place place) noexcept { return add(notices_, notice_count_, place); }

  bool ok() const noexcept { return error_count_ == 0; }
  /// How many there were, those beyond the kept ones included.
  std::size_t error_count() const noexcept { return error_count_; }
  std::size_t notice_count() const noexcept { return notice_count_; }
  /// Those that were kept, in the order of the file, whatever the order of their discovery.
  std::span<const Entry> errors() const noexcept { return kept(errors_, error_count_); }
  std::span<const Entry> notices() const noexcept { return kept(notices_, notice_count_); }

  void clear() noexcept {
    error_count_ = 0;
    notice_count_ = 0;
  }

  /// "FILE:LINE:COLUMN: error: TEXT" for each error, and how many more there were.
  void write_errors(std::string_view file, TextWriter& out) const noexcept;
  /// The same for the notices, "FILE:LINE:COLUMN: note: TEXT".
  void write_notices(std::string_view file, TextWriter& out) const noexcept;

 private:
  TextWriter add(std::span<Entry> entries, std::size_t& count, Place place) noexcept;
  template <std::size_t Size>
  static std::span<const Entry> kept(const std::array<Entry, Size>& entries,
                                     std::size_t count) noexcept {
    return std::span(entries).first(count < Size ? count : Size);
  }

  std::array<Entry, kMaxErrors> errors_{};
  std::array<Entry, kMaxNotices> notices_{};
  Entry overflow_{};  // takes the texts that nobody will read
  std::size_t error_count_ = 0;
  std::size_t notice_count_ = 0;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_DIAGNOSTICS_H_
