#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# compile.sh: how long compilers take, in the repository's folder.
#
# executor.h beside <thread> plus <functional>: one source each, compiled in turn, CPU time, the
# median of the rounds' ratios. And `bazel build //:takt` from nothing, with a server of its own.
set -euo pipefail

boards=$PWD/boards
# shellcheck source=boards/common.sh
source "$boards/common.sh"

readonly rounds=5
readonly ratio_target=1.5  # of <thread> plus <functional>
readonly build_target=60   # seconds, on two cores

folder=$(mktemp -d)
clean_up() {
  if [[ -e $folder/output ]]; then
    # Whatever Bazel has written is read-only.
    BAZEL="${BAZEL:-bazel} --output_base=$folder/output" bazel shutdown >"$folder/log" 2>&1 || true
    chmod -R u+w "$folder/output"
  fi
  rm -rf "$folder"
}
trap clean_up EXIT

# verdict FIGURE TARGET
verdict() { awk -v figure="$1" -v target="$2" 'BEGIN { print figure <= target ? "reached" : "MISSED" }'; }

# cpu_time SOURCE: seconds that the compiler needs for it.
cpu_time() {
  local TIMEFORMAT='%3U %3S'
  { time "${CXX:-g++}" -std=c++20 -O2 -I"$folder/include" -c -o "$folder/object.o" "$folder/$1" \
    2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }; } 2>&1 | awk '{ print $1 + $2 }'
}

mkdir "$folder/include"
ln -s "$repository" "$folder/include/takt"
printf '#include <functional>\n#include <thread>\n' >"$folder/standard.cc"
printf '#include "takt/executor/executor.h"\n' >"$folder/executor.cc"
cpu_time standard.cc >"$folder/warm_up"
cpu_time executor.cc >"$folder/warm_up"
for ((round = 0; round < rounds; ++round)); do
  echo "$(cpu_time standard.cc) $(cpu_time executor.cc)"
done | awk '{ print $2 / $1, $1, $2 }' | sort -g >"$folder/ratios"
read -r ratio standard executor < <(sed -n "$((rounds / 2 + 1))p" "$folder/ratios")
printf 'executor.h: %.2f of <thread> plus <functional> (%.2f s, %.2f s), target %s: %s\n' \
  "$ratio" "$executor" "$standard" "$ratio_target" "$(verdict "$ratio" "$ratio_target")"

begin=$(date +%s%N)
BAZEL="${BAZEL:-bazel} --output_base=$folder/output" bazel build --jobs=2 --disk_cache= //:takt \
  >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
seconds=$(awk -v ns="$(($(date +%s%N) - begin))" 'BEGIN { printf "%.1f", ns / 1e9 }')
echo "bazel build //:takt from nothing: $seconds s, target $build_target: $(verdict "$seconds" "$build_target")"
