// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/duration_text.h"

#include <cstddef>
#include <cstdint>

namespace takt::inline v0 {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;  // nanoseconds
constexpr std::uint64_t kMinute = 60 * kSecond;

constexpr const char* kUnits[] = {"ns", "us", "ms", "s"};
constexpr std::size_t kLastUnit = sizeof kUnits / sizeof kUnits[0] - 1;

/// The nearest number of three digits and zeros.
std::uint64_t three_digits_of(std::uint64_t value) noexcept {
  std::uint64_t step = 1;
  while (value / step >= 1000) step *= 10;
  return (value + step / 2) / step * step;
}

/// Below a minute: a decimal fraction of the largest unit that is not larger.
void write_fraction(TextWriter& writer, std::uint64_t value, std::string_view space) noexcept {
  std::size_t unit = 0;
  std::uint64_t size = 1;
  while (unit < kLastUnit && value / size >= 1000) {
    size *= 1000;
    ++unit;
  }
  writer << value / size;
  std::uint64_t rest = value % size;
  if (rest != 0) writer << '.';
  for (; rest != 0; rest = rest * 10 % size) writer << rest * 10 / size;
  writer << space << kUnits[unit];
}

/// `value` of a small unit as a large one of `many` and what is left, which is not written when 0.
void write_two_units(TextWriter& writer, std::uint64_t value, std::uint64_t many,
                     const char* large_unit, const char* small_unit,
                     std::string_view space) noexcept {
  writer << value / many << space << large_unit;
  if (value % many != 0) writer << space << value % many << space << small_unit;
}

}  // namespace

void write_duration(TextWriter& writer, Duration duration, std::string_view space) noexcept {
  Duration::rep value = duration.count();
  std::size_t unit = 0;
  while (value != 0 && unit < kLastUnit && value % 1000 == 0) {
    value /= 1000;
    ++unit;
  }
  writer << value << space << kUnits[unit];
}

void write_rounded_duration(TextWriter& writer, Duration duration,
                            std::string_view space) noexcept {
  const auto bits = static_cast<std::uint64_t>(duration.count());
  // The negation is done unsigned: the most negative value has no positive twin.
  const std::uint64_t exact = duration < Duration::zero() ? 0 - bits : bits;
  if (duration < Duration::zero()) writer << '-';
  const std::uint64_t rounded = three_digits_of(exact);
  if (rounded < kMinute) return write_fraction(writer, rounded, space);
  const std::uint64_t seconds = (exact + kSecond / 2) / kSecond;
  if (seconds < 3600) return write_two_units(writer, seconds, 60, "min", "s", space);
  write_two_units(writer, (exact + kMinute / 2) / kMinute, 60, "h", "min", space);
}

}  // namespace takt::inline v0
