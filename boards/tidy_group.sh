#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tidy_group.sh INCLUDES CHECKS GROUP      (clang_tidy of common.sh)
#
# Prints what clang-tidy finds in the files that the source GROUP includes.
set -euo pipefail

includes=$1 checks=$2 group=$3
repository=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")

output=$(mktemp)
trap 'rm -f "$output"' EXIT

# tidy CHECKS FILE: what it found goes to $output; fails as clang-tidy does.
tidy() {
  local status=0
  clang-tidy --quiet "--config-file=$repository/.clang-tidy" "--checks=$1" "$2" \
    -- -std=c++20 "-I$includes" "-I$includes/generated" >"$output" 2>&1 || status=$?
  sed -i -E '/^[0-9]+ warnings?( and [0-9]+ errors?)? generated/d' "$output"
  return "$status"
}

mapfile -t files < <(sed -n 's/^#include "takt\/\(.*\)"$/\1/p' "$group")
if ((${#files[@]} > 1)); then
  # That check is against including a .cc.
  if tidy "$checks,-bugprone-suspicious-include" "$group" && [[ ! -s $output ]]; then exit 0; fi
fi
failed=0
for file in "${files[@]}"; do
  tidy "$checks" "$repository/$file" || failed=1
  cat "$output"
done
exit "$failed"
