#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install PREFIX            headers, libtakt.a, pkg-config and CMake files under PREFIX
# install --source FOLDER   sources and a CMakeLists.txt, for a build with any other compiler
#
# Runs as //:install, which fills in the three @NAMES@. Paths are relative to where the user stands.
set -euo pipefail

usage() {
  echo "usage: bazel run -c opt [--config=BOARD] //:install -- PREFIX" >&2
  echo "       bazel run //:install -- --source FOLDER" >&2
  exit 2
}

compiled=@COMPILATION_MODE@  # Bazel's: opt, fastbuild, dbg
mode=binary
if [[ ${1:-} == --source ]]; then
  mode=source
  shift
fi
[[ $# == 1 && -n $1 && $1 != -* ]] || usage
cd "${BUILD_WORKING_DIRECTORY:-.}"
destination=$(realpath -m -- "$1")

case ${BASH_SOURCE[0]} in
  /*) self=${BASH_SOURCE[0]} ;;
  *) self=${OLDPWD:-.}/${BASH_SOURCE[0]} ;;
esac
runfiles=$self.runfiles
[[ -d $runfiles ]] || runfiles=${RUNFILES_DIR:?}  # inside a test, the runfiles are the test's
cd "$runfiles/@WORKSPACE@"

# files KIND: lines "path in the repository, path here".
files() { sed -n "s/^$1 //p" "@MANIFEST@"; }

copy() {
  mkdir -p "$(dirname "$destination/$2")"
  cp --remove-destination --dereference -- "$1" "$destination/$2"
  chmod 644 "$destination/$2"
}

# Copies what the manifest has of a kind into a folder of the destination.
copy_all() {
  local path here
  while read -r path here; do
    copy "$here" "$2/$path"
  done < <(files "$1")
}

# template NAME PATH: writes boards/install/NAME.in, filled in, to PATH of the destination.
template() {
  local path here
  while read -r path here; do
    [[ $path == */"$1.in" ]] || continue
    mkdir -p "$(dirname "$destination/$2")"
    sed -e "s/@VERSION@/$version/g" -e "s/@VERSION_SERIES@/${version%.*}/g" \
      -e "/@SOURCES@/{r /dev/fd/3
        d}" "$here" 3< <(files source | sed -n 's/^\(.*\.cc\) .*/  takt\/\1/p') \
      >"$destination/$2"
  done < <(files template)
}

version_header=$(files header | sed -n 's/^platform\/version.h //p')
version=$(sed -n 's/.*kVersion = "\(.*\)".*/\1/p' "$version_header")
: "${version:?platform/version.h names no version}"

if [[ $mode == source ]]; then
  copy_all header takt
  copy_all source takt
  copy_all license .
  template CMakeLists.txt CMakeLists.txt
  template takt.pc cmake/takt.pc
  template taktConfig.cmake cmake/taktConfig.cmake
  template taktConfigVersion.cmake cmake/taktConfigVersion.cmake
else
  copy_all header include/takt
  copy "$(files archive | cut -d ' ' -f 2)" lib/libtakt.a
  template takt.pc lib/pkgconfig/takt.pc
  template taktConfig.cmake lib/cmake/takt/taktConfig.cmake
  template taktConfigVersion.cmake lib/cmake/takt/taktConfigVersion.cmake
  copy_all license share/doc/takt
fi
echo "takt $version: $destination"
if [[ $mode == binary && $compiled != opt ]]; then
  {
    echo "WARNING: this libtakt.a is NOT OPTIMISED (Bazel's compilation mode is $compiled)."
    echo "         For a product: bazel run -c opt [--config=BOARD] //:install -- $1"
  } >&2
fi
