// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_EXAMPLES_SLCAN_H_
#define TAKT_BOARDS_EXAMPLES_SLCAN_H_

#include <linux/can.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace takt::examples {

/// CAN frames on a serial line as adapters have them since Lawicel's CAN232: "t", the identifier in
/// three hexadecimal digits, the length in one, two for each byte, and a carriage return. Frames
/// with 11-bit identifiers and data only.

/// The longest and the shortest frame on the line.
inline constexpr std::size_t kSlcanBytes = 1 + 3 + 1 + 2 * CAN_MAX_DLEN + 1;
inline constexpr std::size_t kShortestSlcanBytes = 1 + 3 + 1 + 1;

/// Puts frames together out of the bytes of a line. Used by one thread at a time.
class SlcanReader {
 public:
  /// Takes the next byte; returns the frame that it ends, if it ends one. What is no frame is
  /// passed over up to the next carriage return, and counted. Blocks: no.
  std::optional<can_frame> take(char byte) noexcept;
  std::uint64_t malformed() const noexcept { return malformed_; }

 private:
  char line_[kSlcanBytes] = {};
  std::size_t size_ = 0;  // beyond kSlcanBytes: too long
  std::uint64_t malformed_ = 0;
};

/// Writes `frame` as it goes over the line; returns how many bytes. Blocks: no.
std::size_t write_slcan(const can_frame& frame, std::span<char, kSlcanBytes> line) noexcept;

}  // namespace takt::examples

#endif  // TAKT_BOARDS_EXAMPLES_SLCAN_H_
