#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# All tests that start a thread under the thread sanitizer: no data race, no deadlock. No suppressions.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

one_thread=$(without_one_thread_tests)
test_configuration "-//tests/install/... -//tests/bench/... $one_thread" \
  --config=tsan
