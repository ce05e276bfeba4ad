// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_PROFILES_IMX8M_H_
#define TAKT_BOARDS_PROFILES_IMX8M_H_

#include <chrono>

#include "takt/boards/profiles/board_profile.h"

namespace takt::boards {

/// The one cluster that its four cores make up.
inline constexpr CpuSet kImx8mClusters[] = {CpuSet::range(0, 3)};

/// NXP i.MX 8M Quad and 8M Mini Quad: four Cortex-A53 with a common second-level cache (NXP, "i.MX
/// 8M Dual/8M QuadLite/8M Quad Applications Processors Reference Manual" and "i.MX 8M Mini
/// Applications Processor Reference Manual"; cache lines: "Arm Cortex-A53 MPCore
/// Processor Technical Reference Manual"). The watchdog takes 128 s at most (IMX2_WDT_MAX_TIME
/// in the kernel's drivers/watchdog/imx2_wdt.c).
inline constexpr BoardProfile kImx8m{
    .name = "imx8m",
    .cpus = CpuSet::range(0, 3),
    .cache_line_bytes = 64,
    .clusters = kImx8mClusters,
    .housekeeping = CpuSet::range(0, 1),
    .isolated = CpuSet::range(2, 3),
    .boot_options = "isolcpus=2-3 nohz_full=2-3 irqaffinity=0-1",
    .watchdog = {.driver = "imx2_wdt", .longest_timeout = std::chrono::seconds(128)}};

}  // namespace takt::boards

#endif  // TAKT_BOARDS_PROFILES_IMX8M_H_
