// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_JSON_TEXT_H_
#define TAKT_MONITOR_JSON_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "takt/platform/text.h"

namespace takt::inline v0 {

/// How many bytes at the beginning of `text`, which is not empty, are one well-formed character of
/// UTF-8 (RFC 3629); 0: none. Blocks: no. Bound: O(1). Callable from: anywhere.
std::size_t utf8_bytes(std::string_view text) noexcept;

/// Appends `text` as a JSON string (RFC 8259), with quotes and escapes. What is not well-formed
/// UTF-8, as a name that was cut inside a character, becomes U+FFFD, byte by byte.
/// Blocks: no. Bound: O(characters), at most six characters for one. Callable from: the writer's
/// owner.
void write_json_string(std::string_view text, TextWriter& out) noexcept;

/// Appends nanoseconds as a decimal number in units of `unit_ns` nanoseconds, a power of ten:
/// exact, with all its digits, those of a whole number without a point; a number of JSON and of
/// Prometheus's text. write_decimal(1'500, 1'000, out): "1.500".
/// Blocks: no. Bound: O(1). Callable from: the writer's owner.
void write_decimal(std::int64_t nanoseconds, std::uint64_t unit_ns, TextWriter& out) noexcept;

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_JSON_TEXT_H_
