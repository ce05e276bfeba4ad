#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What takt adds to a program on each machine is what tests/size/sizes.txt says, within 3 %.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

TAKT_SETUP=no boards/test.sh --config=size -- //tests/size:size_test
