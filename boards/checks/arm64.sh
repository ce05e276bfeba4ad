#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Built for 64-bit ARM without a warning, what the check hil does not run on the emulated board passes
# under qemu-user, and a program for such a board can be built from the installed tree. (All of it where
# there is no emulated board; stress natively only; what starts no thread on the 32-bit machine only,
# which differs more.)
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

on_board=''
if has_emulated_board; then on_board=$ON_EMULATED_BOARD; fi
one_thread=$(without_one_thread_tests)
test_configuration "-//tests/install:workspace_test -//tests/install:source_export_test -//tests/stress/... -//tests/bench/... ${on_board//\/\//-//} $one_thread" \
  --config=arm64 --config=werror
