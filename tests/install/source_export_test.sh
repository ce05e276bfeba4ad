#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The exported sources build without Bazel, and install the same tree.
source tests/install/case.sh

"$installer" --source "$work/source"

# The standard's headers once for all sources, and no optimiser: two thirds of the time.
echo "cmake_language(DEFER CALL target_precompile_headers takt PRIVATE $(readlink -f boards/precompiled/standard_headers.h))" \
  >"$work/precompiled.cmake"

begin builds_and_installs
if require cmake make; then
  cmake -S "$work/source" -B "$work/build" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_INSTALL_PREFIX="$work/prefix" -DCMAKE_CXX_FLAGS='-Wall -Wextra -Werror' \
    -DCMAKE_BUILD_TYPE=None -DCMAKE_PROJECT_INCLUDE="$work/precompiled.cmake"
  cmake --build "$work/build" --parallel 2
  cmake --install "$work/build"
fi

begin same_tree_as_the_binary_installation
if require cmake make; then
  "$installer" "$work/installed"
  diff <(cd "$work/installed" && find . -type f | sort) <(cd "$work/prefix" && find . -type f | sort)
fi

begin consumer
if require cmake make; then
  cmake -S "$here/consumer" -B "$work/consumer" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=BOTH
  cmake --build "$work/consumer"
  "$emulate" "$work/consumer/consumer"
fi
