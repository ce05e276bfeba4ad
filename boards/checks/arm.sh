#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Built for 32-bit ARM without a warning and linked statically, as a binary is carried to a board,
# its tests pass under qemu-user (stress natively only).
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

test_configuration '-//tests/install/... -//tests/stress/... -//tests/bench/...' \
  --config=static --config=arm --config=werror
