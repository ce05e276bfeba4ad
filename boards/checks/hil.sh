#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# On the emulated arm64 board with its PREEMPT_RT kernel: the C++ tests of platform, sync, executor and
# monitor, the stress tests, and what the board's own hardware does to a daemon; without those that start no
# thread, which the 32-bit machine runs under qemu-user. Where the board cannot be had: one skip, with its
# reason.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
passed=0 failed=0 skipped=0

# TAKT_TARGETS narrows it, then without the hardware.
one_thread=$(without_one_thread_tests)
read -r -a targets <<<"${TAKT_TARGETS:-//tests/platform/... //tests/sync/... //tests/executor/... //tests/monitor/... //tests/stress/... $ONE_CONFIGURATION $one_thread}"
export BAZEL_FLAGS="${BAZEL_FLAGS:-} --config=werror"
boards/takt hil qemu_virt_arm64 "${targets[@]}" 2>&1 | tee "$log/hil" | grep -v '^== \|: passed$' || true
read -r passed _ failed _ skipped _ <<<"$(tail -n 1 "$log/hil")"
if grep -q '^SKIPPED: no emulated board' "$log/hil"; then exit 0; fi

if [[ -n ${TAKT_TARGETS:-} ]]; then
  tail -n 1 "$log/hil"
  exit $((failed > 0))
fi

# The hardware, and the tool on it.
flags=(--config=static --config=arm64)
quiet_bazel build "${flags[@]}" //tests/boards/guest/... //boards/run
programs=$(output_directory "${flags[@]}")/tests/boards/guest
for test in tests/boards/*_board_test.sh; do
  before=$((passed + failed + skipped))
  status=0
  XML_OUTPUT_FILE=$log/test.xml TAKT_CC=none timeout --kill-after=10 900 "$test" "$programs" >"$log/test" 2>&1 || status=$?
  while IFS=$'\t' read -r outcome name reason; do
    case $outcome in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) && echo "SKIPPED: $name: $reason" ;;
      failed) failed=$((failed + 1)) && echo "FAILED: $name: $reason" ;;
    esac
  done < <(xml_to_cases "$log/test.xml")
  if ((status != 0 && passed + failed + skipped == before)); then
    failed=$((failed + 1))
    echo "FAILED: $test: exit code $status"
  fi
  ((status == 0)) || tail -n 40 "$log/test"
done
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
