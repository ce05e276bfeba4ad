# SPDX-License-Identifier: Apache-2.0
"""The headers of libraries, for a test that compiles against them by itself."""

load("@rules_cc//cc:defs.bzl", "CcInfo")

def _headers_impl(ctx):
    return [DefaultInfo(runfiles = ctx.runfiles(transitive_files = depset(
        transitive = [dep[CcInfo].compilation_context.headers for dep in ctx.attr.deps],
    )))]

headers = rule(
    implementation = _headers_impl,
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
    doc = "Puts the headers of `deps` among the runfiles, each below PACKAGE/_virtual_includes/NAME.",
)
