# SPDX-License-Identifier: Apache-2.0
# What the scripts of this folder share; each sources it, having set $boards to the folder's path.
# shellcheck shell=bash

repository=$(dirname -- "$boards")
readonly repository

# bazel COMMAND [ARGUMENT]..., the one that the user chose, with the user's flags.
bazel() {
  local command=$1
  shift
  local -a program flags
  read -r -a program <<<"${BAZEL:-bazel}"
  read -r -a flags <<<"${BAZEL_FLAGS:-}"
  [[ $command == query ]] && flags=()
  command "${program[@]}" "$command" "${flags[@]}" "$@"
}

# The same without the chatter: progress on a terminal, elsewhere that a build goes on, once a minute; warnings
# and errors everywhere.
quiet_bazel() {
  local command=$1
  shift
  local -a quiet=(--ui_event_filters=-info --show_result=0)
  [[ $command == query ]] && quiet=(--ui_event_filters=-info)
  if [[ -t 2 ]]; then
    bazel "$command" "${quiet[@]}" "$@"
    return
  fi
  local status=0 begin=$SECONDS patience
  if [[ $command == build ]]; then
    # When it is killed, its sleep must not hold a pipe open.
    while sleep 1 &>/dev/null; do
      (((SECONDS - begin) % 60)) || ((SECONDS == begin)) || echo "takt: still building after $((SECONDS - begin)) s" >&2
    done </dev/null >/dev/null &
    patience=$!
  fi
  bazel "$command" "${quiet[@]}" --noshow_progress "$@" || status=$?
  [[ -z ${patience:-} ]] || kill "$patience" 2>/dev/null || true
  return "$status"
}

# As shipped, for checks that only look: one object a source, without the position-independent ones.
readonly OPTIMIZED=(--compilation_mode=opt --config=werror
  --features=-supports_pic --features=-supports_dynamic_linker)

# Where the outputs of a build with the given flags lie; independent of bazel-bin, which another
# build may have moved meanwhile.
output_directory() {
  (cd "$repository" && bazel info --ui_event_filters=-info --noshow_progress "$@" bazel-bin)
}

# Of the files named on standard input, those that are there.
existing() {
  local file
  while read -r file; do
    if [[ -e $file ]]; then echo "$file"; fi
  done
}

# Every C++ file of the repository, also one that is not yet under version control. TAKT_FILES
# narrows it.
cpp_files() {
  if [[ -n ${TAKT_FILES:-} ]]; then
    tr ' ' '\n' <<<"$TAKT_FILES"
    return
  fi
  (
    cd "$repository"
    git ls-files --cached --others --exclude-standard -- '*.h' '*.cc' | existing | sort
  )
}

