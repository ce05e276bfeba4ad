#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The sizes are those of sizes.txt within 3 %: what grows, or shrinks, is said in the change that
# does it.
set -euo pipefail
cd tests/size

awk '
  FNR == 1 { next }
  { key = $1 " " $2 }
  NR == FNR { for (column = 3; column <= NF; column++) was[key, column] = $column; known[key]; next }
  {
    delete known[key]
    for (column = 3; column <= NF; column++) {
      before = was[key, column]
      change = $column - before
      if (before == "" || change > 0.03 * before || -change > 0.03 * before) {
        printf "%s, column %d: %d bytes, sizes.txt says %s\n", key, column, $column, before
        failed = 1
      }
    }
  }
  END {
    for (key in known) { printf "%s: not measured\n", key; failed = 1 }
    if (failed) print "on purpose? bazel run --config=size //tests/size:report > tests/size/sizes.txt"
    exit failed
  }' sizes.txt <(./report.sh .)
