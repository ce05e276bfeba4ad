#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy finds nothing in any source, its path-sensitive analyzer included: what tidy.sh leaves
# out.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

includes=$(include_folder)
trap 'rm -r "$includes"' EXIT

cpp_files | sed -n '/\.cc$/p' | clang_tidy ''