# A folder for tools that read sources without Bazel: -I FOLDER shows takt/ as the repository, as
# Bazel's include_prefix does, and -I FOLDER/generated shows what the build generates.
include_folder() {
  local folder
  local -a generators
  folder=$(mktemp -d)
  ln -s "$repository" "$folder/takt"
  mkdir "$folder/generated"
  cd "$repository"
  mapfile -t generators < <(quiet_bazel query --keep_going 'kind(genrule, //boards/...)')
  if ((${#generators[@]})); then
    quiet_bazel build "${generators[@]}" >&2
  fi
  ln -s "$(output_directory "$@")" "$folder/generated/takt"
  echo "$folder"
}

# Sources that each include up to ten of the .cc files named on standard input, neighbours in a folder;
# prints their paths. For tools that spend most of their time in headers. $includes: of include_folder.
group_sources() {
  local file key
  local -a all=()
  local -A groups=() counts=()
  while read -r file; do
    key=$(dirname "$file")
    # Programs and tests have names in common.
    if [[ $file == tests/* ]] || grep -q '^int main(' "$file"; then key=$file; fi
    if ((${counts[$key]:-0} % 10 == 0)); then
      groups[$key]=$(mktemp "$includes/group.XXXXXX.cc")
      all+=("${groups[$key]}")
    fi
    counts[$key]=$((${counts[$key]:-0} + 1))
    echo "#include \"takt/$file\"" >>"${groups[$key]}"
  done
  ((${#all[@]} == 0)) || printf '%s\n' "${all[@]}"  # only now are they complete
}

# clang_tidy CHECKS over the .cc files named on standard input; prints what it finds, and then fails.
# CHECKS: beyond .clang-tidy, "" for none. $includes: of include_folder. Where a group shows anything,
# be it that two of its files use a name, each is read alone. One process a reading: clang-tidy 14
# reports false va_list findings from the second on.
clang_tidy() {
  group_sources |
    xargs --no-run-if-empty --max-args=1 --max-procs="$(nproc)" "$boards/tidy_group.sh" "$includes" "$1" |
    awk '{ print } / (warning|error): / { failed = 1 } END { exit failed }'
}

# read_without_warnings COMPILER: it reads the .cc files named on standard input with the warnings that Bazel
# compiles with, as errors. $includes: of include_folder.
read_without_warnings() {
  local standard=$includes/standard_headers.h
  local -a flags
  mapfile -t flags < <(grep -oE '"-(std|W)[^"]*"' "$boards/copts.bzl" | tr -d '"' |
    if [[ $1 == clang* ]]; then cat; else grep -v thread-safety; fi)
  flags+=(-Werror "-I$includes" "-I$includes/generated")
  # The standard's headers take two thirds of the time: once for all files.
  cp "$boards/precompiled/standard_headers.h" "$standard"
  "$1" "${flags[@]}" -x c++-header "$standard" -o "$standard.$([[ $1 == clang* ]] && echo pch || echo gch)"
  xargs --max-args=1 --max-procs="$(nproc)" "$1" "${flags[@]}" -fsyntax-only -include "$standard"
}

# What needs no proof in a second configuration: the models, which explore the sources under an
# environment of their own, controls of other tests, and what runs no program of ours.
readonly ONE_CONFIGURATION='-//tests/model/... -//tests/executor/wrong/... -//tests/boards:hil_test -//tests/sync/thread_safety/...'

# The tests that start no thread, as one line of "-//target". One that does and says otherwise is red.
readonly STARTS_THREAD='#include <thread>|takt/platform/thread[.]h|StaticExecutor<|\<fork\('
without_one_thread_tests() {
  local tests='attr(tags, "\bone_thread\b", //tests/...)' sources
  sources=$(quiet_bazel query "labels(srcs, $tests)" | sed 's|^//||; s|:|/|')
  # shellcheck disable=SC2086  # one word a file
  if grep -EHn "$STARTS_THREAD" $sources >&2; then
    echo 'a test that is one_thread in its BUILD file starts a thread (see above)' >&2
    return 1
  fi
  quiet_bazel query "$tests" | sed 's/^/-/' | tr '\n' ' '
}

# test_configuration EXCLUDED [BAZEL ARGUMENT]...: the tests of a configuration but those and
# EXCLUDED, a list of "-//target". TAKT_TARGETS narrows it.
test_configuration() {
  local -a targets
  read -r -a targets <<<"${TAKT_TARGETS:-//... $ONE_CONFIGURATION $1}"
  TAKT_SETUP=no "$boards/test.sh" --define=takt_second_configuration=yes "${@:2}" -- "${targets[@]}"
}

# Reads JUnit XML: one line a case, "passed|failed|skipped TAB suite.name TAB reason".
xml_to_cases() {
  awk '
    BEGIN { RS = "<" }
    function attribute(key,   rest) {
      if (!match($0, "[ \n]" key "=\"[^\"]*\"")) return ""
      rest = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 4)
      gsub(/&quot;/, "\"", rest); gsub(/&apos;/, "\047", rest)
      gsub(/&lt;/, "<", rest); gsub(/&gt;/, ">", rest)
      gsub(/&#10;|[\t\n]/, " ", rest); gsub(/&amp;/, "\\&", rest)
      return rest
    }
    function finish() {
      if (name != "") print outcome "\t" name "\t" reason
      name = ""
    }
    in_text { if (/\]\]>/) in_text = 0; next }  # a "<" inside CDATA is no tag
    /^!\[CDATA\[/ { if (!/\]\]>/) in_text = 1; next }
    /^testcase[ \n]/ {
      finish()
      suite = attribute("classname")
      name = (suite == "" ? "" : suite ".") attribute("name")
      outcome = "passed"; reason = ""
    }
    /^(failure|error)[ \n>\/]/ { if (outcome != "failed") reason = attribute("message"); outcome = "failed" }
    /^skipped[ \n>\/]/ && outcome == "passed" { outcome = "skipped"; reason = attribute("message") }
    END { finish() }
  ' "$1"
}
