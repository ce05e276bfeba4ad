#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# image.sh
#
# Prints the folder of the emulated board's image, having built it where there is none yet for these
# scripts and for the packages of today:
#   kernel    Debian's PREEMPT_RT kernel for arm64
#   initrd    all of its file system: busybox, an ssh server, flock, the drivers of README.md
#   manifest  "scripts HASH", "package NAME VERSION" lines, "kernel HASH", "initrd HASH" (SHA-256)
# Nothing in it is secret or differs from one build to the next. Images lie under .cache/image
# (TAKT_IMAGE_CACHE=FOLDER: there), one a set of inputs; once a day the package lists are asked whether
# there is something newer. Exit status 3: the packages cannot be had here; then it prints why.
set -euo pipefail

here=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
repository=$(cd -- "$here/../../.." && pwd)
readonly here repository
# shellcheck source=boards/hil/image/packages.sh
source "$here/packages.sh"

readonly PACKAGES='busybox-static dropbear-bin libc6 libcrypt1 libgmp10 libnuma1 libtomcrypt1
  libtommath1 rt-tests util-linux zlib1g'
# Programs beside busybox, which has all others that an agent wants.
readonly PROGRAMS='usr/sbin/dropbear usr/bin/flock usr/bin/cyclictest'
# With what they need; those that are built into the kernel need no mention.
readonly MODULES='virtio_pci virtio_net i6300esb can-raw vcan'

cache=${TAKT_IMAGE_CACHE:-$repository/.cache/image}

scripts=$(cd "$here" && find . -type f ! -name '*.md' ! -name BUILD -print0 | sort -z |
  xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)

# whole FOLDER: an image, of these scripts, and as it was built.
whole() {
  [[ -e $1/manifest ]] && grep -qx "scripts $scripts" "$1/manifest" &&
    (cd "$1" && sed -n 's/^\(kernel\|initrd\) \(.*\)/\2  \1/p' manifest | sha256sum --check --status)
}

# What an earlier time has built will do as well.
cannot_be_had() {
  if [[ -s $cache/current ]] && whole "$cache/$(<"$cache/current")"; then
    echo "takt hil: yesterday's image it is, the newer packages cannot be had: $1" >&2
    echo "$cache/$(<"$cache/current")"
    exit 0
  fi
  echo "its packages cannot be had: $1"
  exit 3
}

for tool in apt-get dpkg cpio /sbin/depmod readelf flock; do
  command -v "$tool" >/dev/null || cannot_be_had "$tool is not installed: run boards/takt setup hil"
done

mkdir -p "$cache" 2>/dev/null || cannot_be_had "no folder $cache"
cache=$(cd -- "$cache" && pwd)
exec 9>"$cache/lock"
flock --wait 900 9 || cannot_be_had "somebody else has been building them for 15 minutes"

# Asked in the last day, and it was for these scripts.
if [[ -n $(find "$cache/current" -mtime -1 2>/dev/null) ]] && whole "$cache/$(<"$cache/current")"; then
  echo "$cache/$(<"$cache/current")"
  exit 0
fi

apt_root "$cache/apt" arm64
echo "takt hil: asking for the packages of the emulated board" >&2
update_package_lists 9>&- || true  # what the lists of an earlier time know will do as well
kernel_package=$(package_behind linux-image-rt-arm64 linux-image-) || true
[[ -n $kernel_package ]] || cannot_be_had "no linux-image-rt-arm64 in the package lists of this machine's sources"
# shellcheck disable=SC2086  # a list
versions=$(package_versions "$kernel_package" $PACKAGES) || cannot_be_had "the package lists lack some of them"
key=$(printf '%s\n' "$scripts" "$versions" | sha256sum | cut -c 1-16)

# use KEY: from now on.
use() {
  echo "$1" >"$cache/current.new"
  mv "$cache/current.new" "$cache/current"
  echo "$cache/$1"
  exit 0
}
! whole "$cache/$key" || use "$key"

