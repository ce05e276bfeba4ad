#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cppcheck finds nothing in what is shipped. (In the tests it stumbles over the harness's macros;
# clang-tidy reads those.) A false positive is silenced in the code, with its reason.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

includes=$(include_folder)
trap 'rm -r "$includes"' EXIT

# uninitMemberVar: buffers are left unwritten on purpose until somebody writes them. The other two
# are faults of cppcheck 2.10: it takes `T& x = condition ? a : b` for a temporary, and gives up a
# file at some chrono literals.
read_by_cppcheck() {
  local files
  files=$(cat)
  [[ -n $files ]] || return 0
  cppcheck --quiet --error-exitcode=1 --file-list=- -j "$(nproc)" \
    --enable=warning,performance,portability --language=c++ --std=c++20 \
    -I "$includes" -I "$includes/generated" \
    --inline-suppr --suppress=missingInclude --suppress=missingIncludeSystem \
    --suppress=uninitMemberVar --suppress=danglingTempReference --suppress=cppcheckError "$@" <<<"$files"
}
shipped() { cpp_files | { grep -v '^tests/' || true; } | { grep -E "$1" || true; }; }

# What has #if of its own is read in each configuration, the rest in this machine's only.
conditional=$(shipped '\.cc$' | xargs --no-run-if-empty grep -lE '^ *# *(el)?if' || true)
{
  shipped '\.h$'
  echo "$conditional" | existing | group_sources
} | read_by_cppcheck
shipped '\.cc$' | { grep -vxF "$conditional" || true; } | group_sources |
  read_by_cppcheck "-D__$(uname -m)__=1" -D__cpp_exceptions=199711
