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

# The warnings that Bazel compiles with, under clang++ too.
mapfile -t flags < <(grep -oE '"-(std|W)[^"]*"' boards/copts.bzl | tr -d '"')
flags+=(-Werror -fsyntax-only "-I$includes" "-I$includes/generated")

# The standard's headers take two thirds of the time: once for all files.
standard=$includes/standard_headers.h
cp boards/precompiled/standard_headers.h "$standard"
clang++ "${flags[@]/-fsyntax-only/}" -x c++-header "$standard" -o "$standard.pch"

cpp_files | grep '\.cc$' |
  { [[ -n ${TAKT_FILES:-} ]] && cat || grep -E '^tests/(bench|install|model|size)/|^boards/(examples/.*_main|run/run)\.cc'; } |
  xargs --max-args=1 --max-procs="$(nproc)" clang++ "${flags[@]}" -include "$standard"
