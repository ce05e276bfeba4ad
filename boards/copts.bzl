# SPDX-License-Identifier: Apache-2.0
"""Compiler flags of takt's own targets.

They sit in `copts`, because a consumer does not read our .bazelrc and Bazel's default standard
is older than C++20. Warnings are errors only under --config=werror, so that a compiler newer
than ours cannot break a consumer's build.
"""

TAKT_COPTS = [
    "-std=c++20",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wcast-align",
    "-Wundef",
    "-Wvla",
] + select({
    "@rules_cc//cc/compiler:clang": ["-Wthread-safety"],
    "//conditions:default": [],
})

# platform, sync, executor, monitor: nothing throws, nothing asks for a dynamic type.
TAKT_LIBRARY_COPTS = TAKT_COPTS + [
    "-fno-exceptions",
    "-fno-rtti",
]

TAKT_TEST_COPTS = TAKT_COPTS
