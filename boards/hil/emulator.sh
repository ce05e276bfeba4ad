#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# emulator.sh FOLDER BOOT_LIMIT [QEMU_ARGUMENT]...
# emulator.sh prepare      (only sees to it that there is all that it takes)
#
# The emulated board qemu_virt_arm64, from power on to power off: an arm64 machine with a PREEMPT_RT
# kernel and four CPUs, of which Linux schedules nothing of its own accord on 2 and 3. It has an ssh
# server on a port of this machine, and no way to the world. Prints one line:
#   "ready PORT", "absent REASON" (it did not boot within BOOT_LIMIT s, or its image cannot be built) or, with
#   exit status 3,
#   "unavailable REASON" (the emulator or the image cannot be had here)
# and stays until it is told to end (SIGTERM) or the board powers itself off. Whatever ends this script, the
# emulator ends with it. FOLDER (empty before) then has
#   console      what the board writes there
#   key, known_hosts   for ssh: -i FOLDER/key -o UserKnownHostsFile=FOLDER/known_hosts root@127.0.0.1
#   port         of the ssh server, on 127.0.0.1; a script that has booted the board itself has
#                run.sh use it by TAKT_HIL_EMULATED=FOLDER
#   facts        what the board is made of, "NAME VALUE" lines, with the SHA-256 of each part
#   monitor      a pipe for QEMU's monitor protocol (QMP), one command a line
#   events       its answers, and what happens to the machine: RESET, WATCHDOG, SHUTDOWN...
# QEMU_ARGUMENT: more hardware. `FOLDER/` in it is FOLDER.
# $TAKT_HIL_PRELOAD: a cpio archive that the board finds unpacked in its file system.
set -euo pipefail

hil=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
readonly hil emulator=qemu-system-aarch64

unavailable() {
  echo "unavailable $1"
  exit 3
}

for tool in "$emulator" ssh-keygen cpio setpriv; do
  command -v "$tool" >/dev/null || unavailable "$tool is not installed: run boards/takt setup hil"
done
status=0
image=$("$hil/image/image.sh") || status=$?
((status != 3)) || unavailable "$image"
if ((status != 0)); then
  echo "absent its image cannot be built: image.sh ended with $status"
  exit 1
fi
[[ $1 != prepare ]] || exit 0
folder=$1 boot_limit=$2
shift 2

# --- keys, made for this boot ---------------------------------------------------------------------
# dropbear's format of an ed25519 key, from OpenSSH's: both are a seed of 32 bytes and the public key. In
# a file that OpenSSH writes without a passphrase they lie at a fixed place.
to_dropbear() {
  printf '\0\0\0\013ssh-ed25519\0\0\0\100'
  sed '/^----/d' "$1" | base64 -d | tail -c +162 | head -c 64
}

umask 077
keys=$folder/keys
mkdir -p "$keys/etc/dropbear" "$keys/root/.ssh"
chmod 755 "$keys/etc" "$keys/etc/dropbear"
for key in host_key key; do ssh-keygen -q -t ed25519 -N '' -C takt -f "$folder/$key"; done
to_dropbear "$folder/host_key" >"$keys/etc/dropbear/dropbear_ed25519_host_key"
cp "$folder/key.pub" "$keys/root/.ssh/authorized_keys"
(cd "$keys" && find . -mindepth 1 | cpio --create --format=newc --owner=0:0 --quiet) | gzip -n -1 >"$folder/keys.gz"
# What is not compressed comes first: the kernel wants it aligned.
cat ${TAKT_HIL_PRELOAD:+"$TAKT_HIL_PRELOAD"} "$image/initrd" "$folder/keys.gz" >"$folder/initrd"

# --- facts ----------------------------------------------------------------------------------------
{
  echo "emulator $("$emulator" --version | head -n 1)"
  echo "emulator_sha256 $(sha256sum <"$(readlink -f -- "$(command -v "$emulator")")" | cut -d ' ' -f 1)"
  sed -n 's/^kernel /kernel_sha256 /p; s/^initrd /image_sha256 /p' "$image/manifest"
} >"$folder/facts"

# --- power ----------------------------------------------------------------------------------------
mkfifo "$folder/monitor"
exec {monitor}<>"$folder/monitor"
: >"$folder/console"
# With its kernel and file system in memory, it needs nothing of the image once it has started.
setpriv --pdeathsig KILL "$emulator" \
  -M virt -cpu cortex-a72 -smp 4 -m 1024 -display none -nodefaults \
  -kernel "$image/kernel" -initrd "$folder/initrd" \
  -append 'console=ttyAMA0 panic=-1 quiet isolcpus=2-3 nohz_full=2-3' \
  -netdev user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22 -device virtio-net-pci,netdev=net,romfile= \
  -device i6300esb -serial "file:$folder/console" -qmp stdio "${@//FOLDER\//$folder/}" \
  <&"$monitor" >"$folder/events" 2>"$folder/errors" {monitor}>&- &
machine=$!
# shellcheck disable=SC2317  # by trap
power_off() {
  kill -KILL "$machine" 2>/dev/null || true
  wait "$machine" 2>/dev/null || true
  # Who would remove it has died.
  [[ -e /proc/$PPID ]] || rm -rf "$folder"
}
trap power_off EXIT
trap 'exit 143' INT TERM HUP

absent() {
  echo "absent $1: $(cat "$folder/errors" "$folder/console" | tr -d '\r' | grep . | tail -n 1)"
  exit 1
}

# await PATTERN FILE: a line like that.
end=$((SECONDS + boot_limit))
await() {
  until grep -q "$1" "$2"; do
    kill -0 "$machine" 2>/dev/null || absent "the emulator ended"
    ((SECONDS < end)) || absent "not booted within $boot_limit s"
    sleep 0.1
  done
}

printf '%s\n' '{"execute": "qmp_capabilities"}' \
  '{"execute": "human-monitor-command", "arguments": {"command-line": "info usernet"}}' >&"$monitor"
await HOST_FORWARD "$folder/events"
port=$(sed -n 's/.*HOST_FORWARD\] *[0-9]* *127\.0\.0\.1 *\([0-9]*\) .*/\1/p' "$folder/events")
echo "[127.0.0.1]:$port $(<"$folder/host_key.pub")" >"$folder/known_hosts"
await '^takt: ready' "$folder/console"
rm -rf "$folder/initrd" "$folder/keys" "$folder/keys.gz" "$folder/host_key"
echo "$port" >"$folder/port"
echo "ready $port"
wait "$machine" || true
