#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is shipped compiles without a warning under g++, optimised, which is when it sees most; the benchmarks
# do as the tests are compiled. (The tests have g++ without warnings in the checks arm and hil.)
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

read -r -a targets <<<"${TAKT_TARGETS:-//... -//tests/...}"
quiet_bazel build --keep_going "${OPTIMIZED[@]}" -- "${targets[@]}"
[[ -n ${TAKT_TARGETS:-} ]] || quiet_bazel build --keep_going --per_file_copt='tests/bench/.*@-Werror' //tests/bench/...
