#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shows that each check can fail: in a scratch copy of the tree, a control plants the defect that
# the check exists for, and expects it red with the right words. (boards/takt check --deep)
# controls.sh [CONTROL]... runs only those. The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards
# shellcheck source=boards/common.sh
source boards/common.sh

work=$(mktemp -d)
tree=$work/tree
read -r -a program <<<"${BAZEL:-bazel}"
export BAZEL="${program[0]} --output_base=$work/bazel" TAKT_SETUP=no TAKT_LOG_LINES=1000
export TAKT_IMAGE_CACHE=${TAKT_IMAGE_CACHE:-$repository/.cache/image}
leave() {
  (cd "$tree" && $BAZEL shutdown) >"$work/log" 2>&1 || true
  chmod -R u+w "$work"
  rm -rf "$work"
}
trap leave EXIT

mkdir "$tree"
git ls-files --cached --others --exclude-standard | existing | tar --create --files-from=- | tar --extract --directory="$tree"
cd "$tree"
git init --quiet .
git add --all
git -c user.name=controls -c user.email=controls@localhost commit --quiet --message=tree

passed=0 failed=0 skipped=0
wanted=" $* "

# control NAME EXPECTED COMMAND...: plants (function plant_NAME), runs the command, which has to
# fail and to print a line that matches EXPECTED; then restores the tree.
control() {
  local name=$1 expected=$2 status=0 line
  shift 2
  [[ $wanted == "  " || $wanted == *" $name "* ]] || return 0
  mkdir -p tests/planted
  "plant_$name"
  "$@" >"$work/log" 2>&1 || status=$?
  line=$(grep --max-count=1 -E "$expected" "$work/log") || true
  if ((status != 0)) && [[ -n $line ]]; then
    passed=$((passed + 1))
    echo "passed control $name: $(sed 's/^ *//' <<<"$line" | cut -c 1-160)"
  else
    failed=$((failed + 1))
    echo "FAILED control $name: exit code $status, no line like '$expected'"
    tail -n 40 "$work/log" | sed 's/^/    /'
  fi
  git checkout --quiet .
  git clean --force --quiet -d
}

# Writes a test target //tests/planted:planted_test with the main program of standard input.
planted_test() {
  cat >tests/planted/planted_test.cc
  cat >tests/planted/BUILD <<'BUILD'
load("@rules_cc//cc:defs.bzl", "cc_test")
load("//boards:copts.bzl", "TAKT_TEST_COPTS")

cc_test(
    name = "planted_test",
    size = "small",
    srcs = ["planted_test.cc"],
    copts = TAKT_TEST_COPTS,
    linkopts = ["-pthread"],
    linkstatic = True,
)
BUILD
}

