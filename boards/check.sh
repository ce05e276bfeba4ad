#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check.sh [--deep] [CHECK]...      (boards/takt check)
#
# Runs the named checks of boards/checks, all of them by default, and goes on after a failure.
# --deep adds the checks that take long and find little, and shows that each check can fail
# (controls.sh). The last line is "N passed, N failed, N skipped"; fails when a check failed. A check whose
# tests were all skipped counts as skipped.
set -euo pipefail

boards=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
readonly boards

# The quick ones first; next to each other those that share a build.
readonly ALL='format includes tidy cppcheck warnings_gcc symbols asan tsan arm hil'
# (Where the emulated board cannot be had `hil` is `arm64`.)
readonly DEEP='size ubsan clang warnings_clang static analyzer models wrong_variants long arm64 hil_arm virtual_time virtual_time_seeds'

checks=() deep=no
for argument in "$@"; do
  case $argument in
    --deep) deep=yes ;;
    *[!a-z0-9_]* | '')
      echo "usage: boards/takt check [--deep] [CHECK]..., CHECK one of: $ALL $DEEP" >&2
      exit 2
      ;;
    *)
      if [[ " $ALL $DEEP " != *" $argument "* ]]; then
        echo "takt check: no check '$argument', there are: $ALL $DEEP" >&2
        exit 2
      fi
      checks+=("$argument")
      ;;
  esac
done
((${#checks[@]})) || read -r -a checks <<<"$ALL$([[ $deep == no ]] || echo " $DEEP")"

if [[ ${TAKT_SETUP:-yes} != no ]]; then
  "$boards/setup.sh" check
  # Without an emulated board its checks are skipped.
  [[ " ${checks[*]} " != *" hil"* && " ${checks[*]} " != *" virtual_time"* ]] || "$boards/setup.sh" hil || true
fi

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for check in "${checks[@]}"; do
  begin=${EPOCHREALTIME/./}
  status=0
  "$boards/checks/$check.sh" >"$log" 2>&1 || status=$?
  milliseconds=$(((${EPOCHREALTIME/./} - begin) / 1000))
  # A check that runs tests says how many.
  summary=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$') || true
  if [[ $status == 0 && $summary =~ ^0\ passed,\ 0\ failed,\ [1-9] ]]; then
    outcome=skipped
    skipped=$((skipped + 1))
  elif ((status == 0)); then
    outcome=passed
    passed=$((passed + 1))
  else
    outcome=FAILED
    failed=$((failed + 1))
  fi
  printf '%s %-14s %6d.%d s' "$outcome" "$check" $((milliseconds / 1000)) $((milliseconds / 100 % 10))
  printf '%s\n' "${summary:+   ($summary)}"
  grep '^SKIPPED: no emulated board' "$log" | sed 's/^/    /' || true
  if ((status != 0)); then
    tail -n "${TAKT_LOG_LINES:-60}" "$log" | sed 's/^/    /'
  fi
done

if [[ $deep == yes ]]; then
  "$boards/checks/controls.sh" | tee "$log" || true
  read -r more_passed _ more_failed _ more_skipped _ < <(tail -n 1 "$log") || true
  passed=$((passed + ${more_passed:-0}))
  failed=$((failed + ${more_failed:-1}))
  skipped=$((skipped + ${more_skipped:-0}))
fi

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
