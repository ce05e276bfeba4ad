// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/board_sensors.h"

#include <cerrno>
#include <limits>

#include "takt/platform/file_reader.h"
#include "takt/platform/number_text.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

/// Colder than anything, and hotter than any board that still runs.
constexpr std::int32_t kAbsoluteZero = -273'150;
constexpr std::int32_t kHottest = 1'000'000;

using Path = Text<256>;

Result<std::string_view> read_sensor(const Path& path, std::span<char> buffer) noexcept {
  Result<std::string_view> text = read_file(path.c_str(), buffer);
  const int error = text.ok() ? 0 : text.status().error_number();
  // A sensor that is off, or in the middle of a conversion.
  if (error != ENODATA && error != EAGAIN) return text;
  return Status(StatusCode::not_found, "the sensor has no value now", error);
}

void name_zone_file(Path& path, const char* sys_root, std::uint32_t zone,
                    std::string_view file) noexcept {
  path << sys_root << "/class/thermal/thermal_zone" << zone << '/' << file;
}

}  // namespace

Result<std::uint64_t> parse_cpu_frequency(std::string_view text) noexcept {
  constexpr std::uint64_t kHertzPerUnit = 1000;
  std::uint64_t kilohertz = 0;
  if (!detail::parse_number(detail::trimmed(text), kilohertz) ||
      kilohertz > std::numeric_limits<std::int64_t>::max() / kHertzPerUnit) {
    return Status(StatusCode::invalid_argument, "scaling_cur_freq is not a number that fits");
  }
  return kilohertz * kHertzPerUnit;
}

Result<std::uint64_t> read_cpu_frequency(std::uint32_t cpu, const char* sys_root) noexcept {
  Path path;
  path << sys_root << "/devices/system/cpu/cpu" << cpu << "/cpufreq/scaling_cur_freq";
  char buffer[32];
  const Result<std::string_view> text = read_sensor(path, buffer);
  return text.ok() ? parse_cpu_frequency(*text) : Result<std::uint64_t>(text.status());
}

Result<std::int32_t> parse_temperature(std::string_view text) noexcept {
  std::int32_t millidegrees = 0;
  if (!detail::parse_number(detail::trimmed(text), millidegrees)) {
    return Status(StatusCode::invalid_argument, "temp is not a number that fits");
  }
  if (millidegrees < kAbsoluteZero || millidegrees > kHottest) {
    return Status(StatusCode::invalid_argument, "temp is not a temperature");
  }
  return millidegrees;
}

Result<std::int32_t> read_temperature(std::uint32_t zone, const char* sys_root) noexcept {
  Path path;
  name_zone_file(path, sys_root, zone, "temp");
  char buffer[32];
  const Result<std::string_view> text = read_sensor(path, buffer);
  return text.ok() ? parse_temperature(*text) : Result<std::int32_t>(text.status());
}

Result<std::string_view> parse_thermal_type(std::string_view text) noexcept {
  const std::string_view type = detail::trimmed(text);
  if (type.empty()) return Status(StatusCode::invalid_argument, "type is empty");
  for (const char character : type) {
    if (character < ' ' || character > '~') {
      return Status(StatusCode::invalid_argument, "type is not printable");
    }
  }
  return type;
}

Result<std::string_view> read_thermal_type(std::uint32_t zone, std::span<char> buffer,
                                           const char* sys_root) noexcept {
  Path path;
  name_zone_file(path, sys_root, zone, "type");
  const Result<std::string_view> text = read_sensor(path, buffer);
  return text.ok() ? parse_thermal_type(*text) : text;
}

}  // namespace takt::inline v0::platform
