// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_JUNIT_H_
#define TAKT_TESTS_SUPPORT_JUNIT_H_

#include <string>
#include <vector>

#include "takt/tests/support/case_result.h"

namespace takt::test {

/// Writes the results as JUnit XML, as Bazel and continuous-integration servers read it. The file
/// appears under its name only when it is complete. False, and a line on stderr, when it cannot be
/// written.
bool write_junit(const std::string& path, const std::vector<CaseResult>& results);

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_JUNIT_H_
