#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang++ reads without a warning, -Wthread-safety included, what it does not compile for the check
# asan: models, benchmarks and programs. TAKT_FILES names other files.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

includes=$(include_folder)
trap 'rm -r "$includes"' EXIT

cpp_files | grep '\.cc$' |
  { [[ -n ${TAKT_FILES:-} ]] && cat || grep -E '^tests/(bench|install|model|size)/|^boards/(examples/.*_main|run/run)\.cc'; } |
  read_without_warnings clang++
