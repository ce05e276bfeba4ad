# SPDX-License-Identifier: Apache-2.0
"""Configuration of a compiler that Debian installs under /usr/bin."""

load("@rules_cc//cc:action_names.bzl", "ALL_CC_COMPILE_ACTION_NAMES", "ALL_CC_LINK_ACTION_NAMES")
load(
    "@rules_cc//cc:cc_toolchain_config_lib.bzl",
    "feature",
    "flag_group",
    "flag_set",
    "tool_path",
    "with_feature_set",
)
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load(
    "@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl",
    "CcToolchainConfigInfo",
)

def _flags(actions, flags, mode = None):
    return flag_set(
        actions = actions,
        flag_groups = [flag_group(flags = flags)],
        with_features = [with_feature_set(features = [mode])] if mode else [],
    )

def _cc_toolchain_config_impl(ctx):
    compile_sets = [
        _flags(ALL_CC_COMPILE_ACTION_NAMES, [
            "-fstack-protector",
            "-fno-omit-frame-pointer",
            # A build does not depend on when and where it ran.
            "-no-canonical-prefixes",
            "-Wno-builtin-macro-redefined",
            "-D__DATE__=\"redacted\"",
            "-D__TIMESTAMP__=\"redacted\"",
            "-D__TIME__=\"redacted\"",
        ]),
        _flags(ALL_CC_COMPILE_ACTION_NAMES, ["-g"], mode = "dbg"),
        _flags(ALL_CC_COMPILE_ACTION_NAMES, [
            "-O2",
            "-DNDEBUG",
            "-ffunction-sections",
            "-fdata-sections",
        ], mode = "opt"),
    ]
    if ctx.attr.copts:
        compile_sets.append(_flags(ALL_CC_COMPILE_ACTION_NAMES, ctx.attr.copts))
    link_sets = [
        _flags(ALL_CC_LINK_ACTION_NAMES, [
            "-no-canonical-prefixes",
            "-Wl,-z,relro,-z,now",
            "-lstdc++",
            "-lm",
        ]),
        _flags(ALL_CC_LINK_ACTION_NAMES, ["-Wl,--gc-sections"], mode = "opt"),
    ]
    # The linking compiler driver picks start files and libraries by the flags that choose the CPU.
    if ctx.attr.copts + ctx.attr.linkopts:
        link_sets.append(_flags(ALL_CC_LINK_ACTION_NAMES, ctx.attr.copts + ctx.attr.linkopts))

    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        toolchain_identifier = ctx.label.name,
        host_system_name = "local",
        target_system_name = ctx.attr.target,
        target_cpu = ctx.attr.target.partition("-")[0],
        target_libc = "glibc",
        compiler = ctx.attr.compiler,
        abi_version = "unknown",
        abi_libc_version = "unknown",
        cxx_builtin_include_directories = ctx.attr.builtin_include_directories,
        tool_paths = [
            tool_path(name = name, path = path)
            for name, path in ctx.attr.tools.items()
        ],
        features = [
            feature(name = "dbg"),
            feature(name = "opt"),
            feature(name = "supports_pic", enabled = True),
            feature(name = "supports_dynamic_linker", enabled = True),
            feature(name = "takt_compile_flags", enabled = True, flag_sets = compile_sets),
            feature(name = "takt_link_flags", enabled = True, flag_sets = link_sets),
        ],
    )

cc_toolchain_config = rule(
    implementation = _cc_toolchain_config_impl,
    attrs = {
        "builtin_include_directories": attr.string_list(mandatory = True),
        "compiler": attr.string(mandatory = True, values = ["gcc", "clang"]),
        "copts": attr.string_list(doc = "Flags that choose the CPU."),
        "linkopts": attr.string_list(),
        "target": attr.string(mandatory = True, doc = "GNU triplet, such as aarch64-linux-gnu."),
        "tools": attr.string_dict(mandatory = True, doc = "Bazel's name of a tool: its path."),
    },
    provides = [CcToolchainConfigInfo],
)
