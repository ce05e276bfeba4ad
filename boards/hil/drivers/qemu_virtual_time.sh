# SPDX-License-Identifier: Apache-2.0
# The emulated board in virtual time: it boots for each run, and its clock counts the instructions that its
# CPUs execute. What it does depends on program, image, emulator and seed ($TAKT_HIL_SEED, else the
# descriptor's), and on nothing else: neither on how busy this machine is, nor on what time it is. No network,
# hence no shell: the program comes in an archive behind the image, with agent.sh as over ssh. Its
# output comes through one serial port, what it leaves (a tar archive) through another, and the console says
# with which code it ended.
# shellcheck shell=bash disable=SC2034,SC2154  # variables of run.sh, hil.sh and descriptor.sh

readonly virtual_time_emulator=qemu-system-aarch64

driver_power_on() {
  local tool status=0
  for tool in "$virtual_time_emulator" cpio setpriv; do
    command -v "$tool" >/dev/null && continue
    power_failure="unavailable $tool is not installed: run boards/takt setup hil"
    return 1
  done
  image=$("$hil/image/image.sh") || status=$?
  if ((status != 0)); then
    power_failure="absent its image cannot be built: image.sh ended with $status"
    ((status != 3)) || power_failure="unavailable $image"
    image=''
    return 1
  fi
  seed=${TAKT_HIL_SEED:-$seed}
  if [[ ! $seed =~ ^[0-9]{1,9}$ ]]; then
    echo "takt hil: TAKT_HIL_SEED: '$seed' is not a number of at most nine digits" >&2
    exit 2
  fi
  seed=$((10#$seed))
}

driver_prepare() { driver_power_on; }  # which may build the image

driver_facts() {
  [[ -n ${image:-} ]] || return 0
  echo "seed $seed"
  echo "emulator $("$virtual_time_emulator" --version | head -n 1)"
  echo "emulator_sha256 $(sha256sum <"$(readlink -f -- "$(command -v "$virtual_time_emulator")")" | cut -d ' ' -f 1)"
  sed -n 's/^kernel /kernel_sha256 /p; s/^initrd /image_sha256 /p' "$image/manifest"
}

# archive_of_program [ARGUMENT]...: what the guest runs, as an archive on standard output: the same bytes
# for the same program and arguments.
archive_of_program() {
  local root=$scratch/guest folder=/tmp/run
  local -a environment
  program_environment "$folder"
  mkdir -p "$root/etc" "$root/takt/program"
  cp "$binary" "$root/takt/program/$name"
  chmod 755 "$root/takt/program/$name"
  cp "$hil/agent.sh" "$root/takt/agent.sh"
  printf '%s\n' '::sysinit:/etc/start' '::once:/takt/run' >"$root/etc/inittab"
  # Setting up a port waits until all has gone out through it.
  cat >"$root/takt/run" <<GUEST
#!/bin/sh
stty -F /dev/ttyS0 raw
stty -F /dev/ttyS1 raw
mkdir -p $folder/program/tmp $folder/artefacts
cp /takt/agent.sh $folder
cp /takt/program/* $folder/program
uname -r >$folder/kernel
sh $folder/agent.sh run $folder $run_limit $grace $artefacts_kib $(quote "${environment[@]}" "$folder/program/$name" "$@") >/dev/ttyS0 2>&1
stty -F /dev/ttyS0 raw
tar cf /dev/ttyS1 -C $folder result artefacts kernel
stty -F /dev/ttyS1 raw
echo "takt: exit \$(sed -n 's/^code //p' $folder/result)" >/dev/console
poweroff -f
GUEST
  chmod 755 "$root/takt/run"
  find "$root" -exec touch --no-dereference --date=@0 {} +
  (cd "$root" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
    cpio --null --create --format=newc --owner=0:0 --reproducible --quiet) | gzip -n -1
}

# driver_run [ARGUMENT]...: one boot, from power on to the verdict.
driver_run() {
  local status=0 limit=$((boot_limit + run_limit)) begin=$SECONDS printer
  machine=aarch64
  if [[ $elf_machine != script ]] && ! runs_on "$elf_machine" "$machine"; then
    verdict wrong_architecture "the program is for $elf_machine, the board is $machine"
    return 0
  fi
  archive_of_program "$@" | cat "$image/initrd" - >"$scratch/initrd"
  : >"$scratch/output"
  : >"$scratch/console"
  # One CPU's instructions after another's (thread=single), 2 ns each (shift=1); while all CPUs sleep the
  # clock jumps (sleep=off). Ports write to files: a pipe that is full would hold up the guest.
  # It ends with us, whatever ends us.
  setpriv --pdeathsig TERM timeout --kill-after=5 "$limit" setpriv --pdeathsig KILL "$virtual_time_emulator" \
    -M virt -cpu cortex-a72 -smp 4 -m 512 -display none -nodefaults -monitor none -no-reboot \
    -accel tcg,thread=single -icount shift=1,sleep=off -seed "$seed" -rtc base=2026-01-01,clock=vm \
    -kernel "$image/kernel" -initrd "$scratch/initrd" \
    -append 'console=ttyAMA0 panic=-1 quiet isolcpus=2-3 nohz_full=2-3' \
    -serial "file:$scratch/console" \
    -chardev "file,id=output,path=$scratch/output" -device pci-serial,chardev=output \
    -chardev "file,id=artefacts,path=$scratch/artefacts" -device pci-serial,chardev=artefacts \
    </dev/null >"$scratch/errors" 2>&1 &
  session_pid=$!
  tail --pid="$session_pid" --sleep-interval=0.2 --lines=+1 --follow "$scratch/output" &
  printer=$!
  wait "$session_pid" || status=$?
  session_pid=''
  wait "$printer" || true
  # Ended by others, because of too little memory here, say.
  if ((status == 137 && SECONDS - begin < limit)); then status=1; fi
  judge_boot "$status" "$limit"
}

# judge_boot STATUS LIMIT: what became of it, from the console and what the ports wrote.
judge_boot() {
  local code last
  code=$(sed -n 's/^takt: exit \([0-9]*\)\r*$/\1/p' "$scratch/console" | tail -n 1)
  last=$(cat "$scratch/errors" "$scratch/console" | tr -d '\r' | grep . | tail -n 1) || true
  mkdir "$scratch/back"
  if [[ -n $code ]] && tar xf "$scratch/artefacts" -C "$scratch/back" 2>/dev/null &&
    grep -qx "code $code" "$scratch/back/result"; then
    release=$(<"$scratch/back/kernel")
    judge
  elif ! grep -q '^takt: ready' "$scratch/console"; then
    verdict absent "it did not boot: $last"
  elif (($1 == 124 || $1 == 137)); then
    verdict hang "no end within $2 s of this machine's time" 124
  else
    verdict connection_lost "the board ended without a result: $last"
  fi
}
