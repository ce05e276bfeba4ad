#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Built for 64-bit ARM without a warning, its tests pass under qemu-user (stress natively only; those
# that start no thread here and, for each change, on the 32-bit machine, which differs more), and a program for
# such a board can be built from the installed tree. (On a kernel for such a machine, for each change: the
# check hil.)
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

test_configuration "-//tests/install:workspace_test -//tests/install:source_export_test -//tests/stress/... -//tests/bench/..." \
  --config=arm64 --config=werror
