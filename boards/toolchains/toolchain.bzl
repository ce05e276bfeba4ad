# SPDX-License-Identifier: Apache-2.0
"""A registered toolchain around one of Debian's compilers."""

load("@rules_cc//cc:defs.bzl", "cc_toolchain")
load(":cc_toolchain_config.bzl", "cc_toolchain_config")

_CC_TOOLCHAIN_TYPE = "@bazel_tools//tools/cpp:toolchain_type"

def _toolchain(name, target_compatible_with, **config):
    cc_toolchain_config(
        name = name + "_config",
        **config
    )
    cc_toolchain(
        name = name + "_cc",
        all_files = ":none",
        compiler_files = ":none",
        dwp_files = ":none",
        linker_files = ":none",
        objcopy_files = ":none",
        strip_files = ":none",
        supports_param_files = 1,
        toolchain_config = name + "_config",
    )
    native.toolchain(
        name = name,
        exec_compatible_with = ["@platforms//os:linux"],
        target_compatible_with = target_compatible_with,
        toolchain = name + "_cc",
        toolchain_type = _CC_TOOLCHAIN_TYPE,
    )

def _tools(prefix, compiler):
    tools = {"gcc": compiler}
    for tool in ["ar", "cpp", "dwp", "gcov", "ld", "nm", "objcopy", "objdump", "strip"]:
        tools[tool] = prefix + tool
    return tools

def board_toolchain(name, machine, copts):
    """Debian's cross g++ for one board.

    Args:
      name: of the board, an entry of BOARDS.
      machine: architecture, as in BOARDS.
      copts: flags that choose the CPU.
    """
    native.constraint_value(
        name = name + "_board",
        constraint_setting = ":board",
    )
    prefix = "/usr/bin/%s-" % machine.target
    _toolchain(
        name = name,
        builtin_include_directories = [
            "/usr/lib/gcc-cross/" + machine.target,
            "/usr/" + machine.target,
        ],
        compiler = "gcc",
        copts = copts,
        target = machine.target,
        target_compatible_with = [machine.cpu, "@platforms//os:linux", name + "_board"],
        tools = _tools(prefix, prefix + "gcc"),
    )

def host_clang_toolchain(name):
    """Debian's clang++ for the machine that builds; --config=clang puts it first.

    Args:
      name: of the toolchain.
    """
    _toolchain(
        name = name,
        builtin_include_directories = [
            "/usr/include",
            "/usr/lib/clang",
            "/usr/lib/gcc",
            "/usr/lib/llvm-14/lib/clang",
        ],
        compiler = "clang",
        # Bazel links through the C driver, which otherwise leaves out ubsan's C++ half.
        linkopts = ["-fsanitize-link-c++-runtime"],
        target = "local-linux-gnu",
        target_compatible_with = [],
        tools = _tools("/usr/bin/", "/usr/bin/clang"),
    )
