# SPDX-License-Identifier: Apache-2.0
"""The rule behind `bazel run //:install`."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

_SourcesInfo = provider(
    doc = "Source files of a cc_library and of everything that it depends on.",
    fields = {
        "headers": "depset of public headers",
        "sources": "depset of everything else that is compiled",
    },
)

def _sources_aspect_impl(_target, ctx):
    # A rule of another kind, a precompiled header say, has no sources of ours.
    dependencies = [
        dependency[_SourcesInfo]
        for dependency in getattr(ctx.rule.attr, "deps", [])
        if _SourcesInfo in dependency
    ]
    return [_SourcesInfo(
        headers = depset(
            getattr(ctx.rule.files, "hdrs", []),
            transitive = [dependency.headers for dependency in dependencies],
        ),
        sources = depset(
            getattr(ctx.rule.files, "srcs", []),
            transitive = [dependency.sources for dependency in dependencies],
        ),
    )]

_sources_aspect = aspect(
    implementation = _sources_aspect_impl,
    attr_aspects = ["deps"],
)

def _path_in_repository(file):
    # Seen from another workspace, takt's files are ../takt/platform/….
    path = file.short_path
    return path.split("/", 2)[2] if path.startswith("../") else path

def _install_impl(ctx):
    sources = ctx.attr.library[_SourcesInfo]
    kinds = [
        ("archive", [ctx.file.archive]),
        ("header", sources.headers.to_list()),
        ("license", [ctx.file.license]),
        ("source", sources.sources.to_list()),
        ("template", ctx.files.templates),
    ]

    # What the script installs: kind, path in the repository, path among the runfiles.
    manifest = ctx.actions.declare_file(ctx.label.name + ".manifest")
    ctx.actions.write(manifest, "".join(sorted([
        "%s %s %s\n" % (kind, _path_in_repository(file), file.short_path)
        for kind, files in kinds
        for file in files
    ])))

    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.expand_template(
        is_executable = True,
        output = executable,
        substitutions = {
            "@COMPILATION_MODE@": ctx.var["COMPILATION_MODE"],
            "@MANIFEST@": manifest.short_path,
            "@WORKSPACE@": ctx.workspace_name,
        },
        template = ctx.file._script,
    )
    installed = [file for _, files in kinds for file in files]
    return [DefaultInfo(
        executable = executable,
        runfiles = ctx.runfiles(files = installed + [manifest]),
    )]

install = rule(
    implementation = _install_impl,
    attrs = {
        "archive": attr.label(allow_single_file = [".a"], mandatory = True),
        "library": attr.label(aspects = [_sources_aspect], mandatory = True, providers = [CcInfo]),
        "license": attr.label(allow_single_file = True, mandatory = True),
        "templates": attr.label_list(allow_files = True),
        "_script": attr.label(
            allow_single_file = True,
            default = "//boards/install:install.sh",
        ),
    },
    executable = True,
)
