# SPDX-License-Identifier: Apache-2.0
# read_board BOARD: what is known of a board, as variables; README.md says what each key means.
# BOARD is a name (NAME.board beside this file), the path of such a file, or USER@HOST[:PORT], any
# machine with an ssh server. Fails with exit status 2 and a message.
# shellcheck shell=bash disable=SC2034,SC2154  # for those that source it; $hil: this folder

hil_keys='driver host port user key known_hosts ssh_config arch kernel configuration work lock reserve_kib
  connect_limit copy_limit run_limit grace lease lock_limit return_limit boot_limit batch_kib boards_at_once
  artefacts_kib time_scale seed'

# wrong_value KEY VALUE: prints what is wanted instead; fails when nothing is wrong.
wrong_value() {
  local wanted pattern
  case $1 in
    port) pattern='^0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$' wanted='a port from 1 to 65535' ;;
    run_limit | time_scale) pattern='^0*[1-9][0-9]{0,8}$' wanted='a whole number above 0' ;;
    *_kib | *_limit | grace | lease | boards_at_once | seed) pattern='^[0-9]{1,15}$' wanted='a whole number' ;;
    kernel) pattern='^[0-9]+(\.[0-9]+)*$' wanted='a version like 5.10' ;;
    arch) pattern='^(aarch64|arm|armv[5-8].*|x86_64|i[3-6]86|riscv64)$' wanted='what uname -m says there: aarch64, armv7l, x86_64...' ;;
    work) pattern='^/[A-Za-z0-9._/-]+$' wanted='the path of a folder, of letters, digits and ._-' ;;
    lock) pattern='^(none|/[A-Za-z0-9._/-]+)$' wanted='none or the path of a file, of letters, digits and ._-' ;;
    driver) pattern="^($(cd "$hil/drivers" && echo *.sh | sed 's/\.sh//g; s/ /|/g'))$" wanted="one of ${pattern:2:-2}" ;;
    host) pattern='^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$' wanted='a name or an address' ;;
    user) pattern='^[A-Za-z0-9_][A-Za-z0-9_.-]*$' wanted="a user's name" ;;
    *) return 1 ;;
  esac
  [[ ! $2 =~ $pattern ]] && echo "$wanted"
}

read_board() {
  local board=$1 file key_name value mistake wanted line=0
  driver=ssh host='' port=22 user=$(id -un) key='' known_hosts='' ssh_config='' arch='' kernel=''
  configuration='' work=/tmp/takt-hil lock=/tmp/takt-hil.lock reserve_kib=4096 connect_limit=10 copy_limit=60
  run_limit=300 grace=2 lease=15 lock_limit=60 return_limit=90 boot_limit=90 batch_kib=0
  boards_at_once=1 artefacts_kib=65536 time_scale=1 seed=1
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
  if [[ ! -f $file || ! -r $file ]]; then
    echo "takt hil: no board '$board', there are: $(cd "$hil" && echo *.board | sed 's/\.board//g'), FILE, USER@HOST" >&2
    return 2
  fi
  while read -r key_name value || [[ -n $key_name ]]; do
    line=$((line + 1))
    [[ -n $key_name && $key_name != '#'* ]] || continue
    value=${value%%[[:space:]]#*}
    value=${value%"${value##*[![:space:]]}"}
    mistake=''
    if [[ " ${hil_keys//$'\n'/ } " != *" $key_name "* ]]; then
      mistake="no key '$key_name', there are: ${hil_keys//$'\n'/}"
    elif wanted=$(wrong_value "$key_name" "$value"); then
      mistake="$key_name: '$value' is not $wanted"
    fi
    if [[ -n $mistake ]]; then
      echo "takt hil: $file:$line: $(tr -s ' ' <<<"$mistake")" >&2
      return 2
    fi
    case $key_name in port | run_limit | time_scale | *_kib | *_limit | grace | lease | boards_at_once | seed) value=$((10#$value)) ;; esac
    case $key_name in key | known_hosts | ssh_config) value=${value/#\~/${HOME:-}} ;; esac
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
