# SPDX-License-Identifier: Apache-2.0
"""What toolchain resolution and every cc_test load, though nothing here uses Java or coverage."""

# @bazel_tools//tools/jdk loads these symbols whenever any toolchain is resolved.
JAVA_FILES = {
    "BUILD": "",
    "java/BUILD": "",
    "java/defs.bzl": "\n".join([
        "def %s(**attributes):\n    native.%s(**attributes)\n" % (rule, rule)
        for rule in [
            "java_binary",
            "java_import",
            "java_library",
            "java_package_configuration",
            "java_plugin",
            "java_runtime",
            "java_test",
            "java_toolchain",
        ]
    ]),
}

# Each cc_test depends on these two, and runs them only under `bazel coverage`.
COVERAGE_FILES = {
    "BUILD": "\n".join([
        "filegroup(name = %r, visibility = [\"//visibility:public\"])" % name
        for name in ["coverage_report_generator", "lcov_merger"]
    ]) + "\n",
}