check() { boards/check.sh "$@"; }
check_planted() { TAKT_TARGETS=//tests/planted/... boards/check.sh "$@"; }
check_file() { TAKT_FILES=$1 boards/check.sh "$2"; }

# --- style and layers -----------------------------------------------------------------------------
plant_format() { echo 'int  badly ( ) ;' >>platform/version.h; }
control format 'version.h.*should be clang-formatted' check_file platform/version.h format

plant_upward_include() { echo '#include "takt/sync/env.h"' >>platform/version.h; }
control upward_include 'platform may not include "takt/sync/env.h"' check includes

plant_absent_include() { echo '#include "takt/platform/nowhere.h"' >>sync/env.h; }
control absent_include 'nowhere.h" does not exist' check includes

plant_heavy_include() { echo '#include <string>' >>sync/env.h; }
control heavy_include '<string> has no place in the library' check includes

plant_system_include() { echo '#include <unistd.h>' >>sync/env.h; }
control system_include 'unistd.h>: only platform/ talks to the system' check includes

plant_top_level() { touch notes.txt; }
control top_level 'notes.txt: not an entry of the top level' check includes

# --- static analysis ------------------------------------------------------------------------------
use_after_move() {
  cat <<'SOURCE'
#include <memory>
#include <utility>
int used_after_move() {
  auto value = std::make_unique<int>(1);
  auto other = std::move(value);
  return *value + *other;
}
SOURCE
}
plant_tidy() { use_after_move >tests/planted/planted.cc; }
control tidy 'bugprone-use-after-move' check_file tests/planted/planted.cc tidy

# Files that are read together.
plant_tidy_group() { use_after_move >platform/planted.cc; }
control tidy_group 'platform/planted.cc.*bugprone-use-after-move' \
  check_file 'platform/planted.cc platform/status.cc' tidy

plant_naming() { echo 'int BadName() { return 1; }' >tests/planted/planted.cc; }
control naming "invalid case style for function 'BadName'" check_file tests/planted/planted.cc tidy

plant_analyzer() {
  echo 'int planted(bool set) { int value = 1; int* chosen = set ? &value : nullptr; return *chosen; }' \
    >tests/planted/planted.cc
}
control analyzer 'Dereference of null pointer.*clang-analyzer-core.NullDereference' \
  check_file tests/planted/planted.cc analyzer

plant_cppcheck() {
  echo 'int out_of_bounds() { int items[2] = {1, 2}; return items[2]; }' >platform/planted.cc
}
control cppcheck 'arrayIndexOutOfBounds' check_file platform/planted.cc cppcheck

plant_warnings_gcc() { planted_test <<<'int main(int count, char**) { short low = count; return low; }'; }
control warnings_gcc 'error: conversion from .*-Werror=conversion' check_planted warnings_gcc

plant_warnings_clang() {
  planted_test <<'SOURCE'
struct __attribute__((capability("mutex"))) Lock {
  void lock() __attribute__((acquire_capability())) {}
  void unlock() __attribute__((release_capability())) {}
};
static Lock guard;
static int guarded __attribute__((guarded_by(guard)));
int main() { return guarded; }
SOURCE
}
control warnings_clang 'requires holding mutex.*-Wthread-safety' check_file tests/planted/planted_test.cc warnings_clang

# --- symbols of the library -----------------------------------------------------------------------
library_source() { cat >platform/planted.cc; }

plant_symbol_new() { library_source <<<'int* planted() { return new int; }'; }
control symbol_new 'operator new' check symbols

plant_symbol_malloc() {
  library_source <<<'extern "C" void* malloc(unsigned long); void* planted() { return malloc(8); }'
}
control symbol_malloc '[0-9] malloc' check symbols

plant_symbol_vtable() {
  library_source <<<'struct P final { virtual int f(); }; int P::f() { return 1; } P planted;'
}
control symbol_vtable 'vtable for P' check symbols

plant_symbol_exception() {
  library_source <<<'namespace std { void __throw_bad_alloc(); } void planted() { std::__throw_bad_alloc(); }'
}
control symbol_exception 'std::__throw_bad_alloc' check symbols

plant_symbol_library() {
  library_source <<<'extern "C" double cos(double); double planted(double x) { return cos(x); }'
}
control symbol_library 'needs more than libc and libgcc' check symbols

# --- size -----------------------------------------------------------------------------------------
plant_size() { sed -i 's/jobs_per_lane = 16/jobs_per_lane = 64/' tests/size/minimal.cc; }
control size 'arm minimal, column 6: [0-9]+ bytes, sizes.txt says' check size

# --- tests under other configurations -------------------------------------------------------------
plant_asan() {
  planted_test <<<'int main(int count, char**) { int* items = new int[2]{}; delete[] items; return items[count - 1]; }'
}
control asan 'AddressSanitizer: heap-use-after-free' check_planted asan

plant_leak() { planted_test <<<'int* volatile kept; int main() { kept = new int; kept = nullptr; }'; }
control leak 'LeakSanitizer: detected memory leaks' check_planted asan

plant_ubsan() { planted_test <<<'int main(int count, char**) { int high = 2147483647; return (high + count) == 0; }'; }
control ubsan 'runtime error: signed integer overflow' check_planted ubsan

plant_tsan() {
  planted_test <<'SOURCE'
#include <thread>
int shared = 0;
int main() {
  std::thread other([] { ++shared; });
  ++shared;
  other.join();
}
SOURCE
}
control tsan 'ThreadSanitizer: data race' check_planted tsan

plant_one_thread() {
  plant_tsan
  sed -i 's/name = "planted_test",/& tags = ["one_thread"],/' tests/planted/BUILD
}
control one_thread 'tests/planted/planted_test.cc:1:#include <thread>' check_planted tsan

plant_static() {
  planted_test <<'SOURCE'
#include <cstdio>
#include <cstring>
// Fails when no shared libc is mapped, which is what a static program looks like.
int main() {
  char line[512];
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  while (maps != nullptr && std::fgets(line, sizeof line, maps) != nullptr)
    if (std::strstr(line, "/libc.so") != nullptr) return 0;
  return 1;
}
SOURCE
}
control static 'planted_test: exited with error code 1' check_planted static

plant_arm64() {
  planted_test <<'SOURCE'
int main() {
#ifdef __aarch64__
  return 1;
#endif
}
SOURCE
}
control arm64 'planted_test: exited with error code 1' check_planted arm64

plant_arm() { planted_test <<<'int main() { return sizeof(long) == 4 ? 1 : 0; }'; }
control arm 'planted_test: exited with error code 1' check_planted arm

# control_on_board NAME EXPECTED COMMAND...: on the emulated board, where it can be had.
control_on_board() {
  local answer status=0
  [[ $wanted == "  " || $wanted == *" $1 "* ]] || return 0
  answer=$("$boards/hil/emulator.sh" prepare) || status=$?
  if ((status == 3)); then
    echo "SKIPPED: control $1: $answer"
    skipped=$((skipped + 1))
  else
    control "$@"
  fi
}

plant_hil() { plant_arm64; }
control_on_board hil 'FAILED: .*planted_test.*exit code 1$' check_planted hil

plant_unfed_watchdog() { sed -i '/[.]device = &device,/d' tests/boards/guest/watchdog_daemon.cc; }
control_on_board unfed_watchdog 'FAILED: watchdog_board_test.*fed_daemon_lives_three_time_outs' \
  env TAKT_HARDWARE=watchdog boards/check.sh hil

# Between taking a job and running it, 200 µs.
plant_virtual_time() {
  sed -i 's|^    run(worker, index);|    for (const TimePoint end = deadline_after(std::chrono::microseconds(200)); now() < end;) {}\n&|' \
    executor/worker.cc
}
control_on_board virtual_time "takt: task's release .* AVERAGE" env TAKT_SEEDS=' ' boards/check.sh virtual_time

# A claim that holds without preemption: only the raised bound finds it wrong.
plant_models() {
  cat >tests/model/planted_models.cc <<'SOURCE'
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"
namespace takt::model {
namespace {
void planted() {
  Atomic<std::uint32_t> count;
  concurrently([&] { count.fetch_add(1), count.fetch_add(1); },
               [&] { require(count.fetch_add(0) != 1, "nobody sees it halfway"); });
}
const Model kModels[] = {{"planted", planted, {.preemptions = 0, .reorderings = 0}, 1}};
const ModelSet kSet(kModels, {});
}  // namespace
}  // namespace takt::model
SOURCE
  echo 'model_tests(name = "planted", headers = [], deps = [], wrong = False)' >>tests/model/BUILD
}
control models 'planted: nobody sees it halfway' \
  env TAKT_TARGETS=//tests/model:planted_model_test boards/check.sh models

# Both of what makes a form the long one reaches the tests.
plant_long() {
  planted_test <<'SOURCE'
#include <cstdlib>
int main() {
  return std::getenv("TAKT_LOAD_SECONDS") != nullptr && std::getenv("TAKT_PERIODS") != nullptr ? 1 : 0;
}
SOURCE
}
control long 'planted_test: exited with error code 1' check_planted long

# --- counting -------------------------------------------------------------------------------------
# One target each that passes, fails, crashes, hangs, does not build; one that reports a passed, a
# failed and a skipped case and dies afterwards.
plant_closing_line() {
  local name
  {
    echo 'load("@rules_cc//cc:defs.bzl", "cc_test")'
    for name in passes fails crashes hangs absent reports; do
      echo "cc_test(name = \"${name}_test\", size = \"small\", srcs = [\"$name.cc\"])"
    done
  } >tests/planted/BUILD
  echo 'int main() {}' >tests/planted/passes.cc
  echo 'int main() { return 3; }' >tests/planted/fails.cc
  echo 'int main() { __builtin_trap(); }' >tests/planted/crashes.cc
  echo 'int main() { for (volatile int i = 0;; i = 1) {} }' >tests/planted/hangs.cc
  echo 'int main() { return absent; }' >tests/planted/absent.cc
  cat >tests/planted/reports.cc <<'SOURCE'
#include <cstdio>
#include <cstdlib>
int main() {
  std::FILE* file = std::fopen(std::getenv("XML_OUTPUT_FILE"), "w");
  std::fputs("<testsuites><testsuite name=\"s\"><testcase classname=\"s\" name=\"good\"/>"
             "<testcase classname=\"s\" name=\"bad\"><failure message=\"1 &lt; 2\"/></testcase>"
             "<testcase classname=\"s\" name=\"absent\"><skipped message=\"no right\"/></testcase>"
             "</testsuite></testsuites>", file);
  std::fclose(file);
  std::abort();
}
SOURCE
}
control closing_line '^2 passed, 5 failed, 1 skipped$' \
  boards/test.sh --test_timeout=5 //tests/planted/...

plant_nothing_ran() { echo '# empty' >tests/planted/BUILD; }
control nothing_ran '^0 passed, 1 failed, 0 skipped$' boards/test.sh //tests/planted/...

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
