#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The layers are as drawn: platform <- sync <- executor <- monitor <- boards, tests above all.
# Each header of ours that is included exists, in an allowed layer; only platform touches the
# system; no library file pulls in what allocates or throws; the top level holds what it should.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

# layer: the layers that it may include besides itself
readonly BELOW='
platform
sync      platform
executor  platform sync
monitor   platform sync executor/stats.h
boards    platform sync executor monitor
tests     platform sync executor monitor boards
'
readonly TOP='WORKSPACE MODULE.bazel BUILD README.md LICENSE executor sync monitor platform tests boards'

cpp_files | xargs --no-run-if-empty awk -v below="$BELOW" '
  BEGIN {
    layers = split(below, line, "\n")
    for (i = 1; i <= layers; i++) {
      words = split(line[i], word, " ")
      for (j = 1; j <= words; j++) may[word[1], word[j]] = 1
    }
    system_header = "^(unistd|pthread|sched|signal|fcntl|poll|semaphore|time|dirent|spawn)[.]h$|^(sys|linux|asm)/"
    heavy_header = "^(any|deque|exception|filesystem|forward_list|fstream|functional|future|iomanip|ios|iostream|istream|list|locale|map|memory_resource|ostream|queue|regex|set|sstream|stack|stdexcept|streambuf|string|thread|typeinfo|unordered_map|unordered_set|vector)$"
  }
  function fault(text) {
    print FILENAME ":" FNR ": " text
    failed = 1
  }
  /^[ \t]*#[ \t]*include/ {
    layer = FILENAME
    sub("/.*", "", layer)
    library = layer ~ /^(platform|sync|executor|monitor)$/
    name = $0
    if (match(name, /"[^"]*"/)) {
      name = substr(name, RSTART + 1, RLENGTH - 2)
      if (name !~ /^takt\//) {
        fault("\"" name "\": ours are included as \"takt/<folder>/<file>.h\"")
        next
      }
      file = substr(name, 6)
      other = file
      sub("/.*", "", other)
      if (file ~ /[.]h$/ && (getline text < file) < 0) fault("\"" name "\" does not exist")
      close(file)
      if (!((layer, other) in may) && !((layer, file) in may))
        fault(layer " may not include \"" name "\"")
    } else if (match(name, /<[^>]*>/)) {
      name = substr(name, RSTART + 1, RLENGTH - 2)
      if (library && name ~ heavy_header) fault("<" name "> has no place in the library")
      if (library && layer != "platform" && name ~ system_header)
        fault("<" name ">: only platform/ talks to the system")
    }
  }
  END { exit failed }
' || failed=1

while read -r entry; do
  case " $TOP " in
    *" $entry "*) ;;
    *) [[ $entry == .* ]] || { echo "$entry: not an entry of the top level"; failed=1; } ;;
  esac
done < <(git ls-files --cached --others --exclude-standard | sed 's|/.*||' | sort -u)

exit "${failed:-0}"
