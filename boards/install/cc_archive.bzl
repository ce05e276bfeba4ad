# SPDX-License-Identifier: Apache-2.0
"""One static library out of a cc_library and everything that it depends on.

(The archive that cc_library itself writes holds only its own objects.)
"""

load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _objects(library):
    # Position-independent where there is a choice: the archive may end in a shared library.
    return library.pic_objects or library.objects

def _cc_archive_impl(ctx):
    objects = []
    linker_inputs = ctx.attr.library[CcInfo].linking_context.linker_inputs.to_list()
    for linker_input in linker_inputs:
        for library in linker_input.libraries:
            objects.extend(_objects(library))

    archive = ctx.actions.declare_file("lib%s.a" % ctx.attr.archive)
    arguments = ctx.actions.args()
    arguments.add("qcsD")  # D: no dates, no user, so that equal sources give equal bytes
    arguments.add(archive)
    arguments.add_all(objects)
    toolchain = find_cc_toolchain(ctx)
    ctx.actions.run(
        arguments = [arguments],
        executable = toolchain.ar_executable,
        inputs = depset(objects, transitive = [toolchain.all_files]),
        mnemonic = "CcArchive",
        outputs = [archive],
        progress_message = "Archiving %s" % archive.short_path,
    )
    return [DefaultInfo(files = depset([archive]))]

cc_archive = rule(
    implementation = _cc_archive_impl,
    attrs = {
        "archive": attr.string(mandatory = True, doc = "NAME of libNAME.a"),
        "library": attr.label(mandatory = True, providers = [CcInfo]),
        "_cc_toolchain": attr.label(default = "@rules_cc//cc:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = use_cc_toolchain(),
)
