# SPDX-License-Identifier: Apache-2.0
"""A header that the compiler parses once a configuration, instead of once a source."""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load("@rules_cc//cc:defs.bzl", "CcInfo")
load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")

def _info(*headers):
    return CcInfo(
        compilation_context = cc_common.create_compilation_context(headers = depset(headers)),
    )

def _precompiled_header_impl(ctx):
    toolchain = find_cc_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    header = ctx.actions.declare_file(ctx.label.name + ".h")
    ctx.actions.symlink(output = header, target_file = ctx.file.header)

    # Taken instead of the header, if the flags are the same.
    is_clang = toolchain.compiler == "clang"
    precompiled = ctx.actions.declare_file(header.basename + (".pch" if is_clang else ".gch"))
    variables = cc_common.create_compile_variables(
        cc_toolchain = toolchain,
        feature_configuration = features,
        # clang++ would remember the header's path, which lies in a sandbox.
        source_file = "-" if is_clang else header.path,
        output_file = precompiled.path,
        use_pic = (toolchain.needs_pic_for_dynamic_libraries(feature_configuration = features) and
                   ctx.var["COMPILATION_MODE"] != "opt"),
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts +
                             ctx.attr.copts + ["-x", "c++-header"],
    )
    ctx.actions.run_shell(
        command = "exec \"$@\" <" + header.path,
        arguments = [toolchain.compiler_executable] + cc_common.get_memory_inefficient_command_line(
            action_name = ACTION_NAMES.cpp_compile,
            feature_configuration = features,
            variables = variables,
        ),
        env = cc_common.get_environment_variables(
            action_name = ACTION_NAMES.cpp_compile,
            feature_configuration = features,
            variables = variables,
        ),
        inputs = depset([header], transitive = [toolchain.all_files]),
        mnemonic = "CppPrecompile",
        outputs = [precompiled],
    )
    return [_info(header, precompiled)]

precompiled_header = rule(
    implementation = _precompiled_header_impl,
    attrs = {
        "copts": attr.string_list(),
        "header": attr.label(allow_single_file = [".h"], mandatory = True),
        "_cc_toolchain": attr.label(default = "@rules_cc//cc:current_cc_toolchain"),
    },
    doc = "For `deps` of what is compiled with copts `-include $(BINDIR)/PACKAGE/NAME.h`.",
    fragments = ["cpp"],
    toolchains = use_cc_toolchain(),
)
