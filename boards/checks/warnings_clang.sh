#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang++ reads everything without a warning, -Wthread-safety included. It reads only: the check
# clang compiles and runs. TAKT_FILES narrows it.
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

# Not alone to be read: sources with planted mistakes, which a test of their own compiles, and a
# test of broken headers.
cpp_files | grep '\.cc$' | grep -vxF -e tests/sync/thread_safety/locks.cc \
  -e tests/executor/wrong/analysis_wrong_variant_test.cc |
  xargs --max-args=1 --max-procs="$(nproc)" clang++ "${flags[@]}" -include "$standard"
