#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy finds nothing (.clang-tidy) in what is shipped. Headers are seen through the files that
# include them. The tests, through them the headers of sync/, and the path-sensitive analyzer, which
# takes as long as all the rest: analyzer.sh.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

includes=$(include_folder)
trap 'rm -r "$includes"' EXIT

cpp_files | sed -n '/\.cc$/{/^tests\//!p; /^tests\/planted\//p}' |
  clang_tidy '-clang-analyzer-*'
