// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_PROFILES_RASPBERRYPI4_H_
#define TAKT_BOARDS_PROFILES_RASPBERRYPI4_H_

#include <chrono>

#include "takt/boards/profiles/board_profile.h"

namespace takt::boards {

/// The one cluster that its four cores make up.
inline constexpr CpuSet kRaspberryPi4Clusters[] = {CpuSet::range(0, 3)};

/// Raspberry Pi 4: BCM2711, four Cortex-A72 with a common second-level cache (Raspberry Pi Ltd,
/// "BCM2711 ARM Peripherals"; cache lines: "Arm Cortex-A72 MPCore Processor Technical
/// Reference Manual"). The watchdog's counter has 20 bits at 65,536 Hz (PM_WDOG_TIME_SET in
/// the kernel's drivers/watchdog/bcm2835_wdt.c): not quite 16 s.
inline constexpr BoardProfile kRaspberryPi4{
    .name = "raspberrypi4",
    .cpus = CpuSet::range(0, 3),
    .cache_line_bytes = 64,
    .clusters = kRaspberryPi4Clusters,
    .housekeeping = CpuSet::range(0, 1),
    .isolated = CpuSet::range(2, 3),
    .boot_options = "isolcpus=2-3 nohz_full=2-3 irqaffinity=0-1",
    .watchdog = {.driver = "bcm2835_wdt", .longest_timeout = std::chrono::seconds(15)}};

}  // namespace takt::boards

#endif  // TAKT_BOARDS_PROFILES_RASPBERRYPI4_H_
