# SPDX-License-Identifier: Apache-2.0
"""The models of one primitive, as tests: they hold, and they reject what is wrong."""

load("//tests/support:takt_cc_test.bzl", "takt_cc_test")

# Exploration is all computing: optimised in every configuration.
OPTIMIZED = ["-O2"]

def model_tests(name, headers, deps, srcs = None, wrong = True):
    """The test NAME_model_test proves the models of NAME_models.cc; with wrong_variant_tests().

    Args:
      name: of the primitive: as its header, without ".h".
      headers: labels of the shipped headers that the models prove; the test reads them.
      deps: the libraries that they belong to.
      srcs: where the models are, if not in NAME_models.cc.
      wrong: whether wrong variants are called NAME too.
    """
    srcs = srcs or [name + "_models.cc"]
    takt_cc_test(
        name = name + "_model_test",
        size = "medium",
        timeout = "long",  # a busy machine; half a minute else
        srcs = srcs,
        copts = OPTIMIZED,
        data = headers + ["survivors.txt"],
        deps = deps + [":model_set_test"],
    )
    if wrong:
        wrong_variant_tests(name, headers[0], deps, srcs)

def wrong_variant_tests(name, header, deps, srcs = None, other = None):
    """For each wrong/NAME_WHAT.patch the test NAME_WHAT_wrong_test: a model rejects that variant.

    The models are compiled against a patched copy of the header. It defines what the test links
    against, so that a build that finds the shipped header instead fails.

    Args:
      name: of the primitive.
      header: label of the shipped header.
      deps: the library that it belongs to.
      srcs: where the models are, if not in NAME_models.cc.
      other: a primitive whose name begins with this one's.
    """
    patches = native.glob(
        ["wrong/%s_*.patch" % name],
        exclude = ["wrong/%s_*.patch" % other] if other else [],
    )
    label = Label(header)
    for patch in patches:
        variant = patch[len("wrong/"):-len(".patch")]
        folder = "wrong/" + variant
        copy = "%s/takt/%s/%s" % (folder, label.package, label.name)
        native.genrule(
            name = variant + "_header",
            testonly = True,
            srcs = [header, patch],
            outs = [copy],
            cmd = "cp $(location %s) $@ && chmod u+w $@ && " % header +
                  "patch --quiet --fuzz=0 --no-backup-if-mismatch --reject-file=- $@ $(location %s) >&2 && " % patch +
                  "echo '#include \"takt/tests/model/wrong_variant.h\"' >> $@ && " +
                  "echo '[[gnu::weak]] const char* takt::model::wrong_variant() { return \"%s\"; }' >> $@" % variant,
            message = "Breaking",
            tags = ["wrong_variant"],
        )
        takt_cc_test(
            name = variant + "_wrong_test",
            size = "small",
            srcs = [copy] + (srcs or [name + "_models.cc"]),
            copts = ["-O1", "-iquote", "$(GENDIR)/%s/%s" % (native.package_name(), folder)],
            data = [patch],
            tags = ["wrong_variant"],  # shipped code has its warnings from other targets
            deps = deps + [":wrong_variant_test"],
        )
