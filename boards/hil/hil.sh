#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# hil.sh [BOARD] [TEST]... [-//TARGET]...       (boards/takt hil)
#
# Runs tests on a board, one by one: all C++ tests of //tests/... (without the models, which prove
# nothing there), or those named, as Bazel targets (less those behind a -) or as programs that are built
# already. BOARD: see descriptor.sh; without it $BOARD, else qemu_virt_arm64, which is emulated here. What
# each run left is under .cache/hil/BOARD
# (TAKT_HIL_OUTPUT=FOLDER: there): log, test.xml (JUnit), verdict, artefacts. The last line is
# "N passed, N failed, N skipped"; fails when something failed or when nothing ran. An emulated board
# boots once for many of them, as many of its kind as this machine has CPUs beside each other; where it
# cannot be had, that is one skip, told with its reason.
set -euo pipefail

hil=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
boards=$(dirname -- "$hil")
readonly hil boards
# shellcheck source=boards/common.sh
source "$boards/common.sh"
# shellcheck source=boards/hil/descriptor.sh
source "$hil/descriptor.sh"
# shellcheck source=boards/hil/record.sh
source "$hil/record.sh"

board=${1:-${BOARD:-qemu_virt_arm64}}
(($# == 0)) || shift
if [[ $board == -* ]]; then
  echo "usage: boards/takt hil [BOARD] [TEST]..." >&2
  exit 2
fi
read_board "$board"

programs=() targets=() excluded=()
for argument; do
  case $argument in
    //*) targets+=("$argument") ;;
    -//*) excluded+=("${argument#-}") ;;
    *)
      if [[ ! -f $argument ]]; then
        echo "takt hil: '$argument' is neither a Bazel target nor a program" >&2
        exit 2
      fi
      programs+=("$argument")
      ;;
  esac
done

output=${TAKT_HIL_OUTPUT:-$repository/.cache/hil/$(tr -c 'A-Za-z0-9._\n-' _ <<<"$board_name")}
# Of nobody else, and of one run at a time: a process holds the folder that ends with this script (and not a
# descriptor of ours, which Bazel's server would inherit).
mkdir -p "$output"
if [[ -n ${TAKT_HIL_OUTPUT:-} && -n $(ls -A "$output") && ! -e $output/.takt_hil ]]; then
  echo "takt hil: TAKT_HIL_OUTPUT=$output has files that are not of 'takt hil': name an empty folder" >&2
  exit 2
fi
held=''
# shellcheck disable=SC2016  # expanded there
read -r held < <(exec setpriv --pdeathsig KILL flock --nonblock --no-fork "$output" \
  sh -c 'echo held; exec sleep infinity >/dev/null') || true
if [[ -z $held ]]; then
  echo "takt hil: another 'takt hil' writes to $output: TAKT_HIL_OUTPUT=FOLDER names another folder" >&2
  exit 2
fi
find "$output" -mindepth 1 -delete
: >"$output/.takt_hil"

# The Bazel configuration for the board: its own, or that of any machine of its architecture, for
# which the board itself is asked.
board_configuration() {
  local machine
  machine=$arch
  if [[ -z $configuration$machine ]]; then
    printf '#!/bin/sh\nuname -m\n' >"$output/machine"
    machine=$("$hil/run.sh" --limit=10 "$board" "$output/machine") || return
    rm "$output/machine"
  fi
  case ${configuration:-$machine} in
    x86_64 | static) echo static ;;
    aarch64) echo arm64 ;;
    armv*) echo arm ;;
    *) echo "${configuration:-$machine}" ;;
  esac
}

