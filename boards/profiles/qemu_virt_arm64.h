// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_PROFILES_QEMU_VIRT_ARM64_H_
#define TAKT_BOARDS_PROFILES_QEMU_VIRT_ARM64_H_

#include <chrono>

#include "takt/boards/profiles/board_profile.h"

namespace takt::boards {

/// The one cluster that its four cores make up.
inline constexpr CpuSet kQemuVirtArm64Clusters[] = {CpuSet::range(0, 3)};

/// The emulated board of boards/hil: QEMU's "virt" with four Cortex-A72, booted with the options
/// below (cache lines: "Arm Cortex-A72 MPCore Processor Technical Reference Manual"). The watchdog
/// is an Intel 6300ESB, which takes 2046 s at most (ESB_HEARTBEAT_MAX in the kernel's
/// drivers/watchdog/i6300esb.c).
inline constexpr BoardProfile kQemuVirtArm64{
    .name = "qemu_virt_arm64",
    .cpus = CpuSet::range(0, 3),
    .cache_line_bytes = 64,
    .clusters = kQemuVirtArm64Clusters,
    .housekeeping = CpuSet::range(0, 1),
    .isolated = CpuSet::range(2, 3),
    .boot_options = "isolcpus=2-3 nohz_full=2-3",
    .watchdog = {.driver = "i6300esb", .longest_timeout = std::chrono::seconds(2046)}};

}  // namespace takt::boards

#endif  // TAKT_BOARDS_PROFILES_QEMU_VIRT_ARM64_H_
