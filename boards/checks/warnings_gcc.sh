#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is shipped, and the benchmarks, compile without a warning under g++, optimised, which is when
# it sees most. (The tests have g++ without warnings in the checks arm64 and arm.)
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

read -r -a targets <<<"${TAKT_TARGETS:-//... -//tests/... //tests/bench/...}"
quiet_bazel build --keep_going "${OPTIMIZED[@]}" -- "${targets[@]}"
