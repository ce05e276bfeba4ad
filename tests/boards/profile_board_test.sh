#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# profile_board_test.sh PROGRAMS
#
# A board's profile is compared with the machine that really runs: the emulated board has its own, and no
# other board's.
source tests/boards/emulated_board.sh
tool=$(realpath -- "$programs/../../../boards/run/run")
readonly tool

begin real_time_kernel
board_on || exit 0
printf '#!/bin/sh\ncat /sys/kernel/realtime; uname -v; nproc --all; cat /sys/devices/system/cpu/isolated\n' >"$work/looks"
run 0 passed "$work/looks"
[[ $(cut -d ' ' -f 2- "$work/stdout") =~ ^1$'\n'.*PREEMPT_RT.*$'\n'4$'\n'2-3$ ]]

begin verdict_says_what_it_was_found_on
boards/hil/run.sh --output="$work/found" qemu_virt_arm64 "$work/looks"
cat "$work/found/verdict"
grep -qx 'emulator QEMU emulator version .*' "$work/found/verdict"
for part in emulator_sha256 kernel_sha256 image_sha256 sha256; do
  grep -qE "^$part [0-9a-f]{64}\$" "$work/found/verdict"
done

begin its_own_profile_fits
run 0 passed "$tool" --board qemu_virt_arm64 --duration 1
grep -q ' held: .* releases' "$work/stdout"

begin another_boards_does_not
run 1 failed "$tool" --board beaglebone --duration 1
grep 'CPUs online: 0-3; expected: 0' "$work/stdout" "$work/stderr"
