#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What runs on the board, carried there with each session; needs a POSIX shell, flock, and what every
# busybox has. session.sh says in which order it is called.
#
# agent.sh hold WORK LOCK WAIT LEASE WHO
#   Takes the board for one run: waits at most WAIT s for LOCK (a path, or none), removes what an
#   earlier run left, makes a folder below WORK with a copy of this file ($TAKT_HIL_AGENT). Gives
#   all of it back when standard input ends, or when no line came from there for LEASE to 2·LEASE s:
#   then kills every process of the run, whatever became of the host. Prints one line each:
#   "facts BOOT MACHINE KERNEL", then "held FOLDER FREE_KIB", "busy WHO" or "refused REASON"; in the
#   end "released" or "left PID...".
# agent.sh run FOLDER LIMIT GRACE KIB [NAME=VALUE]... PROGRAM [ARGUMENT]...
#   Runs PROGRAM for LIMIT s at most, then SIGTERM, GRACE s later SIGKILL. Its end is in
#   FOLDER/result. Of artefacts of more than KIB only test.xml stays. Exit status 0, whatever PROGRAM's is.
# agent.sh stop FOLDER GRACE
#   SIGTERM to the processes of FOLDER, SIGKILL to those that are there after GRACE s.
#
# A process belongs to a folder when TAKT_HIL_RUN in its environment, its working directory or its
# program lies there: neither setsid nor a double fork hides it.
set -u

pause() { sleep 0.1 2>/dev/null || sleep 1; }

# Process ids of what belongs to a folder whose path starts with $1.
members() {
  # shellcheck disable=SC2012  # nothing else reads all links with one process, on busybox as well
  links=$(ls -l /proc/[0-9]*/cwd /proc/[0-9]*/exe 2>/dev/null)
  # Mostly nobody: two processes find that out, and an emulated board starts few in a second.
  case $(cat /proc/[0-9]*/environ 2>/dev/null)$links in
    *"$1"*) ;;
    *) return ;;
  esac 2>/dev/null  # bash speaks of the zeros that it leaves out
  {
    # Not grep, of which busybox's sees the first variable only.
    head -c 131072 -v /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' |
      awk -v mark="TAKT_HIL_RUN=$1" '/^==> / { file = $2 } index($0, mark) == 1 { print file }'
    echo "$links" | sed -n "s|.* \(/proc/[0-9]*/\)[a-z]* -> $1.*|\1|p"
  } | sed 's|^/proc/\([0-9]*\)/.*|\1|' | sort -u
}

# Kills all of them, also those that are born meanwhile; prints those that cannot be killed.
sweep() {
  rounds=0
  while pids=$(members "$1") && [ -n "$pids" ]; do
    if [ "$rounds" -ge 20 ]; then
      echo "$pids" | tr '\n' ' '
      return 1
    fi
    # shellcheck disable=SC2086  # a list
    kill -KILL $pids 2>/dev/null
    rounds=$((rounds + 1))
    pause
  done
}

free_kib() { df -Pk "$1" | sed -n '$s/^[^ ]* *[^ ]* *[^ ]* *\([0-9]*\) .*/\1/p'; }

release() {
  trap '' HUP INT TERM PIPE
  kill "$reader" 2>/dev/null
  left=$(sweep "$folder/")
  rm -rf "$folder"
  [ "$lock" = none ] || (: >"$lock") 2>/dev/null
  if [ -z "$left" ]; then echo released; else echo "left $left"; fi
}

# Fails, having said why, when somebody else has it until the end.
take_lock() {
  [ -e "$lock" ] || (umask 0; : >>"$lock") 2>/dev/null
  if [ ! -r "$lock" ] || ! command -v flock >/dev/null; then
    echo "refused the lock $lock cannot be opened, or there is no flock"
    return 1
  fi
  exec 9<"$lock"
  until flock -n 9; do
    if [ "$tries" -le 0 ]; then
      echo "busy $(head -n 1 "$lock")"
      return 1
    fi
    tries=$((tries - 1))
    pause
  done
  (echo "$who" >"$lock") 2>/dev/null || true  # of another user, who lets us read it
}

# A folder for all users of the board.
share() { [ -d "$1" ] || { mkdir -p "$1" && chmod 1777 "$1"; }; }