# end_without REASON: nothing could be run.
end_without() {
  echo "FAILED: $1"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

# An emulated board: with what it needs installed, if possible.
emulated=no
[[ $driver != qemu_* ]] || emulated=yes
end_skipped() {
  echo "SKIPPED: no emulated board: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}
if [[ $emulated == yes && ${TAKT_SETUP:-yes} != no ]]; then
  "$boards/setup.sh" hil || end_skipped "its tools cannot be installed here"
fi
load_driver
trap driver_power_off EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# power VERB: ends here when there is no board.
power() {
  "driver_$1" && return
  # shellcheck disable=SC2154  # of the driver
  [[ $power_failure != unavailable* ]] || end_skipped "${power_failure#* }"
  end_without "$board_name: ${power_failure#* }"
}
power prepare

# build CONFIGURATION: builds the targets; their programs join $programs.
build() {
  local configuration=$1 target folder all="set(${targets[*]:-//tests/...})"
  local -a labels flags
  if ! grep -q "^build:$configuration " "$repository/.bazelrc"; then
    echo "takt hil: no configuration '$configuration' in .bazelrc, there are: static" \
      "$(sed -n 's/^build:\([a-z0-9]*\) --config=cross .*/\1/p' "$repository/.bazelrc" | tr '\n' ' ')(any aarch64: arm64)" >&2
    exit 2
  fi
  [[ $emulated == yes || ${TAKT_SETUP:-yes} == no ]] || "$boards/setup.sh" "$([[ $configuration == static ]] && echo test || echo check)"
  flags=(--config=static)
  [[ $configuration == static ]] || flags+=(--config="$configuration")
  cd "$repository"
  ((${#excluded[@]} == 0)) || all="$all - set(${excluded[*]})"
  # What must be named to be run.
  [[ "${targets[*]:-...}" != *...* ]] || all="$all - //tests/model/... - attr(tags, '\\b(manual|wrong_variant)\\b', //tests/...)"
  mapfile -t labels < <(quiet_bazel query "kind(cc_test, $all)")
  if ((${#labels[@]} == 0)); then
    echo "takt hil: no C++ test in ${targets[*]:-//tests/...}" >&2
    return 2
  fi
  echo "takt hil: building ${#labels[@]} tests for $configuration" >&2
  quiet_bazel build --build_tests_only "${flags[@]}" "${labels[@]}" || end_without "the tests do not build"
  folder=$(output_directory "${flags[@]}")
  for target in "${labels[@]}"; do
    target=${target#//}
    programs+=("$folder/${target/://}")
  done
}

# FAILED: lines for the end.
passed=0 failed=0 skipped=0 failures=''
failure() {
  failed=$((failed + 1))
  failures+="FAILED: $1"$'\n'
}

# count PROGRAM FOLDER: adds the cases of a run.
count() {
  local outcome name reason failed_before=$failed
  while IFS=$'\t' read -r outcome name reason; do
    case $outcome in
      passed) passed=$((passed + 1)) ;;
      skipped) skipped=$((skipped + 1)) ;;
      failed) failure "$1 $name${reason:+: $reason}" ;;
    esac
  done < <(xml_to_cases "$2/test.xml")
  [[ $verdict == passed ]] || ((failed > failed_before)) || failure "$1: $verdict"
}

# A board that is not there for one test is not there for the next.
gone() {
  case $1 in
    absent | unavailable | key_refused | unknown_host_key | old_kernel | busy | no_work_folder) return 0 ;;
  esac
  return 1
}

if ((${#targets[@]} || ${#programs[@]} == 0)); then
  configuration=$(board_configuration) || end_without "$board_name cannot be asked what it is"
  build "$configuration"
fi
number=0  # of the program

# What shares a session, a file each: the first program's number, then the programs.
queue=$(mktemp -d)
trap 'driver_power_off; rm -rf "$queue"' EXIT
mkdir "$queue/todo" "$queue/told" "$queue/counted"
kib=0 each=0 batches=0
for program in "${programs[@]}"; do
  size=$(($(stat -L -c %s "$program") / 1024 + 1))
  if ((each == 0 || kib + size > batch_kib)); then
    batch=$queue/todo/$((100000 + batches++))
    echo "$each" >"$batch"
    kib=0
  fi
  echo "$program" >>"$batch"
  kib=$((kib + size)) each=$((each + 1))
done

# A board to which that can be given at its start has them under /takt/programs by their numbers.
preloaded=no
if ((batch_kib > 0 && ${#programs[@]} > 1)) && declare -F driver_preload >/dev/null; then
  for ((each = 0; each < ${#programs[@]}; each++)); do
    mkdir -p "$queue/board/takt/programs/$each"
    ln -s "$(realpath -- "${programs[each]}")" "$queue/board/takt/programs/$each/"
  done
  ! driver_preload "$queue/board" || preloaded=yes
fi

# begin_program PROGRAM: the next one; sets $name and its $folder.
begin_program() {
  number=$((number + 1))
  name=${1#"$repository/"}
  [[ $name != */bazel-out/* ]] || name=${name##*/bin/}
  folder=$output/$(tr -c 'A-Za-z0-9._\n-' _ <<<"$name")
  mkdir -p "$folder"
  echo "== $name ($number of ${#programs[@]})"
}

# run_alone PROGRAM: fails when there is no board for another one.
run_alone() {
  begin_program "$1"
  setpriv --pdeathsig TERM "$hil/run.sh" --output="$folder" "$board" "$1" 2>&1 | tee "$folder/log" || true
  verdict=$(sed -n 's/^verdict //p' "$folder/verdict" 2>/dev/null) || verdict='no verdict'
  count "$name" "$folder"
  ! gone "$verdict"
}

# run_batch PROGRAM...: in one session. Where that does not come to its end, each alone, so that the
# one that broke it is named. Fails as run_alone.
run_batch() {
  local scratch program each=0 head size=0
  if (($# == 1)); then
    run_alone "$1"
    return
  fi
  scratch=$(mktemp -d)
  for program; do
    mkdir -p "$scratch/programs/$((1000 + each))"
    if [[ $preloaded == yes ]]; then
      ln -s "/takt/programs/$((number + each))/$(basename -- "$(realpath -- "$program")")" "$scratch/programs/$((1000 + each++))/"
    else
      cp "$program" "$scratch/programs/$((1000 + each++))/"
    fi
  done
  head="$(<"$hil/batch.sh")"$'\n'
  # Its own length stands in it, in as many digits as need be.
  size=$((${#head} + 200))
  head+=$(printf 'unpack %d\nrun_all %d %d\nexit 0\n' $((size + 1)) "$run_limit" "$grace")$'\n'
  head+=$(printf '#%*s' $((size - ${#head} - 2)) '')$'\n'
  (printf '%s' "$head" && tar -cf - -C "$scratch/programs" .) >"$scratch/batch"
  echo "takt hil: $# tests in one session"
  setpriv --pdeathsig TERM "$hil/run.sh" --limit=$(($# * (run_limit + 2 * grace))) --output="$scratch/results" "$board" "$scratch/batch" \
    >"$scratch/log" 2>&1 || true
  verdict=$(sed -n 's/^verdict //p' "$scratch/results/verdict" 2>/dev/null) || verdict='no verdict'
  for ((each = 0; each < $#; each++)); do
    [[ -s $scratch/results/$((1000 + each))/code ]] || verdict=incomplete  # more than artefacts_kib, say
  done
  if [[ $verdict != passed ]]; then
    tail -n 1 "$scratch/log"
    rm -rf "$scratch"
    for program; do run_alone "$program" || return; done
    return 0
  fi
  { read -r machine; read -r release; read -r boot; } < <(sed -n 's/^\(machine\|kernel\|boot\) //p' "$scratch/results/verdict")
  each=0
  for program; do
    begin_program "$program"
    head=$scratch/results/$((1000 + each++))
    cp -r "$head/artefacts/." "$folder/"
    verdict_of "$(<"$head/code")"
    verdict=$outcome
    record "$folder" "$program" "$(<"$head/seconds")"
    { cat "$head/log" && echo "hil: $board_name: $outcome${reason:+: $reason}"; } | tee "$folder/log"
    count "$name" "$folder"
  done
  rm -rf "$scratch"
}

# work_off: batch by batch until there is none left, on a board of its own; leaves what it counted.
work_off() {
  local file batch='' ran=0
  local -a lines
  for file in "$queue"/todo/*; do
    kill -0 $$ 2>/dev/null || break              # this script has been killed
    mv "$file" "$queue" 2>/dev/null || continue  # another has it
    mapfile -t lines <"$queue/${file##*/}"
    if [[ -z $batch ]] && ! driver_power_on; then
      # shellcheck disable=SC2154  # of the driver
      verdict=${power_failure/ /: }
      break
    fi
    batch=${file##*/} number=${lines[0]}
    if ((at_once == 1)); then
      run_batch "${lines[@]:1}" || file=''
    else
      run_batch "${lines[@]:1}" >"$queue/$batch.log" 2>&1 || file=''
      flock "$queue" cat "$queue/$batch.log"
    fi
    ran=$((ran + number - lines[0]))
    [[ -n $file ]] || break
  done
  driver_power_off
  printf '%s' "$failures" >"$queue/told/$BASHPID"
  echo "$passed $failed $skipped $ran $verdict" >"$queue/counted/$BASHPID"
}

# Each worker ends with this script, and its board with it.
verdict=''
at_once=${boards_at_once/#0/$(nproc)}
((at_once <= batches)) || at_once=$batches
workers=()
for ((each = 0; each < at_once; each++)); do
  if ((at_once == 1)); then
    work_off
  else
    (trap driver_power_off EXIT && work_off) &
    workers+=("$!")
  fi
done
trap '((at_once == 1)) || kill "${workers[@]}" 2>/dev/null || true; driver_power_off; rm -rf "$queue"' EXIT
((at_once == 1)) || wait "${workers[@]}" || true

passed=0 failed=0 skipped=0 number=0
while read -r each_passed each_failed each_skipped ran each_verdict; do
  passed=$((passed + each_passed)) failed=$((failed + each_failed)) skipped=$((skipped + each_skipped))
  number=$((number + ran)) verdict=${each_verdict:-$verdict}
done < <(cat "$queue"/counted/*)
[[ $verdict != unavailable* ]] || ((number > 0)) || end_skipped "${verdict#*: }"
cat "$queue"/told/*
if ((number < ${#programs[@]})); then
  ((failed > 0)) || failed=1
  echo "NOT RUN: $((${#programs[@]} - number)) of ${#programs[@]} tests: $verdict"
fi
echo "takt hil: results in $output"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
