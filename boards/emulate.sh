#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# emulate PROGRAM [ARGUMENT]...
#
# Runs PROGRAM through qemu-user when it was built for another architecture, directly otherwise.
# Bazel puts this in front of every test of a foreign configuration (--run_under, .bazelrc). With
# --config=hil it runs there instead: on the board that BOARD names (boards/hil/README.md).
set -eu

if [ -n "${TAKT_HIL:-}" ]; then
  exec "$(dirname -- "$(readlink -f -- "$0")")/hil/bazel_run.sh" "$@"
fi

program=$1
# ELF header: the magic number at offset 0, e_machine (little endian) at offset 18.
header=$(od -A n -t x1 -N 20 "$program" | tr -d ' \n')
case $header in
  7f454c46*) machine=$(printf %s "$header" | cut -c 37-40) ;;
  *) exec "$@" ;;  # a script
esac

case $machine in
  2800) architecture=arm root=/usr/arm-linux-gnueabihf ;;
  3e00) architecture=x86_64 root=/usr/x86_64-linux-gnu ;;
  b700) architecture=aarch64 root=/usr/aarch64-linux-gnu ;;
  f300) architecture=riscv64 root=/usr/riscv64-linux-gnu ;;
  *) echo "emulate: unknown ELF machine $machine: $program" >&2; exit 126 ;;
esac

native=$(uname -m)
[ "$native" = armv7l ] && native=arm
if [ "$architecture" = "$native" ]; then
  exec "$@"
fi
if ! command -v "qemu-$architecture" >/dev/null; then
  echo "emulate: qemu-$architecture is missing: boards/setup.sh check" >&2
  exit 127
fi
exec "qemu-$architecture" -L "$root" "$@"
