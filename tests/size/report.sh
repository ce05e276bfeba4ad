#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# report.sh [FOLDER]        (bazel run --config=size //tests/size:report)
#
# What takt adds to a program that has nothing else, in bytes: a line for each program of each
# machine that is built below FOLDER.
set -euo pipefail
cd "${1:-tests/size}"

# sections FILE: bytes of what is only read (code, constants, unwinding), of .data, of .bss.
sections() {
  readelf --sections --wide "$1" | awk '
    function number(digits,   value, i) {  # mawk knows no hexadecimal
      for (i = 1; i <= length(digits); i++)
        value = value * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
      return value
    }
    sub(/^ *\[ *[0-9]+\] /, "") {
      bytes = number($5)
      flags = $7
      if (flags !~ /A/) next
      if ($2 == "NOBITS") bss += bytes
      else if ($1 == ".data") data += bytes
      else if (flags !~ /W/) text += bytes
    }
    END { print text + 0, data + 0, bss + 0 }'
}

ram() {
  local value
  value=$(readelf --symbols --wide "$1" | awk '$8 == "takt_ram_bytes" { print $2 }')
  echo $((16#$value))
}

# is_for MACHINE FILE: whether the file is for the machine.
is_for() {
  local -A names=([x86-64]='X86-64' [arm64]=AArch64 [arm]=ARM)
  readelf --file-header "$2" | grep -q "Machine: .*${names[$1]}\$"
}

printf '%-8s %-8s %8s %8s %8s %8s\n' machine program text .data bss ram
for machine in x86-64 arm64 arm; do
  if ! is_for "$machine" "$machine/bare"; then
    echo "size: $machine/bare is not for $machine, please build with --config=size" >&2
    exit 1
  fi
  read -r bare_text bare_data bare_bss < <(sections "$machine/bare")
  for program in minimal typical full; do
    read -r text data bss < <(sections "$machine/$program")
    printf '%-8s %-8s %8d %8d %8d %8d\n' "$machine" "$program" $((text - bare_text)) \
      $((data - bare_data)) $((bss - bare_bss)) "$(ram "$machine/$program")"
  done
done
