#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clang's -Wthread-safety accepts correct use of takt's locks and rejects each mistake of locks.cc
# with the words that stand behind it there.
source tests/install/case.sh

source_file=tests/sync/thread_safety/locks.cc

# compile MISTAKE: what clang++ says to that mistake.
compile() {
  clang++ -std=c++20 -fsyntax-only -Wall -Wextra -Wthread-safety -Werror -DMISTAKE="$1" \
    -Iplatform/_virtual_includes/platform -Isync/_virtual_includes/sync "$source_file" \
    >"$work/log" 2>&1
}

begin correct_use_is_accepted
if require clang++; then
  compile 0 || { cat "$work/log"; false; }
fi

mistakes=$(grep --count 'MISTAKE == ' "$source_file")
for ((mistake = 1; mistake <= mistakes; ++mistake)); do
  begin "mistake_${mistake}_is_rejected"
  require clang++ || continue
  expected=$(sed -n "s|.*// MISTAKE $mistake: ||p" "$source_file")
  [[ -n $expected ]]
  ! compile "$mistake" || { echo "no warning, expected: $expected"; false; }
  grep --fixed-strings -e "$expected" "$work/log" || { cat "$work/log"; false; }
  # That warning only: nothing else is wrong.
  [[ $(grep --count ' error: ' "$work/log") == 1 ]] || { cat "$work/log"; false; }
done
