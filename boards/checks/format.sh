#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every C++ file is as clang-format writes it (.clang-format).
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

cpp_files | xargs --no-run-if-empty clang-format --dry-run --Werror
