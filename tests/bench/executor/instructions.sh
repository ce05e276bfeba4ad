#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# instructions.sh POST_INSTRUCTIONS
#
# Counts by callgrind what one post to an awake worker executes. A count, not a time: it needs
# neither a quiet machine nor rounds.
set -euo pipefail

readonly program=${1:?usage: instructions.sh POST_INSTRUCTIONS}
readonly posts=512  # kPosts in post_instructions.cc
readonly target=60  # without the read of the clock

if ! command -v valgrind >/dev/null; then
  echo "takt bench: counting instructions needs valgrind: run boards/takt setup bench" >&2
  exit 1
fi
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

# count plain|stamps: the instructions of one post.
count() {
  timeout 120 valgrind --tool=callgrind --toggle-collect='*counted_post*' \
    --callgrind-out-file="$folder/$1" "$program" "$1" >"$folder/log" 2>&1 || {
    cat "$folder/log" >&2
    return 1
  }
  awk -v posts="$posts" '$1 == "totals:" { printf "%.0f", $2 / posts }' "$folder/$1"
}

plain=$(count plain)
stamps=$(count stamps)
verdict=MISSED
if ((plain <= target)); then verdict=reached; fi
echo "post to an awake worker: $plain instructions, target $target: $verdict"
echo "with time stamps: $stamps, the read of the clock included"
