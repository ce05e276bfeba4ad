#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Everything compiles without a warning under clang++, -Wthread-safety included.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

read -r -a targets <<<"${TAKT_TARGETS:-//...}"
quiet_bazel build --keep_going --config=clang --config=werror -- "${targets[@]}"
