# SPDX-License-Identifier: Apache-2.0
"""The part of rules_cc that takt loads, over the C++ rules that Bazel 4 to 6 embeds.

Paths and names are those of the real rules_cc, so that a BUILD file works with either.
"""

_RULES = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
]

_PROVIDERS = {
    "CcInfo": "native_cc_info",
    "CcToolchainConfigInfo": "native_cc_toolchain_config_info",
    "DebugPackageInfo": "native_debug_package_info",
    "cc_common": "native_cc_common",
}

# Starlark refuses `CcInfo = CcInfo`; the detour through a second file gives it another name first.
_NATIVE_NAMES = "".join(["%s = %s\n" % (name, native) for native, name in _PROVIDERS.items()])

def _reexport(source, names):
    loads = ", ".join(['_%s = "%s"' % (name, source_name) for name, source_name in names.items()])
    return "load(\"%s\", %s)\n" % (source, loads) + "".join([
        "%s = _%s\n" % (name, name)
        for name in names
    ])

def _providers(*names):
    return _reexport(
        "@rules_cc//cc/private:native_names.bzl",
        {name: _PROVIDERS[name] for name in names},
    )

_ACTION_NAMES = _reexport(
    "@bazel_tools//tools/build_defs/cc:action_names.bzl",
    {"ACTION_NAMES": "ACTION_NAMES"},
) + """
ALL_CC_COMPILE_ACTION_NAMES = [
    ACTION_NAMES.assemble,
    ACTION_NAMES.c_compile,
    ACTION_NAMES.clif_match,
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.cpp_module_codegen,
    ACTION_NAMES.cpp_module_compile,
    ACTION_NAMES.linkstamp_compile,
    ACTION_NAMES.lto_backend,
    ACTION_NAMES.preprocess_assemble,
]

ALL_CC_LINK_ACTION_NAMES = [
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
    ACTION_NAMES.lto_index_for_dynamic_library,
    ACTION_NAMES.lto_index_for_executable,
    ACTION_NAMES.lto_index_for_nodeps_dynamic_library,
]
"""

RULES_CC_FILES = {
    "BUILD": "",
    "cc/BUILD": """\
alias(
    name = "current_cc_toolchain",
    actual = "@bazel_tools//tools/cpp:current_cc_toolchain",
    visibility = ["//visibility:public"],
)
""",
    "cc/action_names.bzl": _ACTION_NAMES,
    "cc/cc_toolchain_config_lib.bzl": _reexport(
        "@bazel_tools//tools/cpp:cc_toolchain_config_lib.bzl",
        {name: name for name in [
            "action_config",
            "artifact_name_pattern",
            "env_entry",
            "env_set",
            "feature",
            "feature_set",
            "flag_group",
            "flag_set",
            "tool",
            "tool_path",
            "variable_with_value",
            "with_feature_set",
        ]},
    ),
    "cc/common/BUILD": "",
    "cc/common/cc_common.bzl": _providers("cc_common"),
    "cc/common/cc_info.bzl": _providers("CcInfo"),
    "cc/compiler/BUILD": "\n".join(["""\
config_setting(
    name = "%s",
    flag_values = {"@bazel_tools//tools/cpp:compiler": "%s"},
    visibility = ["//visibility:public"],
)
""" % (compiler, compiler) for compiler in ["clang", "gcc"]]),
    "cc/defs.bzl": _providers("CcInfo", "cc_common") + "".join([
        "\ndef %s(**attributes):\n    native.%s(**attributes)\n" % (rule, rule)
        for rule in _RULES
    ]),
    "cc/find_cc_toolchain.bzl": _reexport(
        "@bazel_tools//tools/cpp:toolchain_utils.bzl",
        {"find_cc_toolchain": "find_cpp_toolchain", "find_cpp_toolchain": "find_cpp_toolchain"},
    ) + """
CC_TOOLCHAIN_TYPE = "@bazel_tools//tools/cpp:toolchain_type"

def use_cc_toolchain(mandatory = True):
    return [CC_TOOLCHAIN_TYPE]
""",
    "cc/private/BUILD": "",
    "cc/private/native_names.bzl": _NATIVE_NAMES,
    "cc/toolchains/BUILD": "",
    "cc/toolchains/cc_toolchain_config_info.bzl": _providers("CcToolchainConfigInfo"),
}
