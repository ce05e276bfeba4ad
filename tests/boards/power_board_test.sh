#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# power_board_test.sh PROGRAMS
#
# The emulated board goes when whoever uses it is killed, without a chance to clean up.
source tests/boards/emulated_board.sh
unset TAKT_HIL_EMULATED

# is_gone PROCESS: also as one that nobody has waited for.
is_gone() { [[ ! -e /proc/$1 || $(ps -o stat= -p "$1") == Z* ]]; }

begin board_ends_with_a_killed_user
status=0
boards/hil/emulator.sh prepare >"$work/answer" || status=$?
if ((status == 3)); then
  skip "no emulated board: $(<"$work/answer")"
  exit 0
fi
((status == 0))
printf '#!/bin/sh\necho begun\nsleep 600\n' >"$work/sleeper"
boards/hil/run.sh qemu_virt_arm64 "$work/sleeper" >"$work/stdout" 2>"$work/stderr" &
user=$!
for ((tries = 0; tries < 2400; ++tries)); do
  ! grep -qs begun "$work/stdout" || break
  kill -0 "$user"
  sleep 0.1
done
guard=$(pgrep -P "$user" -f emulator.sh)
machine=$(pgrep -P "$guard" qemu)
folder=$(tr '\0' '\n' <"/proc/$guard/cmdline" | grep '^/tmp/hil_board')
echo "user $user, guard $guard, machine $machine"
kill -KILL "$user"
for ((tries = 0; tries < 300; ++tries)); do
  ! { is_gone "$guard" && is_gone "$machine" && [[ ! -e $folder ]]; } || break
  sleep 0.1
done
is_gone "$guard"
is_gone "$machine"
[[ ! -e $folder ]]
