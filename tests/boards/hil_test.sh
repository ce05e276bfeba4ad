#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# boards/hil: every verdict is provoked once, on this machine (driver local) and on a board that is
# played by a real sshd on loopback. Where namespaces can be had, that board has processes, a boot
# id and file systems of its own: then it can lose its power and be full.
# shellcheck disable=SC2016  # programs and commands for elsewhere are expanded there
source tests/install/case.sh

readonly sshd=/usr/sbin/sshd
listener='' board_has_namespace=no
export TAKT_SETUP=no TAKT_HIL_OUTPUT=$work/output
unset TEST_UNDECLARED_OUTPUTS_DIR

# All that runs on the board ends at once, as without power.
power_off() {
  [[ -n $listener ]] || return 0
  kill -CONT "$listener" 2>/dev/null || true
  kill -KILL "$listener" "${namespace:-$listener}" 2>/dev/null || true
  wait "${namespace:-$listener}" 2>/dev/null || true
  listener=''
}

end_all() {
  finish
  power_off
  # shellcheck disable=SC2046  # a list
  kill -KILL $(jobs -p) 2>/dev/null || true
  rm -rf "$work"
}
trap end_all EXIT

# --- programs to run ------------------------------------------------------------------------------
# What a program leaves running is known by the number in this command line.
token=600.0$$
readonly token

# program NAME: from standard input.
program() {
  { echo '#!/bin/sh'; cat; } >"$work/$1"
  chmod +x "$work/$1"
}

program greets <<'PROGRAM'
echo "hello $*"
echo "trouble" >&2
echo kept >"$TEST_UNDECLARED_OUTPUTS_DIR/trace"
PROGRAM
program exits <<<'exit "$1"'
program dies <<<'kill -"$1" $$'
program runs_on <<PROGRAM
trap '' TERM
sleep $token &
setsid env -i sleep $token &
: >"\$1"
while :; do sleep $token; done
PROGRAM
program leaves_a_daemon <<<"setsid env -i sleep $token & exit 0"
program waits_for_a_file <<<': >"$1"; while [ ! -e "$2" ]; do sleep 0.1; done'
program writes_xml <<'PROGRAM'
echo '<testsuites><testsuite name="s"><testcase classname="s" name="good"/>' \
  '<testcase classname="s" name="bad"><failure message="2 is not 3"/></testcase>' \
  '<testcase classname="s" name="none"><skipped message="no right"/></testcase></testsuite></testsuites>' >"$XML_OUTPUT_FILE"
exit 1
PROGRAM
program fills_the_disk <<<'cat /dev/zero >"$TEST_TMPDIR/zeros"; exit 1'
program leaves_much <<<'head -c 300000 /dev/zero >"$TEST_UNDECLARED_OUTPUTS_DIR/zeros"'
program kills_itself <<<'kill -SEGV $$'
program hangs <<<"sleep $token"
program hangs_on <<<"trap '' TERM; while :; do sleep $token; done"
program ends_the_session <<'PROGRAM'
case $XML_OUTPUT_FILE in
  */1001/*) kill -KILL "$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$PPID/status")" ;;
esac
PROGRAM
cp "$(type -P true)" "$work/foreign"
printf '\xf3\x00' | dd of="$work/foreign" bs=1 seek=18 conv=notrunc status=none  # riscv64

# --- what each case does --------------------------------------------------------------------------
# descriptor NAME [KEY VALUE]...: a board of that name, on what a case before has left as the default.
descriptor() {
  local name=$1
  shift
  {
    printf '%s\n' "${defaults[@]}"
    while (($# > 0)); do echo "$1 $2"; shift 2; done
  } >"$work/$name.board"
}

# run EXIT_CODE VERDICT BOARD PROGRAM [ARGUMENT]...: within two minutes, even on a slow machine.
run() {
  local expected=$1 verdict=$2 board=$3 status=0
  shift 3
  rm -rf "$work/results"
  timeout 120 boards/hil/run.sh --output="$work/results" "$work/$board.board" "$work/$1" "${@:2}" \
    >"$work/stdout" 2>"$work/stderr" || status=$?
  cat "$work/stdout" "$work/stderr"
  ((status == expected))
  grep -q "^hil: $board: $verdict" "$work/stderr"
  grep -qx "verdict ${verdict%%:*}" "$work/results/verdict"
}

# await COMMAND...: until it succeeds, a minute at most.
await() {
  local tries
  for ((tries = 0; tries < 600; ++tries)); do
    ! "$@" || return 0
    sleep 0.1
  done
  echo "in vain: $*"
  return 1
}

# processes WHAT FILE: those with WHAT in their /proc/PID/FILE. grep's exit status says nothing: it fails
# for a process that has just ended.
processes() { grep -lsaF "$1" /proc/[0-9]*/"$2" || true; }

