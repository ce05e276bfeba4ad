# SPDX-License-Identifier: Apache-2.0
# driver_run for boards that offer a shell. Of the driver it wants
#
#   driver_shell LIMIT COMMAND    runs COMMAND by the board's shell, standard streams passed through,
#                                 for LIMIT s at most (then exit status 124); may replace the process
#   driver_diagnosis FILE         FILE: what driver_shell wrote to standard error when there was no
#                                 session; prints "VERDICT REASON"
#
# A run is five sessions: the lease, which holds the board until the end (agent.sh), and under it
# copying there, running, copying back; and when the lease is lost, one that asks what happened.
# shellcheck shell=bash disable=SC2154  # variables of run.sh and descriptor.sh

quote() {
  local word
  for word; do printf "'%s' " "${word//\'/\'\\\'\'}"; done
}

# session LIMIT COMMAND: in the background and waited for, so that a signal is heeded at once. Nobody
# but us may keep the lease's pipe open.
session() {
  driver_shell "$@" <&0 {to}>&- {from}<&- &
  session_pid=$!
  local status=0
  wait "$session_pid" || status=$?
  session_pid=''
  return "$status"
}

# hold_command WAIT: the command line of `agent.sh hold`.
hold_command() {
  local text
  text=$(<"$hil/agent.sh")
  # shellcheck disable=SC2016  # expanded over there
  echo "TAKT_HIL_AGENT=$(quote "$text"); export TAKT_HIL_AGENT; exec sh -c \"\$TAKT_HIL_AGENT\" agent.sh" \
    "hold $(quote "$work" "$lock" "$1" "$lease" "$who")"
}

# Takes the board; $folder is ours then. Fails with the verdict.
take_lease() {
  local word rest limit
  limit=$((connect_limit + lock_limit + 2 * copy_limit + run_limit + grace + 60))
  mkfifo "$scratch/to" "$scratch/from"
  (driver_shell "$limit" "$(hold_command "$lock_limit")") \
    <"$scratch/to" >"$scratch/from" 2>"$scratch/lease_errors" &
  lease_pid=$!
  exec {to}>"$scratch/to" {from}<"$scratch/from"
  # A line a second tells the board that we are there.
  (
    exec {from}<&-
    while kill -0 $$ 2>/dev/null && echo; do sleep 1 {to}>&- >/dev/null; done
  ) 1>&"$to" 2>/dev/null &
  beats_pid=$!
  if ! read -r -t $((connect_limit + 5)) -u "$from" word boot machine release || [[ $word != facts ]]; then
    kill "$lease_pid" 2>/dev/null || true
    wait "$lease_pid" || true
    read -r word rest < <(driver_diagnosis "$scratch/lease_errors")
    verdict "$word" "$rest"
    return 1
  fi
  read -r -t $((lock_limit + 30)) -u "$from" word rest || word=lost
  case $word in
    held) read -r folder free <<<"$rest" ;;
    busy) verdict busy "held by ${rest:-somebody} for more than $lock_limit s"; return 1 ;;
    refused)
      if [[ $rest == *'No space left'* ]]; then
        verdict disk_full "$rest"
      else
        verdict no_work_folder "$rest"
      fi
      return 1
      ;;
    *) lost; return 1 ;;
  esac
}

# Returns the board, and waits until it says that nothing of ours is left there.
drop_lease() {
  local word rest
  [[ -n ${lease_pid:-} ]] || return 0
  kill "$beats_pid" 2>/dev/null || true
  wait "$beats_pid" 2>/dev/null || true
  exec {to}>&-
  while read -r -t $((lease + 10)) -u "$from" word rest; do
    [[ $word != left ]] || note="$note; cannot be killed there: $rest"
  done
  exec {from}<&-
  kill "$lease_pid" 2>/dev/null || true
  wait "$lease_pid" 2>/dev/null || true
  lease_pid=''
}

# The connection broke. Until the board is back, or $return_limit is over, asks which boot it is in;
# then sees to it that nothing is left there.
lost() {
  local end=$((SECONDS + return_limit)) now='' swept=''
  kill "$lease_pid" 2>/dev/null || true
  drop_lease
  until now=$(session $((connect_limit + 5)) 'cat /proc/sys/kernel/random/boot_id' </dev/null 2>/dev/null) &&
    [[ -n $now ]]; do
    if ((SECONDS >= end)); then
      verdict connection_lost "in the middle; the board did not come back within $return_limit s"
      return
    fi
    sleep 1
  done
  swept=$(session $((connect_limit + 2 * lease + 30)) "$(hold_command $((2 * lease + 5)))" </dev/null 2>/dev/null) || true
  case $swept in
    *released) swept='nothing is left there' ;;
    *) swept="what is left there is not known: $(tail -n 1 <<<"$swept")" ;;
  esac
  if [[ $now != "$boot" ]]; then
    verdict rebooted "in the middle; $swept"
  else
    verdict connection_lost "in the middle, the board is up; $swept"
  fi
}

