# SPDX-License-Identifier: Apache-2.0
"""The repositories that Bazel 4 to 6 expects in a C++ build, generated without a network.

Bazel asks for three repositories that it does not embed. Each is only glue over rules that
it does embed, so a few generated files stand in for it. A consumer's WORKSPACE calls

    load("@takt//boards/bazel:repositories.bzl", "takt_repositories")
    takt_repositories()

A repository that the consumer has already defined wins.
"""

load("//boards/bazel:java_and_coverage.bzl", "JAVA_FILES", "COVERAGE_FILES")
load("//boards/bazel:rules_cc.bzl", "RULES_CC_FILES")

def _generated_repository_impl(repository_ctx):
    repository_ctx.file("WORKSPACE", "workspace(name = %r)\n" % repository_ctx.name)
    for path, content in repository_ctx.attr.files.items():
        repository_ctx.file(path, content, executable = False)

_generated_repository = repository_rule(
    implementation = _generated_repository_impl,
    attrs = {"files": attr.string_dict(mandatory = True, doc = "path: content")},
    local = True,
    doc = "A repository that consists of the given files.",
)

def takt_repositories():
    """Defines rules_cc, rules_java and remote_coverage_tools where they are missing."""
    for name, files in [
        ("rules_cc", RULES_CC_FILES),
        ("rules_java", JAVA_FILES),
        ("remote_coverage_tools", COVERAGE_FILES),
    ]:
        if name not in native.existing_rules():
            _generated_repository(name = name, files = files)

def takt_register_toolchains():
    """Registers the cross compilers; only used with platform-based toolchain resolution."""
    native.register_toolchains("@takt//boards/toolchains:all")
