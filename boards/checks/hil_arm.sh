#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The 32-bit C++ tests of platform, sync, executor and monitor on the emulated board, whose 64-bit kernel runs
# them, too: its entries for 32-bit programs instead of an emulator's. Where the board cannot be had: one skip.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

one_thread=$(without_one_thread_tests)
read -r -a targets <<<"${TAKT_TARGETS:-//tests/platform/... //tests/sync/... //tests/executor/... //tests/monitor/... $ONE_CONFIGURATION $one_thread}"
export BAZEL_FLAGS="${BAZEL_FLAGS:-} --config=werror"
boards/takt hil qemu_virt_arm "${targets[@]}"