# Whether a machine (uname -m) runs programs of an ELF machine.
runs_on() {
  case $2 in
    x86_64) [[ $1 == x86_64 || $1 == i386 ]] ;;
    aarch64) [[ $1 == aarch64 || $1 == arm ]] ;;
    armv*) [[ $1 == arm ]] ;;
    *) [[ $1 == "$2" ]] ;;
  esac
}

board_is_fit() {
  local size
  if [[ -n $arch && $machine != "$arch"* ]]; then
    verdict wrong_architecture "${host:-$board_name} is $machine, arch says $arch"
  elif [[ $elf_machine != script ]] && ! runs_on "$elf_machine" "$machine"; then
    verdict wrong_architecture "the program is for $elf_machine, the board is $machine"
  elif [[ -n $kernel && $(printf '%s\n' "$kernel" "$release" | sort -V | head -n 1) != "$kernel" ]]; then
    verdict old_kernel "$release runs there, $kernel is the oldest that will do"
  else
    size=$(stat -L -c %s "$binary")
    ((free < size / 1024 + reserve_kib)) || return 0
    verdict disk_full "$free KiB free in $work, wanted: $((size / 1024)) and $reserve_kib in reserve"
  fi
  return 1
}

copy_there() {
  local errors status=0 target
  target=$(quote "$folder/program/$name")
  session "$copy_limit" "cat >$target && chmod 755 $target" <"$binary" 2>"$scratch/errors" || status=$?
  ((status != 0)) || return 0
  errors=$(tail -n 1 "$scratch/errors")
  if [[ $errors == *'No space left'* ]]; then
    verdict disk_full "${errors#*: }"
  else
    lost
  fi
  return 1
}

# What the program ended with, from the board's FOLDER/result.
judge() {
  local key value code='' signal='' hang='' left=0 unkillable='' space='' artefacts=''
  while read -r key value; do
    case $key in
      code) code=$value ;;
      signal) signal=$value ;;
      hang) hang=$value ;;
      left) left=$value ;;
      unkillable) unkillable=$value ;;
      free) space=$value ;;
      artefacts) artefacts=$value ;;
    esac
  done <"$scratch/back/result"
  ((left == 0)) || [[ -n $hang ]] || note="$note; left $left processes running, which were killed"
  [[ -z $unkillable ]] || note="$note; cannot be killed: $unkillable"
  [[ -z $artefacts ]] || note="$note; artefacts of $artefacts KiB were dropped, artefacts_kib is $artefacts_kib"
  if [[ -n $hang ]]; then
    verdict hang "no end within $run_limit s" 124
  elif [[ -z $code ]] || ((code != 0 && ${space:-0} < 16)); then
    verdict disk_full "no space left in $work when the program ended${code:+ with $code}"
  elif [[ -n $signal ]]; then
    verdict crash "signal SIG$signal" "$code"
  elif ((code == 126 || code == 127)); then
    verdict failed "exit code $code: could not be started there; is it linked statically?" "$code"
  elif ((code != 0)); then
    verdict failed "exit code $code" "$code"
  else
    verdict passed '' 0
  fi
}

# abandon: gives the board back when we are told to stop.
abandon() {
  [[ -z ${session_pid:-} ]] || kill "$session_pid" 2>/dev/null || true
  drop_lease
}

# program_environment FOLDER: $environment, what a program is told that runs in FOLDER over there.
program_environment() {
  local variable
  environment=(
    XML_OUTPUT_FILE="$1/artefacts/test.xml" TEST_UNDECLARED_OUTPUTS_DIR="$1/artefacts"
    TEST_TMPDIR="$1/program/tmp" TAKT_TIME_SCALE="$time_scale"
  )
  for variable in TESTBRIDGE_TEST_ONLY TEST_RANDOM_SEED TEST_SHARD_INDEX TEST_TOTAL_SHARDS \
    TESTBRIDGE_TEST_RUNNER_FAIL_FAST; do
    [[ -z ${!variable+set} ]] || environment+=("$variable=${!variable}")
  done
}

# driver_run [ARGUMENT]...: $binary on the board, from first contact to the verdict.
driver_run() {
  local status=0
  local -a environment
  take_lease && board_is_fit && copy_there || return 0
  program_environment "$folder"
  session $((run_limit + grace + 3 * lease)) "exec sh $(quote "$folder/agent.sh" run "$folder" "$run_limit" "$grace" "$artefacts_kib" \
    "${environment[@]}" "$folder/program/$name" "$@")" </dev/null || status=$?
  if ((status == 0)); then
    mkdir "$scratch/back"
    session "$copy_limit" "cd $(quote "$folder") && tar cf - result artefacts" </dev/null |
      tar xf - -C "$scratch/back" 2>/dev/null || status=$?
    # A part of it is no verdict.
    [[ $status == 0 && -e $scratch/back/result ]] || status=1
  fi
  if ((status != 0)); then
    lost
    return
  fi
  judge
  drop_lease
}
