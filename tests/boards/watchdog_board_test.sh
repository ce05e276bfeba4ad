#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# watchdog_board_test.sh PROGRAMS
#
# A daemon with a real watchdog device on the emulated board: fed, it lives; when it hangs or starves the
# machine is reset, in time, and says so afterwards.
source tests/boards/emulated_board.sh

# From the moment that something is wrong: 4 s and a glance until the watchdog knows, then the device's
# 10 s. The rest is for an emulator that is starved itself.
readonly patience=60

# reset_after LINE: since the program wrote it the device has reset the machine, once.
resets=0
reset_after() {
  local -a times
  local begin
  begin=$(time_of "$1")
  mapfile -t times < <(events WATCHDOG)
  echo "reset ${times[*]: -1} - $begin s after \"$1\""
  ((${#times[@]} == resets + 1))
  resets=${#times[@]}
  ((times[-1] - begin <= patience))
}

begin fed_daemon_lives_three_time_outs
board_on || exit 0
run 0 passed watchdog_daemon fed
grep -q ' lived three time-outs$' "$work/stdout"
[[ -z $(events WATCHDOG) ]]

begin fed_daemon_has_not_reset_the_machine
run 0 passed watchdog_daemon last_boot
grep -q ' last boot not by the watchdog$' "$work/stdout"

begin daemon_that_hangs_is_reset
run 125 'rebooted: in the middle; nothing is left there' watchdog_daemon hung
reset_after hanging

begin board_says_afterwards_what_has_reset_it
run 0 passed watchdog_daemon last_boot
grep -q ' last boot by the watchdog$' "$work/stdout"

begin daemon_that_starves_is_reset
run 125 'rebooted: in the middle; nothing is left there' watchdog_daemon starved
reset_after starving
run 0 passed watchdog_daemon last_boot
grep -q ' last boot by the watchdog$' "$work/stdout"