hold() {
  work=$1 lock=$2 tries=$(($3 * 10)) lease=$4 who=$5
  echo "facts $(cat /proc/sys/kernel/random/boot_id) $(uname -m) $(uname -r)"
  [ "$lock" = none ] || take_lock || return
  left=$(sweep "$work/run.") || { echo "refused processes of an earlier run cannot be killed: $left"; return; }
  rm -rf "$work"/run.*
  if ! folder=$( (share "$work" && mktemp -d "$work/run.XXXXXX") 2>&1); then
    echo "refused $folder" | head -n 1
    return
  fi
  reader=
  trap release EXIT
  trap 'exit 0' HUP INT TERM PIPE
  error=$( (mkdir "$folder/program" "$folder/program/tmp" "$folder/artefacts" && : >"$folder/beat" &&
    printf '%s\n' "$TAKT_HIL_AGENT" >"$folder/agent.sh") 2>&1) || {
    echo "refused $error" | head -n 1
    exit
  }
  exec 3<&0
  # In a process of its own: this one must be free for signals.
  (while read -r _; do true >"$folder/beat"; done) <&3 9<&- >/dev/null &
  reader=$!
  # shellcheck disable=SC2016  # expanded over there
  env TAKT_HIL_RUN="$folder/keeper" sh -c '
    while sleep "$1"; do
      [ -e "$2/beat" ] || break
      rm -f "$2/beat"
    done
    kill -TERM "$3"' keeper "$lease" "$folder" $$ </dev/null >/dev/null 2>&1 9<&- &
  echo "held $folder $(free_kib "$folder")"
  wait "$reader"
  exit
}

stop() {
  tries=$(($2 * 10))
  # shellcheck disable=SC2046  # a list
  kill -TERM $(members "$1") 2>/dev/null
  while [ "$tries" -gt 0 ] && [ -n "$(members "$1")" ]; do
    tries=$((tries - 1))
    pause
  done
  sweep "$1"
}

run() {
  folder=$1 limit=$2 grace=$3 kib=$4
  shift 4
  # Room for its end, should the program fill the disk.
  head -c 4096 /dev/zero 2>/dev/null >"$folder/result"
  group=''
  # A test that signals its own process group must not meet us there.
  if command -v setsid >/dev/null; then group=setsid; fi
  # shellcheck disable=SC2086  # nothing when empty
  (cd "$folder/program" && exec $group env TAKT_HIL_RUN="$folder/program" "$@") </dev/null &
  program=$!
  # shellcheck disable=SC2016
  env TAKT_HIL_RUN="$folder/timer" sh -c 'sleep "$2"; true >"$1/hang"; exec sh "$1/agent.sh" stop "$1/program" "$3"' \
    timer "$folder" "$limit" "$grace" </dev/null >/dev/null 2>&1 &
  timer=$!
  wait "$program" 2>/dev/null
  code=$?
  # Its sleep goes with the folder.
  [ -e "$folder/hang" ] || kill -KILL "$timer" 2>/dev/null
  left=$(members "$folder/program")
  cannot=''
  [ -z "$left" ] || cannot=$(sweep "$folder/program")
  free=$(free_kib "$folder")
  artefacts=$(du -sk "$folder/artefacts" 2>/dev/null | cut -f 1)
  artefacts=${artefacts:-0}
  if [ "$artefacts" -gt "$kib" ]; then
    mv "$folder/artefacts" "$folder/dropped"
    mkdir "$folder/artefacts"
    [ "$(du -sk "$folder/dropped/test.xml" 2>/dev/null | cut -f 1)" -gt "$kib" ] 2>/dev/null ||
      mv "$folder/dropped/test.xml" "$folder/artefacts" 2>/dev/null
    rm -rf "$folder/dropped"
  fi
  {
    echo "code $code"
    # A shell tells a death by signal as 128 and its number; there are 64.
    if [ "$code" -gt 128 ] && [ "$code" -le 192 ]; then echo "signal $(kill -l $((code - 128)) 2>/dev/null)"; fi
    if [ -e "$folder/hang" ]; then echo "hang yes"; fi
    echo "left $(echo "$left" | grep -c .)"
    echo "unkillable $cannot"
    echo "free $free"
    if [ "$artefacts" -gt "$kib" ]; then echo "artefacts $artefacts"; fi
  } >"$folder/result" 2>/dev/null
  # Nowhere else to say it.
  [ -s "$folder/result" ] || echo "agent: no space left for the result" >&2
}

verb=$1
shift
"$verb" "$@"
