#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the scripts behind boards/takt say to whoever uses them, with a stand-in for Bazel.
source tests/install/case.sh

# Knows four test targets and no "nope". Its run ends two of them, waits until the script has said
# so (a minute at most), and then ends the others.
cat >"$work/bazel" <<'FAKE'
#!/bin/bash
end() { echo '{"id":{"testSummary":{"label":"//t:'"$1"'"}}}' >>"$events"; }
case "$*" in
  query*nope*) echo "ERROR: no such package 'nope': BUILD file not found" >&2; exit 7 ;;
  query*broken*) printf 'ERROR: a/BUILD: syntax error\nERROR: no such target\n' >&2; exit 7 ;;
  query*) printf '//t:%s\n' a b c d ;;
  test*)
    echo "$*" >>"$FAKE_FOLDER/runs"
    for argument; do [[ $argument != --build_event_json_file=* ]] || events=${argument#*=}; done
    end a; end b
    for ((i = 0; i < 600; ++i)); do
      grep -q '4 test targets' "$FAKE_FOLDER/stderr" || break  # nobody will report progress
      ! grep -q '2 of 4' "$FAKE_FOLDER/stderr" || break
      sleep 0.1
    done
    end c; end d
    echo "<testcase classname=\"s\" name=\"n\"/>" >"$FAKE_FOLDER/test.xml"
    echo '{"id":{"testResult":{"label":"//t:a","run":1,"shard":1}},"status":"PASSED","x":{"name":"test.xml","uri":"file://'"$FAKE_FOLDER"'/test.xml"}}' >>"$events"
    ;;
esac
FAKE
chmod +x "$work/bazel"
export BAZEL=$work/bazel FAKE_FOLDER=$work TAKT_SETUP=no

# takt_test ARGUMENT...: runs boards/test.sh in pipes; what it says is in $work/stdout, $work/stderr.
takt_test() {
  rm -f "$work/runs"
  boards/test.sh "$@" >"$work/stdout" 2>"$work/stderr"
}

begin tests_say_what_goes_on
takt_test
cat "$work/stderr"
grep -qx 'takt test: building and running 4 test targets' "$work/stderr"
grep -qE '^takt test: 2 of 4 test targets done after [0-9]+ s$' "$work/stderr"
if grep -q '[[:cntrl:]]' "$work/stderr"; then false; fi
[[ $(tail -n 1 "$work/stdout") == '1 passed, 0 failed, 0 skipped' ]]
grep -q ' //\.\.\.$' "$work/runs"

begin wrong_target_is_a_wrong_command_line
status=0
takt_test //nope || status=$?
cat "$work/stderr"
((status == 2))
grep -q "^takt test: wrong target '//nope': no such package 'nope'" "$work/stderr"
grep -q '^usage: boards/takt test ' "$work/stderr"
[[ ! -s $work/stdout && ! -e $work/runs ]]

begin excluded_target_may_be_wrong_too
status=0
takt_test --config=asan -- //... -//nope/... || status=$?
((status == 2))
grep -q "wrong target '//nope/...'" "$work/stderr"

begin broken_build_file_is_a_failure
takt_test //broken
[[ -e $work/runs ]]

begin setup_names_what_a_purpose_needs
mkdir "$work/tools"
ln -s "$(type -P grep)" "$work/tools/grep"
status=0
PATH=$work/tools "$BASH" boards/setup.sh bench 2>"$work/stderr" || status=$?
cat "$work/stderr"
((status == 1))
grep -qx 'setup: please install: bazel g++ valgrind' "$work/stderr"

begin setup_refuses_an_unknown_purpose
status=0
boards/setup.sh benhc 2>"$work/stderr" || status=$?
((status == 2))
grep -qF 'usage: boards/takt setup [run|test|check|bench|hil]' "$work/stderr"

begin a_missing_tool_leads_to_setup
[[ $(require no-such-tool || true) == 'SKIPPED: no-such-tool is not installed: run boards/takt setup' ]]
