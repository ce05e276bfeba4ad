#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The examples as programs, each for a second: that they start, work, stop and say how it went.
source tests/install/case.sh

examples=boards/examples

# start NAME [ARGUMENT]...: begins to run it.
declare -A running=()
start() {
  "$emulate" "$examples/$1" "${@:2}" >"$work/$1" 2>&1 &
  running[$1]=$!
}

# ended NAME [MISSING]: it ended well; false where it said what the machine is MISSING, a skipped case.
ended() {
  wait "${running[$1]}" && return 0
  if [[ -n ${2:-} ]] && grep --quiet -e "$2" "$work/$1"; then
    skip "$2"
    return 1
  fi
  cat "$work/$1"
  exit 1
}

# says NAME REGULAR_EXPRESSION
says() {
  grep --extended-regexp -e "$2" "$work/$1" || { cat "$work/$1"; false; }
}

# All at once: each mostly sleeps.
start flight_controller 1
start gateway --demo 1
start camera_pipeline 1 10

begin flight_controller
if ended flight_controller 'outside the cpuset'; then
  says flight_controller '^control +[1-9][0-9]* jobs, '
  says flight_controller '^angle -?[0-9.]+ rad after 1 s$'
fi

begin gateway
if ended gateway 'no pseudo-terminal here'; then
  says gateway '^[1-9][0-9]* frames to CAN, '
fi

begin camera_pipeline
ended camera_pipeline
says camera_pipeline '^[1-9][0-9]* frames captured, [1-9][0-9]* looked at, '

begin an_argument_that_is_none
status=0
"$emulate" "$examples/flight_controller" 0 >"$work/usage" 2>&1 || status=$?
((status == 2))
says usage '^usage: flight_controller '
