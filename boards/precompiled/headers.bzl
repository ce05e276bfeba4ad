# SPDX-License-Identifier: Apache-2.0
"""Precompiled standard headers, for `copts` and `deps` of takt's own targets.

Only with the setting of our .bazelrc: a consumer compiles the sources as they are.
"""

def _headers(name, setting = "//boards:precompiled_headers"):
    return struct(
        copts = select({
            setting: [
                "-include",
                "$(BINDIR)/boards/precompiled/%s.h" % name,
            ],
            "//conditions:default": [],
        }),
        deps = select({
            setting: ["//boards/precompiled:" + name],
            "//conditions:default": [],
        }),
    )

# With TAKT_LIBRARY_COPTS.
LIBRARY_HEADERS = _headers("library")

# With TAKT_COPTS and nothing that changes code: precompiled at another level of optimisation,
# g++ 12 takes them and breaks down.
PROGRAM_HEADERS = _headers("program")

# The same for sources that have to show, in one configuration, that they include what they use.
ELSEWHERE_HEADERS = _headers("program", "//boards:second_configuration")

# With TAKT_COPTS + ["-O2"].
OPTIMIZED_HEADERS = _headers("optimized")
