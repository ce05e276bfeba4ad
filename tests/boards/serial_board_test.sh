#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# serial_board_test.sh PROGRAMS
#
# Bytes from outside reach a job on the emulated board over a serial port, and its answers come back.
source tests/boards/emulated_board.sh

# ask NUMBER: $answer.
ask() {
  echo "$1" >"$TAKT_HIL_EMULATED/uart.in"
  read -r -t 60 -u "$answers" answer
}

begin bytes_reach_a_job_and_come_back
board_pipes=(uart)
board_on -chardev pipe,id=uart,path=FOLDER/uart -device pci-serial,chardev=uart || exit 0
exec {answers}<>"$TAKT_HIL_EMULATED/uart.out"
run 0 passed serial_daemon /dev/ttyS0 &
daemon=$!
await ready
for number in 7 41 1000000 -3; do
  ask "$number"
  echo "$number: $answer"
  ((answer == number + 1))
done
# In one piece, and more than the port's buffers hold.
seq 1 100 >"$TAKT_HIL_EMULATED/uart.in"
for ((number = 1; number <= 100; ++number)); do
  read -r -t 60 -u "$answers" answer
  ((answer == number + 1))
done
ask 0
wait "$daemon"
