// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/check.h"

#include "takt/tests/support/test.h"

namespace {

TEST(Check, passes_without_evaluating_twice) {
  int evaluations = 0;
  TAKT_CHECK(++evaluations == 1, "evaluated once");
  EXPECT_EQ(evaluations, 1);
}

TEST(Check, aborts_with_place_condition_and_message) {
  const int jobs = 3;
  EXPECT_ABORT([&] { TAKT_CHECK(jobs == 2, "two jobs at most"); },
               "check failed: jobs == 2: two jobs at most");
  EXPECT_ABORT([&] { TAKT_CHECK(jobs == 2, "two jobs at most"); }, "check_test.cc:");
}

}  // namespace
