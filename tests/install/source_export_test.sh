#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The exported sources build without Bazel, and install the same tree.
source tests/install/case.sh

"$installer" --source "$work/source"

begin builds_and_installs
if require cmake make; then
  cmake -S "$work/source" -B "$work/build" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_INSTALL_PREFIX="$work/prefix" -DCMAKE_CXX_FLAGS='-Wall -Wextra -Werror'
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
