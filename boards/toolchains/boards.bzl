# SPDX-License-Identifier: Apache-2.0
"""What takt is built for: each entry becomes a platform //boards:NAME and a toolchain of its own.

(One toolchain a board, because a select() inside a toolchain's configuration does not work on
Bazel 4.) A further board is a further entry, plus a line in .bazelrc.
"""

_AARCH64 = struct(
    cpu = "@platforms//cpu:aarch64",
    target = "aarch64-linux-gnu",
)

_ARMHF = struct(
    cpu = "@platforms//cpu:armv7",
    target = "arm-linux-gnueabihf",
)

_RISCV64 = struct(
    cpu = "@platforms//cpu:riscv64",
    target = "riscv64-linux-gnu",
)

_CORTEX_A8 = [
    "-mcpu=cortex-a8",
    "-mthumb",
    "-mfloat-abi=hard",
    "-mfpu=neon",
]

BOARDS = {
    # Any machine of the architecture.
    "arm": struct(machine = _ARMHF, copts = []),
    "arm64": struct(machine = _AARCH64, copts = []),
    "riscv64": struct(machine = _RISCV64, copts = []),
    # Boards.
    "beaglebone": struct(machine = _ARMHF, copts = _CORTEX_A8),
    "imx8m": struct(machine = _AARCH64, copts = ["-mcpu=cortex-a53"]),
    "raspberrypi4": struct(machine = _AARCH64, copts = ["-mcpu=cortex-a72"]),
}
