#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Built for 64-bit ARM without a warning, its tests pass under qemu-user (stress natively only; those
# that start no thread on the 32-bit one only, which differs more), and a program for such a board can
# be built from the installed tree. (On a kernel for such a machine, for each change: the check hil.)
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

one_thread=$(without_one_thread_tests)
test_configuration "-//tests/install:workspace_test -//tests/install:source_export_test -//tests/stress/... -//tests/bench/... $one_thread" \
  --config=arm64 --config=werror
