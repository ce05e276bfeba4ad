// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_PROFILES_BEAGLEBONE_H_
#define TAKT_BOARDS_PROFILES_BEAGLEBONE_H_

#include <chrono>

#include "takt/boards/profiles/board_profile.h"

namespace takt::boards {

/// BeagleBone Black: AM3358, one Cortex-A8 (Texas Instruments, "AM335x Sitara Processors", SPRS717;
/// cache lines: "Cortex-A8 Technical Reference Manual"). There is no CPU to isolate:
/// priorities alone divide it up. The watchdog takes a day at most (TIMER_MARGIN_MAX in the
/// kernel's drivers/watchdog/omap_wdt.h).
inline constexpr BoardProfile kBeagleBone{
    .name = "beaglebone",
    .cpus = CpuSet::of(0),
    .cache_line_bytes = 64,
    .housekeeping = CpuSet::of(0),
    .watchdog = {.driver = "omap_wdt", .longest_timeout = std::chrono::hours(24)}};

}  // namespace takt::boards

#endif  // TAKT_BOARDS_PROFILES_BEAGLEBONE_H_
