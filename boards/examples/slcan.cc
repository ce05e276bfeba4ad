// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/slcan.h"

#include <string_view>

namespace takt::examples {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEF";

/// The value of hexadecimal digits; nothing if one is none.
std::optional<std::uint32_t> number_of(std::string_view digits) noexcept {
  std::uint32_t value = 0;
  for (char digit : digits) {
    if (digit >= 'a' && digit <= 'f') digit = static_cast<char>(digit - 'a' + 'A');
    const std::size_t at = kDigits.find(digit);
    if (at == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<std::uint32_t>(at);
  }
  return value;
}

std::optional<can_frame> frame_of(std::string_view line) noexcept {
  if (line.size() < kShortestSlcanBytes - 1 || line[0] != 't') return std::nullopt;
  const auto identifier = number_of(line.substr(1, 3));
  const auto length = number_of(line.substr(4, 1));
  if (!identifier || *identifier > CAN_SFF_MASK || !length || *length > CAN_MAX_DLEN ||
      line.size() != 5 + 2 * *length) {
    return std::nullopt;
  }
  can_frame frame{};
  frame.can_id = *identifier;
  frame.can_dlc = static_cast<std::uint8_t>(*length);
  for (std::uint32_t at = 0; at < *length; ++at) {
    const auto byte = number_of(line.substr(5 + 2 * at, 2));
    if (!byte) return std::nullopt;
    frame.data[at] = static_cast<std::uint8_t>(*byte);
  }
  return frame;
}

}  // namespace

std::optional<can_frame> SlcanReader::take(char byte) noexcept {
  if (byte != '\r') {
    if (size_ < kSlcanBytes) line_[size_] = byte;
    if (size_ <= kSlcanBytes) ++size_;
    return std::nullopt;
  }
  const std::size_t size = size_;
  size_ = 0;
  if (size == 0) return std::nullopt;  // how a host makes an adapter listen
  const std::optional<can_frame> frame =
      size < kSlcanBytes ? frame_of({line_, size}) : std::nullopt;
  if (!frame) ++malformed_;
  return frame;
}

std::size_t write_slcan(const can_frame& frame, std::span<char, kSlcanBytes> line) noexcept {
  std::size_t size = 0;
  const auto put = [&](std::uint32_t value, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
      line[size++] = kDigits[(value >> shift) & 15U];
    }
  };
  line[size++] = 't';
  put(frame.can_id & CAN_SFF_MASK, 3);
  const std::uint32_t length = frame.can_dlc < CAN_MAX_DLEN ? frame.can_dlc : CAN_MAX_DLEN;
  put(length, 1);
  for (std::uint32_t at = 0; at < length; ++at) put(frame.data[at], 2);
  line[size++] = '\r';
  return size;
}

}  // namespace takt::examples
