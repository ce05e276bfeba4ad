#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh [run|test|check|bench|hil]      (default: everything)
#
# Installs what is missing: for building and running takt (run), for all of its tests (test), for
# every check of .ci/run (check), for its benchmarks (bench), or for the emulated board (hil).
# Does nothing, at once, when nothing
# is missing. On Debian and its descendants it uses the machine's own apt; elsewhere it names the
# tools to install.
set -euo pipefail

# purpose, what must exist (a command, or a file pattern), Debian's package for it
readonly NEEDS='
run    bazel                                          bazel-bootstrap
run    g++                                            g++
test   cmake                                          cmake
test   make                                           make
test   patch                                          patch
test   pkg-config                                     pkg-config
test   rt-app                                         rt-app
test   busybox                                        busybox-static
check  promtool                                       prometheus
check  /usr/sbin/sshd                                 openssh-server
check  git                                            git
check  aarch64-linux-gnu-g++                          g++-aarch64-linux-gnu
check  arm-linux-gnueabihf-g++                        g++-arm-linux-gnueabihf
check  riscv64-linux-gnu-g++                          g++-riscv64-linux-gnu
check  qemu-aarch64                                   qemu-user
check  clang++                                        clang
check  /usr/lib/llvm-*/lib/clang/*/lib/linux/*tsan*   libclang-rt-14-dev
check  ld.lld                                         lld
check  clang-format                                   clang-format
check  clang-tidy                                     clang-tidy
check  cppcheck                                       cppcheck
bench  valgrind                                       valgrind
hil    qemu-system-aarch64                            qemu-system-arm
hil    qemu-aarch64                                   qemu-user
hil    aarch64-linux-gnu-g++                          g++-aarch64-linux-gnu
hil    ssh                                            openssh-client
hil    cpio                                           cpio
hil    /sbin/depmod                                   kmod
'

case ${1:-everything} in
  run) wanted='run' ;;
  test) wanted='run test' ;;
  check) wanted='run test check' ;;
  bench) wanted='run bench' ;;
  hil) wanted='run hil' ;;
  everything) wanted='run test check bench hil' ;;
  *) echo "usage: boards/takt setup [run|test|check|bench|hil]" >&2; exit 2 ;;
esac

exists() {
  case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=() packages=()
while read -r purpose need package; do
  if [[ " $wanted " == *" $purpose "* ]] && ! exists "$need"; then
    missing+=("$need")
    packages+=("$package")
  fi
done < <(grep . <<<"$NEEDS")

if ((${#missing[@]} == 0)); then
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "setup: please install: ${missing[*]}" >&2
  echo "setup: (on Debian these come from: ${packages[*]})" >&2
  exit 1
fi

as_root=()
if (($(id -u) != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "setup: as root, please run: apt-get install ${packages[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --quiet --no-install-recommends "${packages[@]}"
}

echo "setup: installing ${packages[*]}" >&2
# The package lists of a fresh machine may be missing or out of date: then fetch them, once.
if ! install >&2; then
  "${as_root[@]}" apt-get update --quiet >&2
  install >&2
fi

# The tests need programs of these packages, not their services: those stay off unless somebody
# wants them.
keep_off() {
  local package=$1
  shift
  [[ " ${packages[*]} " == *" $package "* && -d /run/systemd/system ]] || return 0
  "${as_root[@]}" systemctl disable --now "$@" >&2 || true
  echo "setup: $package is installed for the tests and not started: systemctl enable --now $1" >&2
}
keep_off openssh-server ssh.service ssh.socket
keep_off prometheus prometheus.service

for need in "${missing[@]}"; do
  if ! exists "$need"; then
    echo "setup: $need is still missing after the installation" >&2
    exit 1
  fi
done
