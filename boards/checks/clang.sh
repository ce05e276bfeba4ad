#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiled by clang++, without the precompiled headers (each source includes what it uses), all tests pass.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

test_configuration '-//tests/install/... -//tests/bench/...' \
  --config=clang --config=werror --define=takt_precompiled_headers=no
