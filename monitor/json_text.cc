// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/json_text.h"

#include <cstddef>

namespace takt::inline v0 {

std::size_t utf8_bytes(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (text.size() < bytes) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  // Too long a form, half of a surrogate pair, beyond the last code point.
  const unsigned second = byte(1);
  const bool wrong = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0) ||
                     (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90);
  return wrong ? 0 : bytes;
}

void write_json_string(std::string_view text, TextWriter& out) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  out << '"';
  while (!text.empty()) {
    const std::size_t bytes = utf8_bytes(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (bytes == 0) {
      out << "\\ufffd";
    } else if (byte == '"' || byte == '\\') {
      out << '\\' << text.front();
    } else if (byte < 0x20) {
      out << "\\u00" << kHex[byte >> 4] << kHex[byte & 15];
    } else {
      out << std::string_view(text.data(), bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  out << '"';
}

void write_decimal(std::int64_t nanoseconds, std::uint64_t unit_ns, TextWriter& out) noexcept {
  // The negation is done unsigned: the most negative value has no positive twin.
  auto magnitude = static_cast<std::uint64_t>(nanoseconds);
  if (nanoseconds < 0) {
    out << '-';
    magnitude = 0 - magnitude;
  }
  out << magnitude / unit_ns;
  std::uint64_t rest = magnitude % unit_ns;
  if (rest == 0) return;
  out << '.';
  for (std::uint64_t digit = unit_ns / 10; digit != 0; digit /= 10) {
    out << static_cast<char>('0' + rest / digit);
    rest %= digit;
  }
}

}  // namespace takt::inline v0
