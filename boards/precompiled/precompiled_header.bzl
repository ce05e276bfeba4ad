# SPDX-License-Identifier: Apache-2.0
"""A header that g++ parses once a configuration, instead of once a source."""

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
    if toolchain.compiler == "clang":
        # Its precompiled headers hold paths of the sandbox in which they were made.
        ctx.actions.write(header, "")
        return [_info(header)]
    ctx.actions.symlink(output = header, target_file = ctx.file.header)

    # g++ takes NAME.gch instead of NAME, if its flags are the same.
    precompiled = ctx.actions.declare_file(header.basename + ".gch")
    variables = cc_common.create_compile_variables(
        cc_toolchain = toolchain,
        feature_configuration = features,
        source_file = header.path,
        output_file = precompiled.path,
        use_pic = (toolchain.needs_pic_for_dynamic_libraries(feature_configuration = features) and
                   ctx.var["COMPILATION_MODE"] != "opt"),
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts +
                             ctx.attr.copts + ["-x", "c++-header"],
    )
    ctx.actions.run(
        executable = toolchain.compiler_executable,
        arguments = cc_common.get_memory_inefficient_command_line(
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
