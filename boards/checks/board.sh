#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# On the emulated arm64 board with its PREEMPT_RT kernel: the tests of what only a kernel can show
# (real-time policies, priority inheritance, robust locks, isolated CPUs), and what the board's hardware does
# to a daemon. Where the board cannot be had: one skip, with its reason.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

readonly TESTS='
  //tests/executor:isolated_cpu_test //tests/executor:real_time_test //tests/executor:system_call_test
  //tests/monitor:watchdog_thread_test
  //tests/platform:fixed_priority_test //tests/platform:futex_pi_test //tests/platform:memory_test
  //tests/platform:priority_inheritance_test //tests/platform:this_thread_test //tests/platform:thread_test
  //tests/sync:condition_priority_test //tests/sync:mutex_priority_test //tests/sync:process_mutex_test
  //tests/sync:rw_lock_priority_test'

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

# shellcheck disable=SC2086  # a list
boards/takt hil qemu_virt_arm64 $TESTS 2>&1 | tee "$log/hil" || true
if grep -q '^SKIPPED: no emulated board' "$log/hil"; then exit 0; fi
read -r passed _ failed _ skipped _ <<<"$(tail -n 1 "$log/hil")"

flags=(--config=static --config=arm64)
quiet_bazel build "${flags[@]}" //tests/boards/guest/...
programs=$(output_directory "${flags[@]}")/tests/boards/guest
for test in tests/boards/*_board_test.sh; do
  failed_before=$failed status=0
  echo "== $test"
  : >"$log/test.xml"
  XML_OUTPUT_FILE=$log/test.xml TAKT_CC=none timeout --kill-after=10 900 "$test" "$programs" 2>&1 | tee "$log/test" || status=$?
  while IFS=$'\t' read -r outcome name reason; do
    case $outcome in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) ;;
      failed) failed=$((failed + 1)) && echo "FAILED: $name: $reason" ;;
    esac
  done < <(xml_to_cases "$log/test.xml")
  if ((status != 0 && failed == failed_before)); then
    failed=$((failed + 1))
    echo "FAILED: $test: exit code $status"
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
