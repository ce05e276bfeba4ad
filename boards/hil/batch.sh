#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Several programs as one, for a board on which each session takes seconds. hil.sh puts LIMIT and GRACE
# before the last line and behind that a tar archive of NUMBER/PROGRAM; on the board each runs by itself, and
# leaves in $TEST_UNDECLARED_OUTPUTS_DIR/NUMBER: log, code (its exit code), seconds,
# artefacts/ (test.xml and its own). Exit status 0, whatever theirs are.
set -u
unpack() {
  tail -c +"$1" "$0" | tar xf - -C "$TEST_TMPDIR" || exit 1
}

run_all() {
  limit=$1 grace=$2 folder=$TEST_TMPDIR results=$TEST_UNDECLARED_OUTPUTS_DIR
  for program in "$folder"/[0-9]*/*; do
    number=${program%/*}
    number=${number##*/}
    result=$results/$number
    mkdir -p "$result/artefacts" "$folder/tmp" || exit 1
    read -r begin _ </proc/uptime
    # In a session of its own: one that signals its own group must not meet us there.
    (cd "$folder/tmp" && TEST_TMPDIR=$folder/tmp TEST_UNDECLARED_OUTPUTS_DIR=$result/artefacts \
      XML_OUTPUT_FILE=$result/artefacts/test.xml \
      exec timeout -k "$grace" "$limit" setsid "$program") </dev/null >"$result/log" 2>&1
    code=$?
    read -r end _ </proc/uptime
    echo $((${end%.*} - ${begin%.*})) >"$result/seconds"
    # timeout itself ends with 143, 137 or 124 when it has had to act, whichever it is.
    if { [ "$code" = 143 ] || [ "$code" = 137 ]; } && [ $((${end%.*} - ${begin%.*})) -ge "$limit" ]; then code=124; fi
    echo "$code" >"$result/code" || exit 1
    rm -rf "$program" "$folder/tmp"
    echo "${program##*/}: $code"
  done
}
