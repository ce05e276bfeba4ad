# SPDX-License-Identifier: Apache-2.0
"""Shell scripts as programs and as tests.

Instead of sh_binary and sh_test, which Bazel 9 no longer has.
"""

load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")

def _script_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = executable, target_file = ctx.file.script, is_executable = True)
    runfiles = ctx.runfiles(files = ctx.files.data)
    for target in ctx.attr.data:
        runfiles = runfiles.merge(target[DefaultInfo].default_runfiles)
    return [DefaultInfo(
        executable = executable,
        files = depset([executable]),
        runfiles = runfiles,
    )]

def _script_test_impl(ctx):
    compiler = find_cc_toolchain(ctx).compiler_executable
    return _script_impl(ctx) + [testing.TestEnvironment({"TAKT_CC": compiler})]

_ATTRIBUTES = {
    "data": attr.label_list(allow_files = True),
    "script": attr.label(allow_single_file = True, mandatory = True),
}

script_binary = rule(
    implementation = _script_impl,
    attrs = _ATTRIBUTES,
    executable = True,
)

script_test = rule(
    implementation = _script_test_impl,
    attrs = dict(
        _ATTRIBUTES,
        _cc_toolchain = attr.label(default = "@rules_cc//cc:current_cc_toolchain"),
    ),
    doc = "The script finds the C compiler of the configuration under test in TAKT_CC.",
    test = True,
    toolchains = use_cc_toolchain(),
)
