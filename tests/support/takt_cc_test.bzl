# SPDX-License-Identifier: Apache-2.0
"""A unit test on takt's own harness."""

load("@rules_cc//cc:defs.bzl", "cc_test")
load("//boards:copts.bzl", "TAKT_TEST_COPTS")
load("//boards/precompiled:headers.bzl", "OPTIMIZED_HEADERS", "PROGRAM_HEADERS")

def takt_cc_test(
        name,
        srcs,
        deps = [],
        copts = [],
        size = "small",
        tags = [],
        real_time = False,
        guard = False,
        faults = False,
        one_thread = False,
        **attributes):
    """A cc_test linked against //tests/support, which supplies main().

    Args:
      name: of the target, <thing>_test.
      srcs: sources.
      deps: what is under test.
      copts: flags beyond TAKT_TEST_COPTS.
      size: Bazel's, for its time limit; the harness has a shorter one per case.
      tags: Bazel's.
      real_time: the test wants SCHED_FIFO or SCHED_DEADLINE. Root gets them only outside Bazel's
        sandbox, and measuring tests must not run side by side.
      guard: links the allocation guard (allocation_guard.h).
      faults: links fault injection at the platform seam (fault_injection.h).
      one_thread: the test starts no thread. The thread sanitizer has nothing to see in it, and a
        weaker memory order than the host's nothing to show (boards/common.sh).
      **attributes: anything else that cc_test takes.
    """
    level = "".join([flag for flag in copts if flag.startswith("-O")])
    headers = {"": PROGRAM_HEADERS, "-O2": OPTIMIZED_HEADERS}.get(level, struct(copts = [], deps = []))
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        copts = TAKT_TEST_COPTS + headers.copts + copts,
        linkstatic = True,
        tags = tags + (["exclusive", "no-sandbox"] if real_time else []) +
               (["one_thread"] if one_thread else []),
        deps = deps + ["//tests/support"] +
               headers.deps +
               (["//tests/support:allocation_guard"] if guard else []) +
               (["//tests/support:fault_injection"] if faults else []),
        **attributes
    )