# Neither a process of a program, nor the agent's helpers, nor a folder, nor the lock.
nothing_is_left() {
  local folder=${1:-$work/board}
  [[ -z $(processes "$token" cmdline) ]] || return 1
  [[ -z $(processes "TAKT_HIL_RUN=$folder" environ) ]] || return 1
  if compgen -G "$folder/run.*"; then return 1; fi
  [[ ! -e $work/lock ]] || flock --nonblock "$work/lock" true
}

refuses_descriptor() {
  local status=0
  boards/hil/run.sh "$1" "$work/greets" 2>"$work/stderr" || status=$?
  cat "$work/stderr"
  ((status == 2))
}

# --- this machine as a board ----------------------------------------------------------------------
defaults=('driver local' "work $work/board" "lock $work/lock")
descriptor here

begin output_arguments_and_artefacts_come_back
run 0 passed here greets 'a  b' "it's"
[[ $(<"$work/stdout") == "hello a  b it's" ]]
grep -qx trouble "$work/stderr"
[[ $(<"$work/results/trace") == kept ]]
grep -q '<testcase classname="hil" name="greets"></testcase>' "$work/results/test.xml"
grep -qx "sha256 $(sha256sum <"$work/greets" | cut -d ' ' -f 1)" "$work/results/verdict"
nothing_is_left

begin exit_code_comes_back
run 3 'failed: exit code 3' here exits 3
run 255 'failed: exit code 255$' here exits 255

begin daemon_of_a_test_is_killed_and_mentioned
run 0 'passed: left 1 processes running, which were killed' here leaves_a_daemon
nothing_is_left

begin results_of_an_earlier_run_are_gone
for program in writes_xml exits; do
  status=0
  boards/hil/run.sh --output="$work/again" "$work/here.board" "$work/$program" 1 || status=$?
  ((status == 1))
done
grep -q 'message="failed: exit code 1"' "$work/again/test.xml"
if grep 's.bad' "$work/again/test.xml"; then false; fi

begin folder_that_cannot_be_written_to_is_refused
status=0
boards/hil/run.sh --output=/dev/null/results "$work/here.board" "$work/greets" >"$work/stdout" 2>"$work/stderr" || status=$?
cat "$work/stdout" "$work/stderr"
((status == 2))
[[ ! -s $work/stdout ]]

begin numbers_may_begin_with_a_zero
descriptor zeros lease 08 grace 09 boards_at_once 01 run_limit 010
run 0 passed zeros greets

begin board_descriptor_with_a_mistake_is_refused
printf 'driver local\nuserr pi\n' >"$work/wrong.board"
refuses_descriptor "$work/wrong.board"
grep -qF "wrong.board:2: no key 'userr', there are: driver host port user " "$work/stderr"
# mistake MESSAGE LINE...: refused with it.
mistake() {
  printf '%s\n' "${@:2}" >"$work/wrong.board"
  refuses_descriptor "$work/wrong.board"
  grep -qF "wrong.board$1" "$work/stderr" || { cat "$work/stderr"; return 1; }
}
mistake ":1: driver: 'telnet' is not one of local|qemu_virt_arm64|qemu_virtual_time|ssh" 'driver telnet'
mistake ":2: port: '70000' is not a port from 1 to 65535" 'host pi' 'port 70000'
mistake ":2: kernel: 'five' is not a version like 5.10" 'host pi' 'kernel five'
mistake ":2: run_limit: '0' is not a whole number above 0" 'host pi' 'run_limit 0'
mistake ":2: lease: 'long' is not a whole number" 'host pi' 'lease long'
mistake ":2: arch: 'arm64' is not what uname -m says there: aarch64" 'host pi' 'arch arm64'
mistake ': no host' 'port 22'
mistake ': boards_at_once is for emulated boards' 'driver local' 'boards_at_once 2'
mkdir "$work/folder"
refuses_descriptor "$work/folder"
grep -qF "no board '$work/folder'" "$work/stderr"
refuses_descriptor nowhere
grep -qF "no board 'nowhere', there are: $(cd boards/hil && echo *.board | sed 's/\.board//g'), FILE, USER@HOST" "$work/stderr"
refuses_descriptor 'pi@-oProxyCommand=id'

