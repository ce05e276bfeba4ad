#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# On the emulated arm64 board with its PREEMPT_RT kernel: the C++ tests of platform, sync, executor and
# monitor, the stress tests, and what the board's own hardware does to a daemon; without those that start no
# thread, which the 32-bit machine runs under qemu-user. Where the board cannot be had: skips, with their
# reason, and arm64.sh instead.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
passed=0 failed=0 skipped=0

# on_hardware PROGRAMS: what the board's hardware does (TAKT_HARDWARE=NAME: only NAME_board_test.sh); each case
# a line, "passed|failed|skipped TAB name TAB reason".
on_hardware() {
  local test status
  for test in tests/boards/${TAKT_HARDWARE:-*}_board_test.sh; do
    status=0
    XML_OUTPUT_FILE=$log/test.xml TAKT_CC=none timeout --kill-after=10 900 "$test" "$1" >"$log/test" 2>&1 || status=$?
    if [[ -s $log/test.xml ]]; then xml_to_cases "$log/test.xml"; fi
    if ((status != 0)); then
      grep -q '<failure' "$log/test.xml" || printf 'failed\t%s\texit code %s\n' "$test" "$status"
      tail -n 40 "$log/test" >&2
    fi
    rm -f "$log/test.xml"
  done
}

# count: adds such lines.
count() {
  local outcome name reason
  while IFS=$'\t' read -r outcome name reason; do
    case $outcome in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) && echo "SKIPPED: $name: $reason" ;;
      failed) failed=$((failed + 1)) && echo "FAILED: $name: $reason" ;;
    esac
  done
}

# add_summary LOG: adds its closing line; a run without one has failed.
add_summary() {
  if [[ $(tail -n 1 "$1") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + BASH_REMATCH[3]))
  else
    failed=$((failed + 1))
    echo "FAILED: no closing line: $(tail -n 1 "$1")"
  fi
}

# The hardware, and the tool on it: for a board of their own, where they mostly wait. TAKT_TARGETS narrows
# the others, and leaves out these.
export BAZEL_FLAGS="${BAZEL_FLAGS:-} --config=werror"
: >"$log/hardware"
hardware=''
if [[ -z ${TAKT_TARGETS:-} ]]; then
  flags=(--config=static --config=arm64)
  boards/hil/image/image.sh >/dev/null &  # once, not for each of those who want it
  image=$!
  quiet_bazel build "${flags[@]}" //tests/boards/guest/... //boards/run
  wait "$image" || true  # who needs it says why it is not there
  on_hardware "$(output_directory "${flags[@]}")/tests/boards/guest" >"$log/hardware" 2>"$log/hardware_output" &
  hardware=$!
fi

: >"$log/hil"
if [[ -z ${TAKT_HARDWARE:-} ]]; then
  one_thread=$(without_one_thread_tests)
  read -r -a targets <<<"${TAKT_TARGETS:-//tests/platform/... //tests/sync/... //tests/executor/... //tests/monitor/... //tests/stress/... $ONE_CONFIGURATION $one_thread}"
  boards/takt hil qemu_virt_arm64 "${targets[@]}" 2>&1 | tee "$log/hil" | grep -v '^== \|: passed$' || true
  add_summary "$log/hil"
fi

died=''
[[ -z $hardware ]] || wait "$hardware" || died='it did not come to its end'
cat "$log/hardware_output" 2>/dev/null || true
count <"$log/hardware"
[[ -z $hardware || -s $log/hardware ]] || died='no test of it ran'
if [[ -n $died ]]; then
  failed=$((failed + 1))
  echo "FAILED: the board's hardware: $died"
fi
if [[ -z ${TAKT_TARGETS:-} ]] && grep '^SKIPPED: no emulated board' "$log/hil"; then
  boards/checks/arm64.sh | tee "$log/arm64" || true
  add_summary "$log/arm64"
fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
