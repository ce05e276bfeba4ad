#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# verify.sh LATENCY CHAOS SEED...
#
# What the emulated board in virtual time shows (boards/hil/README.md). LATENCY and CHAOS are the programs
# //tests/boards/virtual_time:latency and //tests/stress:chaos_stress_test, static, for arm64. Three times:
#   - takt's delays hold their ratios to cyclictest's and to a bare futex's: the averages under each of the
#     seeds 1 to 3, the maxima under all of them together
#   - the same seed twice gives the same log and artefacts to the bit, another seed others; a copy of
#     them with one bit flipped is found
#   - the chaos test passes under each SEED
# Without SEED only the first two. With LATENCY "none" only the last. The last line is "N passed, N failed,
# N skipped".
set -euo pipefail
cd "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../.."
latency=$1 chaos=$2
shift 2
seeds=("$@")

work=$(mktemp -d)
# shellcheck disable=SC2046  # a list; each boot ends with its shell
trap 'kill $(jobs -pr) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
trap 'exit 143' INT TERM HUP
passed=0 failed=0
export TAKT_SETUP=no
unset TEST_RANDOM_SEED TEST_UNDECLARED_OUTPUTS_DIR  # the programs' own defaults: the schedule differs, nothing else

# boot SEED FOLDER PROGRAM [ARGUMENT]...: FOLDER gets log, artefacts and exit status.
boot() {
  local seed=$1 folder=$2 status=0
  shift 2
  mkdir -p "$folder/artefacts"
  TAKT_HIL_SEED=$seed setpriv --pdeathsig TERM boards/hil/run.sh --output="$folder/artefacts" qemu_virtual_time "$@" \
    >"$folder/log" 2>"$folder/verdict" || status=$?
  # Not of the board: how long it took here, and the names of those who ran it.
  mv "$folder/artefacts/verdict" "$folder/facts"
  echo "$status" >"$folder/status"
}

# start SEED FOLDER PROGRAM [ARGUMENT]...: boots it beside others, one for each CPU of this machine: what
# it does there does not depend on them.
start() {
  while (($(jobs -pr | wc -l) >= $(nproc))); do wait -n || true; done
  boot "$@" &
}

# outcome_of FOLDER
outcome_of() { [[ $(<"$1/status") == 0 ]] && echo passed || echo failed; }

# judge NAME OUTCOME [FOLDER COMMAND...]: counts it; when it failed, shows the log and how to repeat it.
judge() {
  local name=$1 outcome=$2
  if [[ $outcome == passed ]]; then
    passed=$((passed + 1))
    echo "passed $name"
    return
  fi
  failed=$((failed + 1))
  echo "FAILED $name"
  (($# > 2)) || return 0
  tail -n 30 "$3/log" | sed 's/^/    /'
  tail -n 5 "$3/verdict" | sed 's/^/    /'
  echo "    again: ${*:4}"
}

# again SEED PROGRAM [ARGUMENT]...: the command line of that boot.
again() { echo "TAKT_HIL_SEED=$1 boards/hil/run.sh qemu_virtual_time ${*:2}"; }

# same FOLDER FOLDER: the board wrote the same.
same() { diff --recursive --brief "$1/log" "$2/log" && diff --recursive --brief "$1/artefacts" "$2/artefacts"; }

# maxima FILE...: in each situation the sum of takt's maxima in these latency.json, over that of cyclictest's.
maxima() {
  sed -n 's/^{"cpu": "\([a-z]*\)", "name": "\([^"]*\)".*"max_ns": \([0-9]*\)}$/\1\t\2\t\3/p' "$@" | awk -F '\t' '
    { sum[$1 FS $2] += $3 }
    END {
      for (row in sum) {
        split(row, part, FS)
        if (part[2] ~ /^takt:/) printf "%s\t%.3f\n", row, sum[row] / sum[part[1] FS "cyclictest"]
      }
    }' | sort
}

# flip FILE: one bit, in its middle.
flip() {
  local middle byte
  middle=$(($(stat -c %s "$1") / 2))
  byte=$(od -A n -t u1 -j "$middle" -N 1 "$1")
  # shellcheck disable=SC2059  # an octal escape
  printf "\\$(printf %o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$middle" conv=notrunc status=none
}

if [[ $latency != none ]]; then
  for seed in 1 2 3; do start "$seed" "$work/latency.$seed" "$latency"; done
  # Few samples: each delay of each of them has to be the same.
  for run in once twice; do start 7 "$work/$run" "$latency" 100; done
  start 8 "$work/other" "$latency" 100
fi
for seed in "${seeds[@]}"; do start "$seed" "$work/chaos.$seed" "$chaos"; done
wait

if [[ $(cat "$work"/*/facts | sed -n 's/^verdict //p' | sort -u) == unavailable ]]; then
  reason=$(cat "$work"/*/facts | sed -n 's/^reason //p' | head -n 1)
  echo "SKIPPED: no emulated board: $reason"
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
fi

if [[ $latency != none ]]; then
  for seed in 1 2 3; do
    outcome=$(outcome_of "$work/latency.$seed")
    if [[ $outcome == passed ]]; then cat "$work/latency.$seed/log"; fi
    judge "averages of delays, seed $seed" "$outcome" "$work/latency.$seed" "$(again "$seed" "$latency")"
  done
  outcome=passed
  maxima "$work"/latency.[123]/artefacts/latency.json >"$work/maxima" || outcome=failed
  [[ $(wc -l <"$work/maxima") == 6 ]] || outcome=failed
  awk -F '\t' '{ printf "%-10s%-24s%8.3f\n", $1, $2, $3 } $3 > 1.5 { beyond = 1 } END { exit beyond }' \
    "$work/maxima" || outcome=failed
  judge 'maxima of delays, three seeds' "$outcome"

  outcome=passed
  grep -q 'takt: post to job' "$work/once/log" || outcome=failed
  same "$work/once" "$work/twice" || outcome=failed
  judge 'the same seed, the same run to the bit' "$outcome" "$work/twice" "$(again 7 "$latency" 100)"
  outcome=passed
  [[ -s $work/other/artefacts/latency.json ]] || outcome=failed
  ! cmp -s "$work/once/artefacts/latency.json" "$work/other/artefacts/latency.json" || outcome=failed
  judge 'another seed, another run' "$outcome" "$work/other" "$(again 8 "$latency" 100)"
  outcome=passed
  for file in log artefacts/latency.json; do
    cp -r "$work/twice" "$work/flipped"
    flip "$work/flipped/$file"
    ! same "$work/once" "$work/flipped" || outcome=failed
    rm -rf "$work/flipped"
  done
  judge 'one flipped bit is found' "$outcome"
fi

for seed in "${seeds[@]}"; do
  grep ' posts: ' "$work/chaos.$seed/log" || true
  judge "chaos, seed $seed" "$(outcome_of "$work/chaos.$seed")" "$work/chaos.$seed" "$(again "$seed" "$chaos")"
done

echo "$passed passed, $failed failed, 0 skipped"
((failed == 0))
