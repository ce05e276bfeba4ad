// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_TABLE_H_
#define TAKT_BOARDS_RUN_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "takt/platform/check.h"
#include "takt/platform/text.h"

namespace takt::run {

enum class Align : std::uint8_t { left, right };

struct TableColumn {
  std::string_view heading;
  Align align = Align::right;
  /// Stands above the first of successive columns that have the same one.
  std::string_view group = {};
};

/// Lays a table out: columns as wide as what stands in them, two spaces apart.
/// Blocks: no. Bound: O(characters). Callable from: the owner.
class TableLayout {
 public:
  static constexpr std::size_t kMaxColumns = 16;
  static constexpr std::size_t kCellBytes = 64;

  /// The columns must outlive this.
  explicit TableLayout(std::span<const TableColumn> columns) noexcept;

  /// Makes room for a cell.
  void fit(std::size_t column, std::string_view cell) noexcept;
  /// Room for all cells has been made: writes one or two lines of headings.
  void write_headings(TextWriter& out) noexcept;
  /// The cells of a row are written from the left to the right.
  void write_cell(std::size_t column, std::string_view cell, TextWriter& out) const noexcept;

 private:
  std::size_t group_end(std::size_t column) const noexcept;
  void fit_groups() noexcept;

  std::span<const TableColumn> columns_;
  std::array<std::size_t, kMaxColumns> widths_{};
};

/// Writes a table whose cells `write_cell(row, column, out)` makes, twice each.
template <class WriteCell>
void write_table(std::span<const TableColumn> columns, std::size_t rows,
                 const WriteCell& write_cell, TextWriter& out) noexcept {
  TableLayout layout(columns);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns.size(); ++column) {
      Text<TableLayout::kCellBytes> cell;
      write_cell(row, column, cell);
      layout.fit(column, cell.view());
    }
  }
  layout.write_headings(out);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns.size(); ++column) {
      Text<TableLayout::kCellBytes> cell;
      write_cell(row, column, cell);
      layout.write_cell(column, cell.view(), out);
    }
  }
}

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_TABLE_H_
