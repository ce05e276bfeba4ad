#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The long forms of tests that are short otherwise: a minute of mixed load without a page fault, and a
# billion periods without drift, of the release rule and of the executor in virtual time.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards

readonly tests=//tests/executor
read -r -a targets <<<"${TAKT_TARGETS:-$tests:page_fault_test $tests:manual_drift_test $tests:release_rule_test}"
TAKT_SETUP=no "$boards/test.sh" --config=deep --compilation_mode=opt --test_timeout=3600 "${targets[@]}"
