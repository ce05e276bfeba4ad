#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [--limit=SECONDS] [--output=FOLDER] BOARD BINARY [ARGUMENT]...
#
# Runs one program on a board. Its output comes as it is written; then one line on standard error,
# "hil: BOARD: VERDICT: REASON". FOLDER gets what the program wrote to $TEST_UNDECLARED_OUTPUTS_DIR
# over there, test.xml (JUnit; made up when the program wrote none), and `verdict`, with what it was
# found on. README.md lists the verdicts. Exit status: the program's own; 128 + the signal that ended
# it; 124 hang; 125 when the board did not let it run to its end; 2 wrong command line.
set -euo pipefail

hil=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
readonly hil
# shellcheck source=boards/hil/descriptor.sh
source "$hil/descriptor.sh"

limit='' output=''
while [[ ${1:-} == --* ]]; do
  case $1 in
    --limit=*) limit=${1#*=} ;;
    --output=*) output=${1#*=} ;;
    *) break ;;
  esac
  shift
done
if (($# < 2)) || [[ $1 == -* || ! $limit =~ ^[0-9]*$ ]]; then
  echo "usage: run.sh [--limit=SECONDS] [--output=FOLDER] BOARD BINARY [ARGUMENT]..." >&2
  exit 2
fi
read_board "$1"
binary=$2
shift 2
[[ -z $limit ]] || run_limit=$((10#$limit))
if [[ ! -f $binary || ! -r $binary ]]; then
  echo "takt hil: no program '$binary'" >&2
  exit 2
fi
name=$(basename -- "$binary" | tr -c 'A-Za-z0-9._\n-' _)
who="$(id -un)@$(uname -n), process $$, since $(date -u +%FT%TZ)"

# ELF header: the magic number at offset 0, e_machine (little endian) at offset 18.
header=$(od -A n -t x1 -N 20 "$binary" | tr -d ' \n')
case $header in
  7f454c46*0300) elf_machine=i386 ;;
  7f454c46*2800) elf_machine=arm ;;
  7f454c46*3e00) elf_machine=x86_64 ;;
  7f454c46*b700) elf_machine=aarch64 ;;
  7f454c46*f300) elf_machine=riscv64 ;;
  7f454c46*) elf_machine=unknown ;;
  *) elf_machine=script ;;
esac

if [[ -n $output ]]; then
  # Of this run, not of an earlier one.
  if ! mkdir -p "$output" 2>/dev/null || [[ ! -w $output ]] || ! rm -f "$output/verdict" "$output/test.xml"; then
    echo "takt hil: --output=$output: no folder that can be written to" >&2
    exit 2
  fi
fi

outcome='' reason='' exit_code=125 note='' boot='' machine='' release=''

# verdict NAME REASON [EXIT_CODE]: the outcome of this run; the first one counts.
verdict() {
  [[ -z $outcome ]] || return 0
  outcome=$1 reason=$2 exit_code=${3:-125}
}

# shellcheck source=boards/hil/record.sh
source "$hil/record.sh"
# shellcheck source=boards/hil/session.sh
source "$hil/session.sh"
load_driver

scratch=$(mktemp -d /tmp/hil.XXXXXX)  # short: a socket's path lies in it
# shellcheck disable=SC2317  # by trap
leave() {
  local status=$?
  trap '' INT TERM HUP
  abandon
  driver_power_off
  rm -rf "$scratch"
  # Our own failure says nothing about the program.
  [[ $judged == yes || $status != 1 ]] || exit 125
}
judged=no
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

begin=$SECONDS
if driver_power_on; then
  driver_run "$@"
else
  # shellcheck disable=SC2154  # of the driver
  verdict "${power_failure%% *}" "${power_failure#* }"
fi
abandon
reason=$reason$note
reason=${reason#; }

echo "hil: $board_name: $outcome${reason:+: $reason}" >&2
if [[ -n $output ]]; then
  if [[ -d $scratch/back/artefacts ]]; then cp -r "$scratch/back/artefacts/." "$output/"; fi
  record "$output" "$binary" $((SECONDS - begin))
fi
judged=yes
exit "$exit_code"
