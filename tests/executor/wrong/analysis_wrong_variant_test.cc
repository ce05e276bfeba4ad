// SPDX-License-Identifier: Apache-2.0
// The cross-check, compiled against an analysis that is wrong (analysis_*.patch): it has to
// find a response that exceeds its bound.
#include <cstdio>

#include "takt/tests/executor/analysis_cross_check.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// Defined at the end of the patched header and nowhere else.
const char* wrong_variant();

namespace {

// By the very sets that the shipped analysis is checked with (analysis_cross_check_test.cc): what
// only others would catch is not caught.
TEST(AnalysisWrongVariant, is_caught) {
  CrossCheck check(CrossCheck::kFirstStream);
  int sets = 0;
  while (check.violations() == 0 && sets < CrossCheck::kSetsOfAStream) {
    check.check_one();
    ++sets;
  }
  EXPECT_GT(check.violations(), 0U, "%s is not caught by %d sets", wrong_variant(), sets);
  std::printf("%s is caught: %s", wrong_variant(), check.first_violation().c_str());
}

}  // namespace
}  // namespace takt::test
