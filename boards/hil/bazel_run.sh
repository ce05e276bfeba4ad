#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bazel_run.sh PROGRAM [ARGUMENT]...
#
# A test of `bazel test --config=hil`, on the board $BOARD; its test.xml and its other artefacts go
# where Bazel wants them. A test that is a script drives tools of this machine and is skipped.
set -euo pipefail

hil=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
readonly hil

if [[ -z ${BOARD:-} ]]; then
  echo "takt hil: which board? BOARD=USER@HOST bazel test --config=hil ..." >&2
  exit 2
fi
if [[ $(head -c 2 "$1") == '#!' ]]; then
  echo "SKIPPED: a script, not for the board"
  printf '<testsuites><testsuite name="%s"><testcase classname="hil" name="%s">%s</testcase></testsuite></testsuites>\n' \
    "${1##*/}" "${1##*/}" '<skipped message="a script, not for the board"/>' >"${XML_OUTPUT_FILE:-/dev/null}"
  exit 0
fi

output=${TEST_UNDECLARED_OUTPUTS_DIR:-$(mktemp -d)}
status=0
# Before Bazel's own limit ends us, so that the verdict is the board's.
"$hil/run.sh" ${TEST_TIMEOUT:+--limit=$((TEST_TIMEOUT * 9 / 10))} --output="$output" "$BOARD" "$@" || status=$?
if [[ -n ${XML_OUTPUT_FILE:-} && -e $output/test.xml ]]; then mv "$output/test.xml" "$XML_OUTPUT_FILE"; fi
exit "$status"
