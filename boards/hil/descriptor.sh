# SPDX-License-Identifier: Apache-2.0
# read_board BOARD: what is known of a board, as variables; README.md says what each key means.
# BOARD is a name (NAME.board beside this file), the path of such a file, or USER@HOST[:PORT], any
# machine with an ssh server. Fails with exit status 2 and a message.
# shellcheck shell=bash disable=SC2034,SC2154  # for those that source it; $hil: this folder

hil_keys='driver host port user key known_hosts ssh_config arch kernel configuration work lock reserve_kib
  connect_limit copy_limit run_limit grace lease lock_limit return_limit boot_limit batch_kib boards_at_once
  time_scale seed'

read_board() {
  local board=$1 file key_name value line=0
  driver=ssh host='' port=22 user=$(id -un) key='' known_hosts='' ssh_config='' arch='' kernel=''
  configuration='' work=/tmp/takt-hil lock=/tmp/takt-hil.lock reserve_kib=4096 connect_limit=10 copy_limit=60
  run_limit=300 grace=2 lease=15 lock_limit=60 return_limit=90 boot_limit=90 batch_kib=0
  boards_at_once=1 time_scale=1 seed=1
  board_name=$(basename -- "$board" .board)
  case $board in
    *@*)
      user=${board%%@*} host=${board#*@}
      if [[ $host =~ ^([^:]+):([0-9]+)$ ]]; then host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}; fi
      if [[ ! $user =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ || ! $host =~ ^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$ ]]; then
        echo "takt hil: '$board' is not USER@HOST[:PORT]" >&2
        return 2
      fi
      return 0
      ;;
    */*) file=$board ;;
    *) file=$hil/$board.board ;;
  esac
  if [[ ! -r $file ]]; then
    echo "takt hil: no board '$board', there are: $(cd "$hil" && echo *.board | sed 's/\.board//g'), FILE, USER@HOST" >&2
    return 2
  fi
  while read -r key_name value || [[ -n $key_name ]]; do
    line=$((line + 1))
    [[ -n $key_name && $key_name != '#'* ]] || continue
    value=${value%%[[:space:]]#*}
    value=${value%"${value##*[![:space:]]}"}
    case $key_name in
      port | *_kib | *_limit | grace | lease | boards_at_once | time_scale | seed) [[ $value =~ ^[0-9]+$ ]] || key_name=wrong ;;
      work) [[ $value =~ ^/[A-Za-z0-9._/-]+$ ]] || key_name=wrong ;;
      lock) [[ $value == none || $value =~ ^/[A-Za-z0-9._/-]+$ ]] || key_name=wrong ;;
      driver) [[ $value =~ ^[a-z0-9_]+$ && -r $hil/drivers/$value.sh ]] || key_name=wrong ;;
      host | user) [[ $value =~ ^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$ ]] || key_name=wrong ;;
      key | known_hosts | ssh_config) value=${value/#\~/${HOME:-}} ;;
    esac
    if [[ " ${hil_keys//$'\n'/ } " != *" $key_name "* ]]; then
      echo "takt hil: $file:$line: unknown key or wrong value" >&2
      return 2
    fi
    printf -v "$key_name" %s "$value"
  done <"$file"
  if [[ $driver == ssh && -z $host ]]; then
    echo "takt hil: $file: no host" >&2
    return 2
  fi
  # Each sweeps away what is in its work folder.
  if [[ $boards_at_once != 1 && $driver != qemu_* ]]; then
    echo "takt hil: $file: boards_at_once is for emulated boards, there is one of the others" >&2
    return 2
  fi
}

# load_driver: that of the board. What it need not define does nothing.
load_driver() {
  driver_prepare() { :; }
  driver_power_on() { :; }
  driver_power_off() { :; }
  driver_facts() { :; }
  # shellcheck source=boards/hil/drivers/ssh.sh
  source "$hil/drivers/$driver.sh"
}
