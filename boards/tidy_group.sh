#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tidy_group.sh INCLUDES CHECKS GROUP      (clang_tidy of common.sh)
#
# Prints what clang-tidy finds in the files that the source GROUP includes.
set -euo pipefail

includes=$1 checks=$2 group=$3
repository=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")

# tidy CHECKS FILE
tidy() {
  clang-tidy --quiet "--config-file=$repository/.clang-tidy" "--checks=$1" "$2" \
    -- -std=c++20 "-I$includes" "-I$includes/generated" 2>&1 |
    grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? generated' || true
}

mapfile -t files < <(sed -n 's/^#include "takt\/\(.*\)"$/\1/p' "$group")
if ((${#files[@]} > 1)); then
  # That check is against including a .cc.
  [[ -n $(tidy "$checks,-bugprone-suspicious-include" "$group") ]] || exit 0
fi
for file in "${files[@]}"; do
  tidy "$checks" "$repository/$file"
done
