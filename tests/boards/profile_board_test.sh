#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# profile_board_test.sh PROGRAMS
#
# A board's profile is compared with the machine that really runs: the emulated board has its own, and no
# other board's.
source tests/boards/emulated_board.sh
tool=$(realpath -- "$programs/../../../boards/run/run")
readonly tool

begin its_own_profile_fits
board_on || exit 0
run 0 passed "$tool" --board qemu_virt_arm64 --duration 1
grep -q ' held: .* releases' "$work/stdout"

begin another_boards_does_not
run 1 failed "$tool" --board beaglebone --duration 1
grep 'CPUs online: 0-3; expected: 0' "$work/stdout" "$work/stderr"
