# SPDX-License-Identifier: Apache-2.0
# What the tests of this folder share: each case's outcome goes to $XML_OUTPUT_FILE as JUnit XML.
# shellcheck shell=bash
set -euo pipefail

suite=$(basename "$0")
case_name='' outcome='' report=''

escape() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/"/\&quot;/g'; }

end_case() {
  [[ -n $case_name ]] || return 0
  report+="<testcase classname=\"$suite\" name=\"$case_name\">$outcome</testcase>"
  case_name=''
}

# begin NAME: what follows, up to the next begin, is case NAME. It passes unless a command fails,
# which ends the script, or skip is called.
begin() {
  end_case
  case_name=$1 outcome=''
  echo "== $1"
}

# skip REASON...: the case of now counts as skipped; the caller goes on to the next.
skip() {
  echo "SKIPPED: $*"
  outcome="<skipped message=\"$(escape <<<"$*" | tr '\n' ' ')\"/>"
}

require() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { skip "$tool is not installed: run boards/takt setup"; return 1; }
  done
}

finish() {
  local status=$?
  if ((status != 0)); then
    outcome="<failure message=\"exit code $status, see the log\"/>"
    [[ -n $case_name ]] || case_name=setup
  fi
  end_case
  echo "<testsuites><testsuite name=\"$suite\">$report</testsuite></testsuites>" \
    >"${XML_OUTPUT_FILE:-/dev/null}"
}
trap finish EXIT

here=$PWD/tests/install
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/install.XXXXXX")
emulate=$PWD/boards/emulate.sh
installer=$PWD/install

# The C++ compiler that built the library under test.
cxx=${TAKT_CC/%gcc/g++}
cxx=${cxx/%clang/clang++}

# A sanitized archive cannot be linked into an ordinary program.
sanitized() { [[ $(nm "$1" 2>&1) =~ \ U\ __(asan|tsan|ubsan)_ ]]; }
