// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_BOARD_SENSORS_H_
#define TAKT_PLATFORM_BOARD_SENSORS_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "takt/platform/result.h"

/// How fast the CPUs run and how hot the board is, from /sys, where it says so: virtual machines
/// and some boards do not, which is not_found.
///
/// Parsers. Blocks: no. Bound: O(characters). Callable from: anywhere. Errors: invalid_argument: no
/// number that fits, or not what it can be; the text names the file.
///
/// Readers. Blocks: until the kernel wrote the file: microseconds, a sensor on a bus milliseconds.
/// Callable from: any thread. Errors: as the parsers, and those of read_file; not_found: the board
/// has no such file, or the sensor has nothing to say now (ENODATA, EAGAIN).
namespace takt::inline v0::platform {

/// Of devices/system/cpu/cpuN/cpufreq/scaling_cur_freq, in hertz.
Result<std::uint64_t> parse_cpu_frequency(std::string_view text) noexcept;
Result<std::uint64_t> read_cpu_frequency(std::uint32_t cpu, const char* sys_root = "/sys") noexcept;

/// Of class/thermal/thermal_zoneN/temp, in thousandths of a degree Celsius.
Result<std::int32_t> parse_temperature(std::string_view text) noexcept;
Result<std::int32_t> read_temperature(std::uint32_t zone, const char* sys_root = "/sys") noexcept;

/// What the zone measures, of class/thermal/thermal_zoneN/type: "cpu-thermal". Valid as long as
/// `buffer` (32 bytes suffice: the kernel's names are shorter than 20).
Result<std::string_view> parse_thermal_type(std::string_view text) noexcept;
Result<std::string_view> read_thermal_type(std::uint32_t zone, std::span<char> buffer,
                                           const char* sys_root = "/sys") noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_BOARD_SENSORS_H_
