#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The executor's chaos test on the emulated board in virtual time under the seeds that virtual_time.sh
# leaves out.
set -euo pipefail

export TAKT_SEEDS_ONLY=yes TAKT_SEEDS=${TAKT_SEEDS:-6 7 8 9 10 11 12 13 14 15 16 17 18 19 20}
exec "$(dirname -- "${BASH_SOURCE[0]}")/virtual_time.sh"