begin board_descriptor_of_the_guide_is_read
sed -n '/^   driver ssh /,/^   ```/s/^   \([^`]\)/\1/p' boards/hil/README.md >"$work/guide.board"
HOME=/home/me bash -euxo pipefail -c '
  hil=boards/hil
  source boards/hil/descriptor.sh
  read_board "$1"
  for name in $hil_keys; do grep -q "^$name " "$1"; done
  [[ $host == 192.168.1.7 && $known_hosts == /home/me/.ssh/bench_hosts && $lease == 15 && $board_name == guide ]]
  read_board pi@bench:2222
  [[ $driver == ssh && $user == pi && $host == bench && $port == 2222 && -z $key ]]' guide "$work/guide.board" 2>"$work/stderr" ||
  { cat "$work/stderr"; false; }

begin verb_counts_cases_and_keeps_them
status=0
boards/takt hil "$work/here.board" "$work/greets" "$work/writes_xml" "$work/dies" >"$work/stdout" || status=$?
cat "$work/stdout"
((status == 1))
[[ $(tail -n 1 "$work/stdout") == '2 passed, 2 failed, 1 skipped' ]]
grep -q '^FAILED: .*writes_xml s.bad: 2 is not 3$' "$work/stdout"
grep -q '<testcase classname="s" name="good"/>' "$TAKT_HIL_OUTPUT"/*writes_xml/test.xml
grep -qx 'hello ' "$TAKT_HIL_OUTPUT"/*greets/log

begin verb_runs_many_in_one_session
descriptor batches batch_kib 1000 run_limit 2 grace 1
status=0
boards/takt hil "$work/batches.board" "$work/greets" "$work/writes_xml" "$work/kills_itself" "$work/hangs" \
  "$work/hangs_on" >"$work/stdout" || status=$?
cat "$work/stdout"
((status == 1))
grep -qx 'takt hil: 5 tests in one session' "$work/stdout"
grep -q '^FAILED: .*hangs_on .*: hang: no end within 2 s$' "$work/stdout"
grep -q '^FAILED: .*kills_itself .*: crash: signal SIGSEGV$' "$work/stdout"
grep -q '^FAILED: .*hangs .*: hang: no end within 2 s$' "$work/stdout"
[[ $(tail -n 1 "$work/stdout") == '2 passed, 4 failed, 1 skipped' ]]
[[ $(<"$(echo "$TAKT_HIL_OUTPUT"/*greets/trace)") == kept ]]
grep -qx "sha256 $(sha256sum <"$work/greets" | cut -d ' ' -f 1)" "$TAKT_HIL_OUTPUT"/*greets/verdict
nothing_is_left

begin session_that_does_not_end_is_done_again_one_by_one
descriptor batches batch_kib 1000
boards/takt hil "$work/batches.board" "$work/greets" "$work/ends_the_session" "$work/greets" >"$work/stdout"
cat "$work/stdout"
grep -qx 'takt hil: 3 tests in one session' "$work/stdout"
(($(grep -c ' passed$' "$work/stdout") == 3))
[[ $(tail -n 1 "$work/stdout") == '3 passed, 0 failed, 0 skipped' ]]

begin session_with_too_many_artefacts_is_done_again_one_by_one
descriptor batches batch_kib 1000 artefacts_kib 100
boards/takt hil "$work/batches.board" "$work/greets" "$work/leaves_much" "$work/greets" >"$work/stdout"
cat "$work/stdout"
(($(grep -c ' passed$\| passed: artefacts of .* were dropped' "$work/stdout") >= 3))
[[ $(tail -n 1 "$work/stdout") == '3 passed, 0 failed, 0 skipped' ]]

begin results_are_of_one_verb_at_a_time
rm -f "$work/begun" "$work/go_on"
printf '#!/bin/sh\n: >%q; while [ ! -e %q ]; do sleep 0.1; done\n' "$work/begun" "$work/go_on" >"$work/waits"
chmod +x "$work/waits"
boards/takt hil "$work/here.board" "$work/waits" >"$work/background" &
background=$!
await test -e "$work/begun"
status=0
boards/takt hil "$work/here.board" "$work/greets" 2>"$work/stderr" || status=$?
cat "$work/stderr"
: >"$work/go_on"
((status == 2))
grep -q "^takt hil: another 'takt hil' writes to $TAKT_HIL_OUTPUT" "$work/stderr"
wait "$background"
[[ $(tail -n 1 "$work/background") == '1 passed, 0 failed, 0 skipped' ]]

begin folder_of_somebody_else_is_not_touched
mkdir "$work/theirs"
: >"$work/theirs/file"
status=0
TAKT_HIL_OUTPUT=$work/theirs boards/takt hil "$work/here.board" "$work/greets" 2>"$work/stderr" || status=$?
cat "$work/stderr"
((status == 2))
[[ -e $work/theirs/file ]]

begin image_that_cannot_be_built_is_no_skip
if require qemu-system-aarch64 ssh-keygen cpio setpriv; then
  mkdir "$work/copy"
  cp -rL boards "$work/copy"
  printf '#!/bin/sh\nexit 1\n' >"$work/copy/boards/hil/image/image.sh"
  for board in qemu_virt_arm64 qemu_virtual_time; do
    status=0
    "$work/copy/boards/hil/run.sh" "$board" "$work/greets" 2>"$work/stderr" || status=$?
    cat "$work/stderr"
    ((status == 125))
    grep -q "^hil: $board: absent: its image cannot be built: image.sh ended with 1" "$work/stderr"
  done
fi

begin emulated_board_that_cannot_be_had_is_one_loud_skip
: >"$work/no_folder"
TAKT_IMAGE_CACHE=$work/no_folder boards/takt hil qemu_virt_arm64 "$work/greets" | tee "$work/stdout"
grep -q '^SKIPPED: no emulated board: .' "$work/stdout"
[[ $(tail -n 1 "$work/stdout") == '0 passed, 0 failed, 1 skipped' ]]
status=0
TAKT_IMAGE_CACHE=$work/no_folder boards/hil/run.sh qemu_virt_arm64 "$work/greets" 2>"$work/stderr" || status=$?
cat "$work/stderr"
((status == 125))
grep -q '^hil: qemu_virt_arm64: unavailable: .' "$work/stderr"
TAKT_IMAGE_CACHE=$work/no_folder boards/takt hil qemu_virtual_time "$work/greets" | tee "$work/stdout"
grep -q '^SKIPPED: no emulated board: .' "$work/stdout"
[[ $(tail -n 1 "$work/stdout") == '0 passed, 0 failed, 1 skipped' ]]

begin image_without_packages_is_refused_with_a_reason
mkdir "$work/offline"
printf '#!/bin/sh\nexit 100\n' | tee "$work/offline/apt-get" >"$work/offline/apt-cache"
chmod +x "$work/offline/apt-get" "$work/offline/apt-cache"
status=0
PATH=$work/offline:$PATH TAKT_IMAGE_CACHE=$work/images boards/hil/image/image.sh >"$work/stdout" || status=$?
cat "$work/stdout"
((status == 3))
grep -q '^its packages cannot be had: ' "$work/stdout"
if compgen -G "$work/images/*/kernel"; then false; fi

