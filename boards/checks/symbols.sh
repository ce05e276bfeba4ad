#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# libtakt.a refers to no heap, no exception, no RTTI, and to nothing outside libc and libgcc.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

quiet_bazel build "${OPTIMIZED[@]}" //:archive
archive=$(output_directory "${OPTIMIZED[@]}")/libtakt.a

allocating='operator (new|delete)|(__libc_)?(malloc|calloc|realloc|reallocarray|free|memalign|valloc)'
allocating+='|aligned_alloc|posix_memalign|strn?dup|v?asprintf|getline|getdelim|open_memstream'
throwing='__cxa_.*|_Unwind_.*|__gxx_personality.*|std::__throw_.*|std::terminate.*'
rtti='(typeinfo|vtable|VTT|construction vtable) .*|__dynamic_cast'

failed=0
if nm --demangle "$archive" | cut -c 20- |
  grep -E "^($allocating|$throwing|$rtti)(@|\(|\[|\$)" | sort | uniq -c; then
  echo "symbols: libtakt.a must not refer to, or define, the symbols above"
  failed=1
fi

# The whole archive links without libstdc++.
linked=$(mktemp)
trap 'rm -f "$linked"' EXIT
if ! echo 'int main(void) { return 0; }' | gcc -x c - -x none -o "$linked" -nodefaultlibs \
  -Wl,--whole-archive "$archive" -Wl,--no-whole-archive -lc -lgcc; then
  echo "symbols: libtakt.a needs more than libc and libgcc"
  failed=1
fi
exit "$failed"
