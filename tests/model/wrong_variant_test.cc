// SPDX-License-Identifier: Apache-2.0
// The models that are linked with it, compiled against a wrong variant of what they prove
// (model_tests.bzl): one of them has to reject it.
#include "takt/tests/model/wrong_variant.h"

#include <cstdio>
#include <fstream>
#include <string>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"
#include "takt/tests/model/prove.h"

namespace takt::model {
namespace {

/// What is wrong: the comment at the head of the patch.
std::string description(const std::string& patch) {
  std::ifstream file(patch);
  std::string text;
  for (std::string line; std::getline(file, line) && line.rfind("# ", 0) == 0;) {
    text += line.substr(1);
  }
  return text;
}

TEST(WrongVariant, is_rejected) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const std::string what =
      description(std::string("tests/model/wrong/") + wrong_variant() + ".patch");
  ASSERT_FALSE(what.empty(), "the patch says at its head, after '# ', what is wrong");
  for (const Model& model : ModelSet::models()) {
    Options options = model.options;
    options.executions = most_executions_of_a_mutant(model.floor);
    const Report report = explore(options, model.body);
    if (!report.failed || report.cut) continue;
    ASSERT_EQ(report.failure.find("see Options"), std::string::npos,
              "the variant does what the model's options forbid: %s", report.failure.c_str());
    std::printf("%s:%s\nrejected by\n%s", wrong_variant(), what.c_str(),
                report.explanation(model.name).c_str());
    return;
  }
  FAIL("no model rejects %s:%s", wrong_variant(), what.c_str());
}

}  // namespace
}  // namespace takt::model