echo "takt hil: building the emulated board's image" >&2
rm -rf "$cache"/building.* "${cache:?}/$key"
# Images that were built more than a month ago.
find "$cache" -maxdepth 1 -type d -name '[0-9a-f]???????????????' -mtime +30 -exec rm -rf {} +
building=$(mktemp -d "$cache/building.XXXXXX")
trap 'rm -rf "$building"' EXIT
chmod 755 "$building"
packages=$building/packages root=$building/root result=$building/result
mkdir "$packages" "$root" "$result"
# Of a kernel's 4000 drivers only the folders where ours lie.
unpack_packages "$packages" --exclude='./usr/share' --exclude='./lib/modules/*/kernel/[!dn]*' \
  --exclude='./lib/modules/*/kernel/drivers/[!nvw]*' <<<"$versions" 9>&- || cannot_be_had "downloading or unpacking them failed"
release=${kernel_package#linux-image-}

# Files of the packages, at their place in the guest.
take() {
  local file
  for file; do
    mkdir -p "$root/$(dirname "$file")"
    cp "$packages/$file" "$root/$file"
  done
}

mkdir -p "$root"/{dev,etc/dropbear,lib,proc,root,run,sys,tmp,usr,var}
chmod 1777 "$root/tmp"
chmod 700 "$root/root"
ln -s ../run "$root/var/run"
take bin/busybox
ln -s busybox "$root/bin/sh"
ln -s bin/busybox "$root/init"
ln -s bin "$root/sbin"

# shellcheck disable=SC2086  # a list
take $PROGRAMS
# Libraries, with those that they need: into the folder where the dynamic loader looks first.
# shellcheck disable=SC2086  # a list
readarray -t wanted < <(cd "$packages" && readelf -d $PROGRAMS | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
wanted+=(ld-linux-aarch64.so.1)
while ((${#wanted[@]})); do
  library=${wanted[0]} wanted=("${wanted[@]:1}")
  [[ ! -e $root/lib/aarch64-linux-gnu/$library ]] || continue
  source=$(find "$packages"/lib "$packages"/usr/lib -name "$library" ! -path '*/gconv/*' | head -n 1)
  if [[ -z $source ]]; then
    echo "takt hil: the image lacks a package: no $library" >&2
    exit 1
  fi
  mkdir -p "$root/lib/aarch64-linux-gnu"
  cp -L "$source" "$root/lib/aarch64-linux-gnu/$library"
  readarray -t -O ${#wanted[@]} wanted < <(readelf -d "$source" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
done
ln -s aarch64-linux-gnu/ld-linux-aarch64.so.1 "$root/lib/ld-linux-aarch64.so.1"

# Drivers, and the order in which the guest loads them.
/sbin/depmod -b "$packages" "$release"
mkdir -p "$root/etc"
for module in $MODULES; do
  /sbin/modprobe --dirname "$packages" --set-version "$release" --show-depends "$module" |
    sed -n "s|^insmod $packages/\([^ ]*\).*|\1|p"
done | awk '!seen[$0]++' >"$root/etc/modules"
while read -r file; do take "$file"; done <"$root/etc/modules"

cp -r "$here/files/." "$root/"

# The same bytes whoever builds it, and when.
find "$root" -exec touch --no-dereference --date=@0 {} +
(cd "$root" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
  cpio --null --create --format=newc --owner=0:0 --reproducible --quiet) | gzip -n -9 >"$result/initrd"
cp "$packages/boot/vmlinuz-$release" "$result/kernel"
{
  echo "scripts $scripts"
  while read -r line; do echo "package $line"; done <<<"$versions"
  for file in kernel initrd; do echo "$file $(sha256sum <"$result/$file" | cut -d ' ' -f 1)"; done
} >"$result/manifest"
sync "$result"/*  # a power failure must leave no image that is there in name only
mv "$result" "$cache/$key"
use "$key"
