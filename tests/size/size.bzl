# SPDX-License-Identifier: Apache-2.0
"""Programs built for size, for several machines in one build."""

def _for_size_impl(settings, attr):
    return {
        "//command_line_option:compilation_mode": "opt",
        "//command_line_option:copt": ["-Os"],
        "//command_line_option:platforms": [str(attr.platform)] if attr.platform else [],
    }

_for_size = transition(
    implementation = _for_size_impl,
    inputs = [],
    outputs = [
        "//command_line_option:compilation_mode",
        "//command_line_option:copt",
        "//command_line_option:platforms",
    ],
)

def _built_for_size_impl(ctx):
    links = []
    for program in ctx.attr.programs:
        executable = program[DefaultInfo].files_to_run.executable
        link = ctx.actions.declare_file("%s/%s" % (ctx.label.name, executable.basename))
        ctx.actions.symlink(output = link, target_file = executable)
        links.append(link)
    return [DefaultInfo(
        files = depset(links),
        runfiles = ctx.runfiles(files = links),
    )]

built_for_size = rule(
    implementation = _built_for_size_impl,
    attrs = {
        "platform": attr.label(doc = "//boards:NAME; none: the machine that builds"),
        "programs": attr.label_list(cfg = _for_size, mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    doc = "Links to the programs, built with -Os, in a folder of the target's name.",
)
