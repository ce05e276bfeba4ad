#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gpio_board_test.sh PROGRAMS
#
# An edge on a GPIO line of the emulated board, made outside, becomes a job's run, and what that puts out is
# seen outside. QEMU's test protocol (qtest) plays the wires.
source tests/boards/emulated_board.sh

readonly input=1 output=2 data_register=0x090303fc  # of the pl061, all eight lines

# wire COMMAND: $answer.
wire() {
  echo "$1" >"$TAKT_HIL_EMULATED/qtest.in"
  read -r -t 60 -u "$answers" answer
  [[ $answer == OK* ]]
}

# await_level LEVEL: on the output.
await_level() {
  local tries
  for ((tries = 0; tries < 600; ++tries)); do
    wire "readl $data_register"
    (((${answer#OK } >> output & 1) != $1)) || return 0
    sleep 0.1
  done
  echo "the output never became $1: $answer"
  return 1
}

begin edge_becomes_a_run_and_a_level_back
board_pipes=(qtest)
board_on -chardev pipe,id=qtest,path=FOLDER/qtest -qtest chardev:qtest || exit 0
exec {answers}<>"$TAKT_HIL_EMULATED/qtest.out"
tell qom-list '"path": "/machine/unattached"'
tries=0
until chip=$(grep -o '"name": "device\[[0-9]*\]", "type": "child<pl061>"' "$TAKT_HIL_EMULATED/events"); do
  ((++tries < 600))
  sleep 0.1
done
chip=/machine/unattached/$(cut -d '"' -f 4 <<<"$chip")
run 0 passed gpio_daemon /dev/gpiochip0 "$input" "$output" 6 &
daemon=$!
await ready
await_level 0
for level in 1 0 1 0 1 0; do
  wire "set_irq_in $chip unnamed-gpio-in $input $level"
  await_level "$level"
done
wait "$daemon"
[[ $(cut -d ' ' -f 2 "$work/stdout" | tr '\n' ' ') == 'ready high low high low high low ' ]]
