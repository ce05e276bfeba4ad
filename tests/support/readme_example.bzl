# SPDX-License-Identifier: Apache-2.0
"""The C++ examples of a README, compiled and run as they stand there."""

load("@rules_cc//cc:defs.bzl", "cc_test")
load("//boards:copts.bzl", "TAKT_TEST_COPTS")
load("//boards/precompiled:headers.bzl", "ELSEWHERE_HEADERS")

def readme_example_test(name, readme, deps, block = 1, copts = [], tags = [], compatible_with = []):
    """A test that a ```cpp block of a README compiles, and that its main() returns 0.

    Args:
      name: of the target.
      readme: the README's label.
      deps: what the example includes.
      block: which of the README's ```cpp blocks, counted from 1.
      copts: flags beyond TAKT_TEST_COPTS.
      tags: Bazel's.
      compatible_with: Bazel's target_compatible_with.
    """
    native.genrule(
        name = name + "_source",
        srcs = [readme],
        outs = [name + ".cc"],
        # A block that is not there fails the build.
        cmd = ("awk '/^```cpp/ {on = ++count == %d; found = found || on; next} /^```/ {on = 0} on; " +
               "END {exit !found}' $< > $@") % block,
        testonly = True,
    )
    cc_test(
        name = name,
        size = "small",
        srcs = [name + ".cc"],
        # A cast of mapped memory, which is aligned to pages, is none of std::byte's.
        copts = TAKT_TEST_COPTS + ELSEWHERE_HEADERS.copts + ["-Wno-cast-align"] + copts,
        linkstatic = True,
        tags = tags,
        target_compatible_with = compatible_with,
        deps = ELSEWHERE_HEADERS.deps + deps,
    )
