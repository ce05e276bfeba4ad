#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A callable that fits into a job slot compiles; one that does not is an error that names the sizes,
# as are the other mistakes of callables.cc, each with the words that stand behind it there.
source tests/install/case.sh

source_file=tests/executor/callable/callables.cc

# compile [FLAG]: what the compiler says.
compile() {
  "$cxx" -std=c++20 -fsyntax-only "$@" -Iplatform/_virtual_includes/platform \
    -Isync/_virtual_includes/sync -Iexecutor/_virtual_includes/executor "$source_file" \
    >"$work/log" 2>&1
}

begin what_fits_compiles
compile || { cat "$work/log"; false; }

begin each_mistake_is_an_error
! compile -DMISTAKES || { echo "the mistakes compile"; false; }
mapfile -t expected < <(sed -n 's|.*// MISTAKE: ||p' "$source_file")
((${#expected[@]} > 0))
for words in "${expected[@]}"; do
  # " " and "'": the whole name, not the end of another one.
  grep --extended-regexp --quiet -e "(^|[ ':])$words" "$work/log" || {
    cat "$work/log"
    echo "no error says: $words"
    false
  }
done
