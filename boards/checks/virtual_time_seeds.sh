#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The executor's chaos test on the emulated board in virtual time under the seeds that virtual_time.sh
# leaves out, the other fifteen of twenty and twenty more.
set -euo pipefail

export TAKT_SEEDS_ONLY=yes TAKT_SEEDS=${TAKT_SEEDS:-$(seq -s ' ' 6 40)}
exec "$(dirname -- "${BASH_SOURCE[0]}")/virtual_time.sh"
