# SPDX-License-Identifier: Apache-2.0
# The emulated board of emulator.sh, which boots for one run, or for all of a `takt hil`. As soon as it is
# there it is a board behind ssh.
# shellcheck shell=bash disable=SC2034,SC2154  # variables of run.sh, hil.sh and descriptor.sh
source "$hil/drivers/ssh.sh"

driver_prepare() { power_failure=$("$hil/emulator.sh" prepare); }

# driver_preload FOLDER: who boots it later finds what is in FOLDER below /. Memory is a hundred times quicker
# than its network. Fails when that is too much for its memory.
driver_preload() {
  (($(du --dereference --summarize --block-size=1M "$1" | cut -f 1) <= 300)) || return
  export TAKT_HIL_PRELOAD=$1.cpio
  (cd "$1" && find . -mindepth 1 | cpio --create --dereference --format=newc --owner=0:0 --quiet) >"$TAKT_HIL_PRELOAD"
}

# Boots it, unless $TAKT_HIL_EMULATED names the folder of one that is there; fails with
# $power_failure, "VERDICT REASON".
driver_power_on() {
  local word='' rest='' log=''
  if [[ -z ${TAKT_HIL_EMULATED:-} ]]; then
    TAKT_HIL_EMULATED=$(mktemp -d /tmp/hil_board.XXXXXX)
    export TAKT_HIL_EMULATED
    mkfifo "$TAKT_HIL_EMULATED/answer"
    # It ends with us, whatever ends us.
    setpriv --pdeathsig TERM "$hil/emulator.sh" "$TAKT_HIL_EMULATED" "$boot_limit" \
      >"$TAKT_HIL_EMULATED/answer" </dev/null &
    emulator_pid=$!
    read -r word rest <"$TAKT_HIL_EMULATED/answer" || true
    if [[ $word != ready ]]; then
      power_failure="${word:-absent} ${rest:-the emulator did not start}"
      return 1
    fi
  fi
  host=127.0.0.1 port=$(<"$TAKT_HIL_EMULATED/port") user=root ssh_config=/dev/null
  ssh_master=$TAKT_HIL_EMULATED/master ssh_persist=yes  # until the emulator ends
  key=$TAKT_HIL_EMULATED/key known_hosts=$TAKT_HIL_EMULATED/known_hosts
}

driver_power_off() {
  [[ -n ${emulator_pid:-} ]] || return 0
  kill "$emulator_pid" 2>/dev/null || true
  wait "$emulator_pid" 2>/dev/null || true
  emulator_pid=''
  rm -rf "$TAKT_HIL_EMULATED"
}

driver_facts() { cat "$TAKT_HIL_EMULATED/facts"; }
