#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The models hold with each preemption bound raised by one (tests/model/README.md).
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

TAKT_TARGETS=${TAKT_TARGETS:-//tests/model/...} \
  test_configuration '' --test_env=TAKT_MODEL_DEEP=1 --test_timeout=3600
