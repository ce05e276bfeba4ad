# SPDX-License-Identifier: Apache-2.0
# record FOLDER PROGRAM SECONDS: what is kept of a run: `verdict`, and a test.xml when the program has
# written none or when that says nothing of how it ended. By the variables of run.sh.
# shellcheck shell=bash disable=SC2154

record() {
  local folder=$1 program=$2 seconds=$3 message failure name
  name=$(basename -- "$program")
  cat >"$folder/verdict" <<VERDICT
verdict $outcome
reason $reason
exit_code $exit_code
board $board_name
machine $machine
kernel $release
boot $boot
sha256 $(sha256sum <"$program" | cut -d ' ' -f 1)
seconds $seconds
$(driver_facts)
VERDICT
  [[ ! -s $folder/test.xml || ($outcome != passed && $outcome != failed) ]] || return 0
  message=$(sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/"/\&quot;/g' <<<"$outcome${reason:+: $reason}")
  failure="<failure message=\"$message\"/>"
  [[ $outcome != passed ]] || failure=''
  printf '<testsuites><testsuite name="%s"><testcase classname="hil" name="%s">%s</testcase></testsuite></testsuites>\n' \
    "$name" "$name" "$failure" >"$folder/test.xml"
}

# verdict_of CODE: sets $outcome, $reason, $exit_code by what a program has ended with on the board.
verdict_of() {
  outcome=failed reason="exit code $1" exit_code=$1
  case $1 in
    0) outcome=passed reason='' ;;
    124) outcome=hang reason="no end within $run_limit s" ;;
    126 | 127) reason="exit code $1: could not be started there; is it linked statically?" ;;
    *)
      # A shell tells a death by signal as 128 and its number; there are 64.
      (($1 <= 128 || $1 > 192)) || outcome=crash reason="signal SIG$(kill -l $(($1 - 128)))"
      ;;
  esac
}
