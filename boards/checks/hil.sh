#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# All C++ tests of platform, sync, executor and monitor and the stress tests, on the emulated arm64 board
# with its PREEMPT_RT kernel. Where the board cannot be had: one skip, with its reason.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."

readonly ALL='//tests/platform/... //tests/sync/... //tests/executor/... //tests/monitor/... //tests/stress/...'
read -r -a targets <<<"${TAKT_TARGETS:-$ALL}"
exec boards/takt hil qemu_virt_arm64 "${targets[@]}"