begin image_is_taken_while_it_is_what_these_scripts_have_built
image=$work/images/0123456789abcdef
# asks EXIT_CODE: for the image, with packages that cannot be had.
asks() {
  local status=0
  PATH=$work/offline:$PATH TAKT_IMAGE_CACHE=$work/images "${2:-boards}/hil/image/image.sh" >"$work/stdout" || status=$?
  ((status == $1))
}
mkdir "$image"
echo k >"$image/kernel"
echo i >"$image/initrd"
scripts=$(cd boards/hil/image && find -L . -type f ! -name '*.md' ! -name BUILD -print0 | sort -z |
  xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
for part in kernel initrd; do echo "$part $(sha256sum <"$image/$part" | cut -d ' ' -f 1)"; done >"$image/manifest"
echo "scripts $scripts" >>"$image/manifest"
echo "${image##*/}" >"$work/images/current"
asks 0
[[ $(<"$work/stdout") == "$image" ]]
touch --date='2 days ago' "$work/images/current"  # packages are asked for, in vain
asks 0
[[ $(<"$work/stdout") == "$image" ]]
echo damaged >>"$image/initrd"
asks 3
echo i >"$image/initrd"
asks 0
mkdir "$work/other"
cp -rL boards "$work/other"
echo '# changed' >>"$work/other/boards/hil/image/files/etc/start"
asks 3 "$work/other/boards"

begin bazel_gets_its_results
rm -rf "$work/results"
mkdir "$work/results"
export TAKT_HIL=1
status=0
BOARD=$work/here.board XML_OUTPUT_FILE=$work/results/of_bazel.xml TEST_TIMEOUT=60 \
  TEST_UNDECLARED_OUTPUTS_DIR=$work/results bash boards/emulate.sh "$(type -P false)" || status=$?
((status == 1))
grep -q 'exit code 1' "$work/results/of_bazel.xml"
grep -qx 'verdict failed' "$work/results/verdict"
BOARD=$work/here.board XML_OUTPUT_FILE=$work/results/of_bazel.xml boards/emulate.sh "$work/greets"
grep -q '<skipped message="a script' "$work/results/of_bazel.xml"
status=0
BOARD='' boards/emulate.sh "$(type -P true)" 2>"$work/stderr" || status=$?
((status == 2))
unset TAKT_HIL

# --- a board behind sshd --------------------------------------------------------------------------
children() { { grep -ls "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status || true; } | sed 's|/proc/\([0-9]*\)/.*|\1|'; }

# Starts the board on $port, in its namespaces if they can be had.
power_on() {
  local tries
  rm -f "$work/sshd.log"
  if [[ $board_has_namespace == yes ]]; then
    echo "boot-$RANDOM-$RANDOM" >"$work/boot_id"
    unshare --mount --pid --fork --kill-child --mount-proc sh -c '
      [ ! -e "$3/.bashrc" ] || mount --bind /dev/null "$3/.bashrc"  # may take its time
      mount -t tmpfs none /run && mkdir /run/sshd && mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id &&
        mount -t tmpfs -o size=128k none "$1/full" && mount -t tmpfs -o nr_inodes=7 none "$1/crowded" &&
        mount -t tmpfs -o nr_inodes=3 none "$1/crammed" && exec "$2" -D -e -f "$1/sshd_config"' \
      board "$work" "$sshd" "$(getent passwd "$(id -u)" | cut -d : -f 6)" 2>"$work/sshd.log" &
    namespace=$!
  else
    "$sshd" -D -e -f "$work/sshd_config" 2>"$work/sshd.log" &
    namespace=''
    listener=$!
  fi
  for ((tries = 0; tries < 300; ++tries)); do
    if grep -qs 'Server listening' "$work/sshd.log"; then
      listener=${namespace:+$(children "$namespace")}
      listener=${listener:-$!}
      return 0
    fi
    kill -0 $! 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

# On some free port, below those that the kernel gives away.
install_board() {
  local tries use_pam=no
  mkdir "$work/full" "$work/crowded" "$work/crammed"
  for key in host_key user_key busybox_key other_key; do
    ssh-keygen -q -t ed25519 -N '' -f "$work/$key" -C "$key"
  done
  {
    cat "$work/user_key.pub"
    echo "environment=\"PATH=$work/busybox\" $(<"$work/busybox_key.pub")"
  } >"$work/authorized_keys"
  if unshare --mount --pid --fork --mount-proc true 2>/dev/null; then
    board_has_namespace=yes
  elif (($(id -u) == 0)); then
    mkdir -p /run/sshd
  fi
  # A locked account (root's often is) needs PAM to be let in by key.
  ! grep -qs "^$(id -un):!" /etc/shadow || use_pam=yes
  for ((tries = 0; tries < 20; ++tries)); do
    port=$((20000 + RANDOM % 12000))
    cat >"$work/sshd_config" <<CONFIG
Port $port
ListenAddress 127.0.0.1
HostKey $work/host_key
AuthorizedKeysFile $work/authorized_keys
PidFile none
StrictModes no
PermitUserEnvironment PATH
UsePAM $use_pam
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
CONFIG
    ! power_on || break
  done
  [[ -n $listener ]]
  echo "[127.0.0.1]:$port $(<"$work/host_key.pub")" >"$work/known_hosts"
  echo "[127.0.0.1]:$port $(<"$work/other_key.pub")" >"$work/other_hosts"
  defaults=(
    'driver ssh' 'host 127.0.0.1' "port $port" "user $(id -un)" "key $work/user_key"
    "known_hosts $work/known_hosts" 'ssh_config /dev/null' "work $work/board" "lock $work/lock"
  )
  descriptor bench
}

# start BOARD PROGRAM...: in the background, until the program runs; end_of_run awaits its end.
start() {
  local board=$1
  shift
  rm -f "$work/started"
  timeout 200 boards/hil/run.sh "$work/$board.board" "$work/$1" "$work/started" "${@:2}" 2>"$work/background" &
  background=$!
  await test -e "$work/started"
}
end_of_run() {
  local status=0
  wait "$background" || status=$?
  cat "$work/background"
  ((status == $1))
  grep -q "^hil: [a-z]*: $2" "$work/background"
}

begin ssh_output_arguments_and_artefacts_come_back
if [[ ! -x $sshd ]]; then
  skip "$sshd is not installed: run boards/takt setup"
  exit 0
fi
require ssh flock || exit 0
install_board
run 0 passed bench greets 'a  b' "it's"
[[ $(<"$work/stdout") == "hello a  b it's" ]]
grep -qx trouble "$work/stderr"
[[ $(<"$work/results/trace") == kept ]]
nothing_is_left

begin ssh_exit_code_comes_back
run 255 'failed: exit code 255$' bench exits 255

begin absent
descriptor nobody port 1
run 125 'absent: .*refused' nobody greets

begin absent_although_something_answers
kill -STOP "$listener"
descriptor silent connect_limit 1
run 125 absent silent greets
kill -CONT "$listener"

begin absent_board_cannot_be_asked_what_it_is
status=0
boards/takt hil "$(id -un)@127.0.0.1:1" //tests/platform:status_test >"$work/stdout" || status=$?
cat "$work/stdout"
((status == 1))
[[ $(tail -n 1 "$work/stdout") == '0 passed, 1 failed, 0 skipped' ]]

begin key_refused
descriptor stranger key "$work/other_key"
run 125 'key_refused: .*Permission denied' stranger greets

begin unknown_host_key
descriptor unknown known_hosts /dev/null
run 125 'unknown_host_key: no host key of 127.0.0.1' unknown greets
descriptor changed known_hosts "$work/other_hosts"
run 125 'unknown_host_key: .*not the one' changed greets

begin wrong_architecture
run 125 "wrong_architecture: the program is for riscv64, the board is $(uname -m)" bench foreign
descriptor other arch riscv64
run 125 'wrong_architecture: .* arch says riscv64' other greets
nothing_is_left

begin no_work_folder
descriptor nowhere work /proc/takt
run 125 'no_work_folder: .*/proc/takt' nowhere greets
descriptor unlocked lock /proc/takt.lock
run 125 'no_work_folder: the lock /proc/takt.lock cannot be opened' unlocked greets

begin old_kernel
descriptor old kernel 100.1
run 125 "old_kernel: $(uname -r) runs there, 100.1 is the oldest" old greets
descriptor new kernel 2.6
run 0 passed new greets

begin disk_full
descriptor small reserve_kib 999999999999
run 125 'disk_full: [0-9]* KiB free' small greets
nothing_is_left
if [[ $board_has_namespace == yes ]]; then
  head -c 300000 /dev/zero >"$work/large"
  descriptor full work "$work/full" reserve_kib 0
  run 125 'disk_full: [0-9]* KiB free' full large
  run 125 'disk_full: no space left in .* when the program ended' full fills_the_disk
  # Room for the agent's files and no other; not even for those.
  descriptor crowded work "$work/crowded"
  run 125 'disk_full: .*/program/greets: No space left' crowded greets
  descriptor crammed work "$work/crammed"
  run 125 'disk_full: .*No space left' crammed greets
  for folder in full crowded crammed; do nothing_is_left "$work/$folder"; done
else
  skip "no namespaces here: the board's disk cannot be filled"
fi

begin more_artefacts_than_wanted
run 0 'passed$' bench leaves_much
[[ $(stat -c %s "$work/results/zeros") == 300000 ]]
descriptor thrifty artefacts_kib 100
run 0 'passed: artefacts of [0-9]* KiB were dropped, artefacts_kib is 100$' thrifty leaves_much
[[ ! -e $work/results/zeros ]]
nothing_is_left

begin hang
descriptor short run_limit 1 grace 1
run 124 'hang: no end within 1 s$' short runs_on "$work/started"
nothing_is_left

begin crash
run 139 'crash: signal SIGSEGV' bench dies SEGV
run 134 'crash: signal SIGABRT' bench dies ABRT
nothing_is_left

begin daemon_behind_ssh_is_killed_and_mentioned
run 0 'passed: left 1 processes running' bench leaves_a_daemon
nothing_is_left

begin board_with_nothing_but_busybox
if require busybox; then
  mkdir "$work/busybox"
  for applet in $(busybox --list); do ln -s "$(type -P busybox)" "$work/busybox/$applet"; done
  descriptor small_board key "$work/busybox_key" lock none
  run 0 'passed: left 1 processes running' small_board leaves_a_daemon
  run 139 'crash: signal SIGSEGV' small_board dies SEGV
  descriptor small_board key "$work/busybox_key" lock none run_limit 1 grace 1
  run 124 'hang: no end within 1 s$' small_board runs_on "$work/started"
  nothing_is_left
fi

begin reboot_in_the_middle
if [[ $board_has_namespace == yes ]]; then
  start bench runs_on
  power_off
  power_on
  end_of_run 125 'rebooted: in the middle; nothing is left there'
  nothing_is_left
else
  skip "no namespaces here: the board cannot boot"
fi

begin power_gone_in_the_middle
descriptor lost return_limit 1
start lost runs_on
if [[ $board_has_namespace == yes ]]; then
  power_off
  end_of_run 125 'connection_lost: in the middle; the board did not come back within 1 s'
  power_on
else
  kill "$background"
  skip "no namespaces here: the board cannot go"
fi

begin connection_cut_in_the_middle
start bench runs_on
# shellcheck disable=SC2046  # a list
kill -KILL $(children "$listener")
end_of_run 125 'connection_lost: in the middle, the board is up; nothing is left there'
nothing_is_left

begin connection_silent_in_the_middle
descriptor silent lease 4
start silent runs_on
mapfile -t sessions < <(children "$listener")
kill -STOP "${sessions[@]}"
end_of_run 125 'connection_lost: in the middle, the board is up; nothing is left there'
nothing_is_left
kill -KILL "${sessions[@]}"

begin user_leaves_in_the_middle
start bench runs_on
kill -TERM "$(children "$background")"
wait "$background" || true
await nothing_is_left

begin users_machine_dies_in_the_middle
start bench runs_on
kill -KILL "$(children "$background")"
wait "$background" || true
await nothing_is_left

begin two_users_at_once
descriptor impatient lock_limit 1
start bench waits_for_a_file "$work/go"
run 125 "busy: held by $(id -un)@$(uname -n), process [0-9]*, since" impatient greets
: >"$work/go"
end_of_run 0 passed
nothing_is_left

begin second_user_waits_for_the_first
rm -f "$work/go"
start bench waits_for_a_file "$work/go"
{ sleep 1; : >"$work/go"; } &
run 0 passed bench greets
end_of_run 0 passed

begin verb_runs_on_a_board_behind_ssh
boards/takt hil "$work/bench.board" "$work/greets" | tee "$work/stdout"
[[ $(tail -n 1 "$work/stdout") == '1 passed, 0 failed, 0 skipped' ]]

begin absent_board_ends_the_verb
descriptor nobody port 1
status=0
boards/takt hil "$work/nobody.board" "$work/greets" "$work/greets" >"$work/stdout" || status=$?
cat "$work/stdout"
((status == 1))
grep -qx 'NOT RUN: 1 of 2 tests: absent' "$work/stdout"
[[ $(tail -n 1 "$work/stdout") == '0 passed, 1 failed, 0 skipped' ]]
