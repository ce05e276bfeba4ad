// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/table.h"

#include <algorithm>

namespace takt::run {
namespace {

constexpr std::size_t kGap = 2;

// Characters, not bytes: names may hold others than ASCII.
std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
  }));
}

void write_spaces(std::size_t count, TextWriter& out) noexcept {
  for (; count > 0; --count) out << ' ';
}

}  // namespace

TableLayout::TableLayout(std::span<const TableColumn> columns) noexcept : columns_(columns) {
  TAKT_CHECK(columns.size() <= kMaxColumns, "a table with too many columns");
  for (std::size_t i = 0; i < columns.size(); ++i) fit(i, columns[i].heading);
}

void TableLayout::fit(std::size_t column, std::string_view cell) noexcept {
  widths_[column] = std::max(widths_[column], width_of(cell));
}

void TableLayout::write_headings(TextWriter& out) noexcept {
  fit_groups();
  std::size_t at = 0;    // where the column begins
  std::size_t used = 0;  // of the line
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string_view group = columns_[i].group;
    const bool first = i == 0 || columns_[i - 1].group != group;
    if (first && !group.empty()) {
      write_spaces(at - used, out);
      out << group;
      used = at + width_of(group);
    }
    at += widths_[i] + kGap;
  }
  if (used > 0) out << '\n';
  for (std::size_t i = 0; i < columns_.size(); ++i) write_cell(i, columns_[i].heading, out);
}

void TableLayout::write_cell(std::size_t column, std::string_view cell,
                             TextWriter& out) const noexcept {
  const bool last = column + 1 == columns_.size();
  const std::size_t spaces = widths_[column] - width_of(cell);
  if (columns_[column].align == Align::right) write_spaces(spaces, out);
  out << cell;
  if (last) {
    out << '\n';
    return;
  }
  if (columns_[column].align == Align::left) write_spaces(spaces, out);
  write_spaces(kGap, out);
}

std::size_t TableLayout::group_end(std::size_t column) const noexcept {
  std::size_t end = column;
  while (end < columns_.size() && columns_[end].group == columns_[column].group) ++end;
  return end;
}

// A heading that is wider than its columns widens the first of them.
void TableLayout::fit_groups() noexcept {
  for (std::size_t begin = 0; begin < columns_.size();) {
    const std::size_t end = group_end(begin);
    std::size_t width = (end - begin - 1) * kGap;
    for (std::size_t i = begin; i < end; ++i) width += widths_[i];
    const std::size_t needed = width_of(columns_[begin].group);
    if (needed > width) widths_[begin] += needed - width;
    begin = end;
  }
}

}  // namespace takt::run
