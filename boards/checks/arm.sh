#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Built for 32-bit ARM without a warning and linked statically, as a binary is carried to a board, the
# tests of platform and sync and all that start no thread pass under qemu-user: where 32 bits differ. (Those
# of executor and monitor with threads on a kernel that runs such programs: the check hil_arm.)
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

one_thread=$(quiet_bazel query 'attr(tags, "\bone_thread\b", //tests/...)' | tr '\n' ' ')
: "${TAKT_TARGETS:=//platform/... //sync/... //executor/... //monitor/... //boards/run/... //tests/platform/... //tests/sync/... $one_thread $ONE_CONFIGURATION}"
export TAKT_TARGETS
test_configuration '' --config=static --config=arm --config=werror
