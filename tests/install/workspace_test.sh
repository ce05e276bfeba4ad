#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Another Bazel workspace consumes the repository, without a network.
source tests/install/case.sh

repository=$(dirname "$(readlink -f WORKSPACE)")
mkdir "$work/consumer"
cp "$here/consumer/consumer.cc" "$work/consumer"
cat >"$work/consumer/WORKSPACE" <<WORKSPACE
workspace(name = "consumer")
local_repository(name = "takt", path = "$repository")
load("@takt//boards/bazel:repositories.bzl", "takt_register_toolchains", "takt_repositories")
takt_repositories()
takt_register_toolchains()
WORKSPACE
cat >"$work/consumer/BUILD" <<'BUILD'
load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")

cc_binary(
    name = "consumer",
    srcs = ["consumer.cc"],
    copts = ["-std=c++20"],
    deps = ["@takt"],
)

cc_binary(
    name = "board_consumer",
    srcs = ["consumer.cc"],
    copts = ["-std=c++20"],
    deps = ["@takt//platform"],  # of the library only what it uses
)

cc_test(
    name = "own_test",
    srcs = ["own_test.cc"],
)
BUILD
printf '#include <cstdio>\nint main() { std::puts("ran on the board"); }\n' >"$work/consumer/own_test.cc"
cd "$work/consumer"

# A server of its own that leaves nothing behind; no sandbox inside the sandbox of this test.
inner() {
  HOME=$work bazel --output_user_root="$work/bazel" --max_idle_secs=30 "$@"
}
build() {
  inner build --spawn_strategy=local --nosandbox_debug --jobs=2 "$@"
}
trap 'finish; inner shutdown || true; chmod -R u+w "$work/bazel"' EXIT

# Compiled as the library's own tests are, which takes half the time; the board's is compiled as for
# any consumer.
own=--define=takt_precompiled_headers=yes

begin host
if require bazel; then
  build $own //:consumer
  bazel-bin/consumer
fi

begin install
if require bazel; then
  inner run --spawn_strategy=local --nosandbox_debug --jobs=2 $own @takt//:install -- "$work/prefix"
  [[ -f $work/prefix/include/takt/platform/status.h && -f $work/prefix/lib/libtakt.a ]]
fi

begin a_test_of_its_own_on_a_board  # this machine, through the same driver interface
if require bazel; then
  BOARD=local inner test --spawn_strategy=local --nosandbox_debug --test_output=all \
    --run_under=@takt//boards:emulate --test_env=TAKT_HIL=1 --test_env=BOARD --test_env=HOME \
    --features=fully_static_link --dynamic_mode=off //:own_test | tee "$work/log"
  grep -x 'ran on the board' "$work/log"
  grep -x 'hil: local: passed' "$work/log"
fi

begin board
if require bazel aarch64-linux-gnu-g++ qemu-aarch64; then
  build --incompatible_enable_cc_toolchain_resolution --platforms=@takt//boards:raspberrypi4 \
    //:board_consumer
  "$emulate" bazel-bin/board_consumer
fi
