#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Linked statically, as a test binary is carried to a board, all tests pass.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

test_configuration '-//tests/install/... -//tests/bench/...' \
  --config=static
