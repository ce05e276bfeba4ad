#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The 32-bit C++ tests of platform, sync, executor and monitor on the emulated board, whose 64-bit kernel runs
# them, too: its entries for 32-bit programs instead of an emulator's; one of them by `bazel test`. Where the
# board cannot be had: one skip.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

log=$(mktemp)
trap 'rm -f "$log"' EXIT
one_thread=$(without_one_thread_tests)
read -r -a targets <<<"${TAKT_TARGETS:-//tests/platform/... //tests/sync/... //tests/executor/... //tests/monitor/... $ONE_CONFIGURATION $one_thread}"
export BAZEL_FLAGS="${BAZEL_FLAGS:-} --config=werror"
boards/takt hil qemu_virt_arm "${targets[@]}" | tee "$log"
[[ -z ${TAKT_TARGETS:-} ]] && ! grep -q '^SKIPPED: no emulated board' "$log" || exit 0

# The same by Bazel's own verb.
echo "takt hil: bazel test --config=hil" >&2
[[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ 0\ failed,\ ([0-9]+)\ skipped$ ]]
passed=${BASH_REMATCH[1]} skipped=${BASH_REMATCH[2]}
BOARD=qemu_virt_arm TAKT_SETUP=no boards/test.sh --config=arm --config=hil //tests/platform:status_test | tee "$log"
[[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ 0\ failed,\ 0\ skipped$ ]]
echo "$((passed + BASH_REMATCH[1])) passed, 0 failed, $skipped skipped"
