#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is shipped compiles without a warning under g++, optimised, which is when it sees most; the benchmarks
# are read. (The tests have g++ without warnings in the checks arm and hil.)
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

read -r -a targets <<<"${TAKT_TARGETS:-//... -//tests/...}"
quiet_bazel build --keep_going "${OPTIMIZED[@]}" -- "${targets[@]}"
[[ -z ${TAKT_TARGETS:-} ]] || exit 0
includes=$(include_folder "${OPTIMIZED[@]}")
trap 'rm -r "$includes"' EXIT
cpp_files | grep '^tests/bench/.*\.cc$' | read_without_warnings g++
