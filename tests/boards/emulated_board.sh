# SPDX-License-Identifier: Apache-2.0
# What the tests on the emulated board share: it is booted here, with more hardware if need be, and run.sh
# uses it. The script that sources it is called with the folder of //tests/boards/guest's programs.
# shellcheck shell=bash
source tests/install/case.sh

programs=$1
board_pid=''
export TAKT_HIL_EMULATED=$work/board
unset TEST_UNDECLARED_OUTPUTS_DIR

# Pairs of pipes for QEMU's `-chardev pipe,path=FOLDER/NAME`: NAME.in, which it reads, and NAME.out.
board_pipes=()

# board_on [QEMU_ARGUMENT]...: fails, the case being skipped, where there is no emulator or no image. One that does
# not boot fails the case.
board_on() {
  local word='' reason='' pipe
  rm -rf "$TAKT_HIL_EMULATED"
  mkdir "$TAKT_HIL_EMULATED"
  for pipe in "${board_pipes[@]}"; do mkfifo "$TAKT_HIL_EMULATED/$pipe.in" "$TAKT_HIL_EMULATED/$pipe.out"; done
  mkfifo "$TAKT_HIL_EMULATED/answer"
  setpriv --pdeathsig TERM boards/hil/emulator.sh "$TAKT_HIL_EMULATED" 240 "$@" >"$TAKT_HIL_EMULATED/answer" </dev/null &
  board_pid=$!
  read -r word reason <"$TAKT_HIL_EMULATED/answer" || true
  if [[ $word == unavailable ]]; then
    skip "no emulated board: $reason"
    return 1
  fi
  echo "board: $word $reason"
  [[ $word == ready ]] || exit 1
}

board_off() {
  [[ -n $board_pid ]] || return 0
  kill "$board_pid" 2>/dev/null || true
  wait "$board_pid" 2>/dev/null || true
  board_pid=''
}

end_all() {
  finish
  board_off
  rm -rf "$work"
}
trap end_all EXIT

# run EXIT_CODE VERDICT PROGRAM [ARGUMENT]...: on the board; a program of //tests/boards/guest, or a path.
# $work/stdout has a time before each line.
run() {
  local expected=$1 verdict=$2 program=$3 status=0
  shift 3
  [[ $program == /* ]] || program=$programs/$program
  timeout 600 boards/hil/run.sh qemu_virt_arm64 "$program" "$@" 2>"$work/stderr" |
    while IFS= read -r line; do echo "$EPOCHSECONDS $line"; done >"$work/stdout" || status=$?
  cat "$work/stdout" "$work/stderr"
  ((status == expected))
  grep -q "^hil: qemu_virt_arm64: $verdict" "$work/stderr"
}

# await LINE: until the program of `run` has written it.
await() {
  local tries
  for ((tries = 0; tries < 1200; ++tries)); do
    ! grep -qs " $1\$" "$work/stdout" || return 0
    sleep 0.1
  done
  echo "in vain: $1"
  return 1
}

# time_of LINE: when the program wrote it.
time_of() { sed -n "s/^\([0-9]*\) $1\$/\1/p" "$work/stdout"; }

# events NAME: the times at which QEMU saw it.
events() {
  sed -n "s/.*\"seconds\": \([0-9]*\),.*\"event\": \"$1\".*/\1/p" "$TAKT_HIL_EMULATED/events"
}

# tell COMMAND [ARGUMENTS]: in QEMU's monitor.
tell() { printf '{"execute": "%s", "arguments": {%s}}\n' "$1" "${2:-}" >"$TAKT_HIL_EMULATED/monitor"; }
