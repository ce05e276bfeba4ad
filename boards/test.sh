#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# test.sh [BAZEL ARGUMENT]...       (boards/takt test)
#
# Runs the given test targets, //... by default, and counts test cases: every case of every target
# of this run, cached results included. Prints what failed and why something was skipped. The last
# line is "N passed, N failed, N skipped". Fails when something failed or when nothing ran; a target
# that is not there is a wrong command line (exit status 2).
set -euo pipefail

boards=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
readonly boards
# shellcheck source=boards/common.sh
source "$boards/common.sh"

[[ ${TAKT_SETUP:-yes} == no ]] || "$boards/setup.sh" test
cd "$repository"

# The targets: what is no option, and everything behind "--", where "-//x" takes targets away.
targets=() excluded=() options_end=no
for argument in "$@"; do
  case $options_end$argument in
    no--) options_end=yes ;;
    yes-*) excluded+=("${argument#-}") ;;
    no-*) ;;
    *) targets+=("$argument") ;;
  esac
done

scratch=$(mktemp -d)
progress_reporter=
leave() {
  [[ -z $progress_reporter ]] || kill "$progress_reporter" 2>/dev/null || true
  rm -rf "$scratch"
}
trap leave EXIT

# A target that is not there is a mistake on the command line and no failed test. What is broken
# otherwise, a BUILD file say, is found and counted by the run itself.
all_there() { quiet_bazel query "set($*)" &>/dev/null; }
all_there "${targets[@]}" "${excluded[@]}" || for target in "${targets[@]}" "${excluded[@]}"; do
  quiet_bazel query "$target" >/dev/null 2>"$scratch/error" && continue
  grep '^ERROR: ' "$scratch/error" >"$scratch/errors" || true
  if (($(wc -l <"$scratch/errors") == 1)) &&
    grep -qE '^ERROR: (no such|no targets found|Error while parsing)' "$scratch/errors"; then
    {
      echo "takt test: wrong target '$target': $(sed 's/^ERROR: //' "$scratch/errors")"
      echo "usage: boards/takt test [BAZEL ARGUMENT]..., as in: boards/takt test //tests/sync/..."
      echo "an option takes its value behind '=': --config=asan"
    } >&2
    exit 2
  fi
done

# How many; 0 when BUILD files are broken.
wanted="tests(set(${targets[*]:-//...}))${excluded[*]:+ - set(${excluded[*]})}"
# A manual target runs only when it is named.
[[ "${targets[*]:-...}" != *...* ]] || wanted="$wanted - attr(tags, '\\bmanual\\b', //...)"
[[ " $* " == *' --config=deep '* ]] || wanted="$wanted - attr(tags, '\\bwrong_variant\\b', //...)"
expected=$(quiet_bazel query "$wanted" 2>/dev/null | wc -l) || expected=0
if ((expected > 0)); then
  duration=''
  if ((expected > 20)); then duration=', several minutes unless they are cached'; fi
  echo "takt test: building and running $expected test target$( ((expected == 1)) || echo s)$duration" >&2
fi

# Without a terminal, where Bazel is silent: a line for each quarter of the targets, and one when
# nothing was said for a minute.
report_progress() {
  local begin=$SECONDS said=$SECONDS quarter=0 finished
  while :; do
    sleep 1 &>/dev/null  # when this function is killed, it must not hold a pipe open
    finished=$(grep -c '^{"id":{"testSummary":' "$scratch/events" 2>/dev/null) || true
    finished=${finished:-0}
    if ((finished * 4 / expected > quarter && finished < expected || SECONDS - said >= 60)); then
      quarter=$((finished * 4 / expected)) said=$SECONDS
      echo "takt test: $finished of $expected test targets done after $((SECONDS - begin)) s" >&2
    fi
  done
}

status=0
progress=()
if [[ ! -t 2 ]]; then
  progress=(--noshow_progress)
  if ((expected > 0)); then
    report_progress &
    progress_reporter=$!
  fi
fi
everything=(//...)
((${#targets[@]} == 0)) || everything=()
# Not quiet_bazel: on Bazel 4 the filter would swallow the output of failed tests as well.
bazel test --keep_going --build_tests_only --test_summary=none --show_result=0 "${progress[@]}" \
  --build_event_json_file="$scratch/events" "$@" "${everything[@]}" || status=$?
# Bazel's own "wrong command line".
if ((status == 2)); then
  echo "usage: boards/takt test [BAZEL ARGUMENT]..., as in: boards/takt test //tests/sync/..." >&2
  exit 2
fi

# One line a test run: "run LABEL STATUS XML"; one line a target that could not be built, "broken
# LABEL", or is not for the machine that is built for, "foreign LABEL". Bazel writes one event a line.
events_to_runs() {
  awk '
    function value(key,   rest) {  # of the first "key":"value" of the line
      if (!match($0, "\"" key "\":\"[^\"]*\"")) return ""
      rest = substr($0, RSTART, RLENGTH - 1)
      return substr(rest, length(key) + 5)
    }
    /^\{"id":\{"testResult":/ {
      label = value("label")
      match($0, /"run":[0-9]+,"shard":[0-9]+/)
      run = label " " substr($0, RSTART, RLENGTH)
      xml = "-"
      if (match($0, /"name":"test.xml","uri":"file:\/\/[^"]*"/))
        xml = substr($0, RSTART + 32, RLENGTH - 33)
      if (!(run in result)) order[++count] = run
      result[run] = label " " value("status") " " xml  # a later attempt replaces an earlier one
    }
    /^\{"id":\{"targetCompleted":/ && !/"completed":\{"success":true/ {
      print /"aborted":\{"reason":"SKIPPED"/ ? "foreign" : "broken", value("label")
    }
    END { for (i = 1; i <= count; i++) print "run", result[order[i]] }
  '
}

passed=0 failed=0 skipped=0
: >"$scratch/skips"
: >"$scratch/failures"

failure() {
  failed=$((failed + 1))
  echo "FAILED: $1" >>"$scratch/failures"
}

while read -r kind label result xml; do
  if [[ $kind == foreign ]]; then
    skipped=$((skipped + 1))
    echo "$label is not for this machine (target_compatible_with, in its BUILD file)" >>"$scratch/skips"
    continue
  fi
  if [[ $kind == broken ]]; then
    failure "$label (does not build)"
    continue
  fi
  failed_before=$failed
  if [[ -r $xml ]]; then
    while IFS=$'\t' read -r outcome name reason; do
      case $outcome in
        passed) passed=$((passed + 1)) ;;
        skipped)
          skipped=$((skipped + 1))
          reason=${reason% \[*:*\]}  # one line a reason, wherever it comes from
          echo "${reason:-no reason given}" >>"$scratch/skips"
          ;;
        failed) failure "$label $name${reason:+: $reason}" ;;
      esac
    done < <(xml_to_cases "$xml")
  fi
  # A crash or a time-out may leave no case that says so.
  if [[ $result != PASSED && $failed == "$failed_before" ]]; then
    failure "$label ($result)"
  fi
done < <(touch "$scratch/events" && events_to_runs <"$scratch/events")

if ((status != 0 && failed == 0)); then
  failure "bazel (exit code $status)"
elif ((passed + failed + skipped == 0)); then
  failure "no test ran"
fi

sort "$scratch/skips" | uniq -c | while read -r count reason; do
  echo "SKIPPED: $reason ($count)"
done
cat "$scratch/failures"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
