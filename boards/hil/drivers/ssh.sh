# SPDX-License-Identifier: Apache-2.0
# A board that is reached by OpenSSH's own client. Never asks a question: without a key that the
# board takes, and a host key that known_hosts has, there is no session. The first session of a run
# (the lease) carries the others; a driver of a board that is ours alone may have it carry those of
# later runs too: $ssh_master, a socket, and $ssh_persist, for how long.
# shellcheck shell=bash disable=SC2154  # variables of run.sh and descriptor.sh

driver_shell() {
  local interval=$((lease / 3 > 0 ? lease / 3 : 1))
  local -a command=(
    ssh -T -p "$port" -l "$user"
    -o BatchMode=yes -o StrictHostKeyChecking=yes -o LogLevel=ERROR -o ConnectTimeout="$connect_limit"
    -o ServerAliveInterval="$interval" -o ServerAliveCountMax=3
    -o ControlMaster=auto -o ControlPath="${ssh_master:-$scratch/master}" -o ControlPersist="${ssh_persist:-no}"
  )
  [[ -z $ssh_config ]] || command+=(-F "$ssh_config")
  [[ -z $key ]] || command+=(-i "$key" -o IdentitiesOnly=yes)
  [[ -z $known_hosts ]] || command+=(-o UserKnownHostsFile="$known_hosts" -o GlobalKnownHostsFile=/dev/null)
  export LC_ALL=C  # driver_diagnosis reads its messages
  exec timeout --kill-after=5 "$1" "${command[@]}" "$host" "$2"
}

driver_diagnosis() {
  local message
  message=$(grep -v '^[[:space:]@]*$' "$1" | tail -n 1) || true  # perhaps it said nothing
  case $(<"$1") in
    *'IDENTIFICATION HAS CHANGED'*) echo "unknown_host_key the host key of $host is not the one in known_hosts" ;;
    *'Host key verification failed'*) echo "unknown_host_key no host key of $host in known_hosts: ssh-keyscan -p $port $host" ;;
    *'Permission denied'* | *'Too many authentication failures'*)
      echo "key_refused ${message%$'\r'}: does the board have ${key:-your key}.pub in authorized_keys?" ;;
    *) echo "absent ${message:-no answer from $host within $connect_limit s}" ;;
  esac
}
