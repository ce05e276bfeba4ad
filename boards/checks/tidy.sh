#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy finds nothing (.clang-tidy) in what is shipped. Headers are seen through the files that
# include them, those of sync/ through its tests, without the path-sensitive analyzer, which takes
# most of the time there. All of the tests, with the analyzer: analyzer.sh.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

includes=$(include_folder)
trap 'rm -r "$includes"' EXIT

status=0
cpp_files | sed -n '/\.cc$/{/^tests\//!p}' | clang_tidy || status=$?
cpp_files | sed -n '/^tests\/\(sync\|planted\)\/.*\.cc$/p' | clang_tidy '--checks=-clang-analyzer-*' || status=$?
exit "$status"
