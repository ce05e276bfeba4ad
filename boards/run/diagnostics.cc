// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/diagnostics.h"

#include <algorithm>

namespace takt::run {
namespace {

// A file's own words are quoted in the texts; they must not steer the terminal.
void write_printable(std::string_view text, TextWriter& out) noexcept {
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    out << (byte < 0x20 || byte == 0x7f ? '?' : character);
  }
}

void write_entries(std::span<const Diagnostics::Entry> entries, std::size_t count,
                   std::string_view file, std::string_view kind, TextWriter& out) noexcept {
  for (const Diagnostics::Entry& entry : entries) {
    out << file << ':';
    if (entry.place.line != 0) out << entry.place.line << ':' << entry.place.column << ':';
    out << ' ' << kind << ": ";
    write_printable(entry.text, out);
    out << '\n';
  }
  if (count > entries.size()) {
    out << file << ": " << kind << ": and " << count - entries.size() << " more\n";
  }
}

}  // namespace

TextWriter Diagnostics::add(std::span<Entry> entries, std::size_t& count, Place place) noexcept {
  const std::span<Entry> before = entries.first(std::min(count, entries.size()));
  const auto behind =
      std::upper_bound(before.begin(), before.end(), place,
                       [](Place left, const Entry& right) { return left < right.place; });
  const auto position = static_cast<std::size_t>(behind - before.begin());
  const std::size_t kept = std::min(++count, entries.size());
  Entry& entry = position < kept ? entries[position] : overflow_;
  // Where it is full, the last one makes room.
  if (position < kept) {
    std::copy_backward(entries.begin() + static_cast<std::ptrdiff_t>(position),
                       entries.begin() + static_cast<std::ptrdiff_t>(kept - 1),
                       entries.begin() + static_cast<std::ptrdiff_t>(kept));
  }
  entry.place = place;
  return {entry.text, sizeof entry.text};
}

void Diagnostics::write_errors(std::string_view file, TextWriter& out) const noexcept {
  write_entries(errors(), error_count_, file, "error", out);
}

void Diagnostics::write_notices(std::string_view file, TextWriter& out) const noexcept {
  write_entries(notices(), notice_count_, file, "note", out);
}

}  // namespace takt::run
