#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A program is built against the installed tree, as pkg-config and as CMake describe it.
source tests/install/case.sh

"$installer" "$work/first"
mv "$work/first" "$work/moved"  # an installed tree can be moved
prefix=$work/moved
version=$(sed -n 's/.*kVersion = "\(.*\)".*/\1/p' "$prefix/include/takt/platform/version.h")
expected="takt $version: 42"

# The same installer, as if the library were compiled otherwise.
begin says_when_the_library_is_not_optimised
for compiled in opt fastbuild dbg; do
  sed "s/^compiled=[a-z]*/compiled=$compiled/" "$installer" >"$work/$compiled"
  RUNFILES_DIR=${RUNFILES_DIR:-$installer.runfiles} bash "$work/$compiled" "$work/warned" \
    2>"$work/warning"
  if [[ $compiled == opt ]]; then
    [[ ! -s $work/warning ]]
  else
    grep -q "NOT OPTIMISED.*$compiled" "$work/warning"
    grep -q "bazel run -c opt .*//:install -- $work/warned" "$work/warning"
  fi
done
grep -qE '^compiled=(opt|fastbuild|dbg) ' "$installer"

begin pkg_config
if sanitized "$prefix/lib/libtakt.a"; then
  skip "libtakt.a is built with a sanitizer"
elif require pkg-config; then
  read -r -a flags < <(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs takt)
  "$cxx" -std=c++20 -Wall -Wextra -Werror "$here/consumer/consumer.cc" "${flags[@]}" \
    -o "$work/consumer"
  [[ $("$emulate" "$work/consumer") == "$expected" ]]
fi

begin cmake
if sanitized "$prefix/lib/libtakt.a"; then
  skip "libtakt.a is built with a sanitizer"
elif require cmake make; then
  cmake -S "$here/consumer" -B "$work/build" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=BOTH
  cmake --build "$work/build"
  [[ $("$emulate" "$work/build/consumer") == "$expected" ]]
fi

begin cmake_refuses_another_series
if require cmake make; then
  sed 's/find_package(takt 0.1/find_package(takt 0.0/' "$here/consumer/CMakeLists.txt" \
    >"$work/CMakeLists.txt"
  cp "$here/consumer/consumer.cc" "$work"
  if cmake -S "$work" -B "$work/refused" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_PREFIX_PATH="$prefix" 2>"$work/refusal"; then
    false
  fi
  cat "$work/refusal"
  grep -q 'requested version "0.0"' "$work/refusal"
fi

begin versions_agree
grep -q "version = \"$version\"" MODULE.bazel
[[ $(sed -n 's/^Version: //p' "$prefix/lib/pkgconfig/takt.pc") == "$version" ]]

# Headers that a program may include together must not have a name twice.
begin headers_go_together
(cd "$prefix/include" && find takt -name '*.h' | sort | sed 's/.*/#include "&"/') >"$work/all.cc"
(($(wc -l <"$work/all.cc") > 100))
"$cxx" -std=c++20 -Wall -Wextra -Werror -fsyntax-only "-I$prefix/include" "$work/all.cc"
