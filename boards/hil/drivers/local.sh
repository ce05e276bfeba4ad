# SPDX-License-Identifier: Apache-2.0
# The machine that we are on, as a board. session.sh does the rest.
# shellcheck shell=bash

driver_shell() {
  exec timeout "$1" sh -c "$2"
}

driver_diagnosis() {
  echo "absent $(tail -n 1 "$1")"
}
