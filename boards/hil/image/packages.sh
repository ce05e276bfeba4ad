# SPDX-License-Identifier: Apache-2.0
# Packages of another architecture, unpacked and not installed, from the package sources of this
# machine: its own apt sources, keyrings and proxies, but lists, state and downloads in a folder of
# their own. The machine itself learns of no foreign architecture, and nobody need be root.
# shellcheck shell=bash

# apt_root FOLDER ARCHITECTURE: what follows works there.
apt_root() {
  apt_folder=$1
  mkdir -p "$apt_folder/state/lists/partial" "$apt_folder/cache/archives/partial" "$apt_folder/downloads"
  : >"$apt_folder/status"
  cat >"$apt_folder/apt.conf" <<CONFIGURATION
APT::Architecture "$2";
APT::Architectures { "$2"; };
APT::Sandbox::User "$(id -un)";
APT::Get::List-Cleanup "false";
Dir::State "$apt_folder/state";
Dir::State::status "$apt_folder/status";
Dir::Cache "$apt_folder/cache";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
CONFIGURATION
}

# of_apt_root LIMIT COMMAND...: an apt command there, LIMIT s at most.
of_apt_root() {
  LC_ALL=C APT_CONFIG=$apt_folder/apt.conf timeout --kill-after=5 "$@"
}

# Fetches the package lists. Sources that do not answer are told on standard error; the lists that
# were there before stay.
update_package_lists() { of_apt_root 180 apt-get --quiet --quiet update >&2; }

# package_behind METAPACKAGE PREFIX: the package that stands for METAPACKAGE at the moment.
package_behind() {
  of_apt_root 60 apt-cache depends "$1" 2>/dev/null | sed -n "s/^ *Depends: \($2.*\)/\1/p" | head -n 1
}

# package_versions PACKAGE...: "PACKAGE VERSION" lines; fails when the lists lack one of them.
package_versions() {
  of_apt_root 60 apt-cache policy "$@" 2>/dev/null | awk -v wanted="$*" '
    /^[^ ]/ { name = $1; sub(/:$/, "", name) }
    $1 == "Candidate:" && $2 != "(none)" { version[name] = $2 }
    END {
      count = split(wanted, names, " ")
      for (i = 1; i <= count; i++) {
        if (!(names[i] in version)) { missing = missing " " names[i]; continue }
        print names[i], version[names[i]]
      }
      if (missing != "") print "not in the package lists:" missing >"/dev/stderr"
      exit missing != ""
    }'
}

# unpack_packages FOLDER [TAR_OPTION]...: those named on standard input, as package_versions prints
# them. apt checks what it downloads against the signed lists.
unpack_packages() {
  local folder=$1 package version file
  local -a wanted=()
  shift
  while read -r package version; do wanted+=("$package=$version"); done
  rm -f "$apt_folder"/downloads/*.deb
  (cd "$apt_folder/downloads" && of_apt_root 600 apt-get --quiet --quiet download "${wanted[@]}") >&2 || return
  for file in "$apt_folder"/downloads/*.deb; do
    dpkg-deb --fsys-tarfile "$file" | tar --extract --directory="$folder" "$@" || return
  done
  rm -f "$apt_folder"/downloads/*.deb
}
