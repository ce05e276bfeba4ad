// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_CASE_RESULT_H_
#define TAKT_TESTS_SUPPORT_CASE_RESULT_H_

#include <chrono>
#include <string>
#include <vector>

namespace takt::test {

/// How one case ended.
struct CaseResult {
  std::string suite;
  std::string name;
  std::vector<std::string> failures;  ///< a crash and an exceeded time limit are among them
  std::string skip_reason;            ///< empty: not skipped
  std::chrono::nanoseconds duration{};

  [[nodiscard]] bool failed() const noexcept { return !failures.empty(); }
  [[nodiscard]] bool skipped() const noexcept { return !failed() && !skip_reason.empty(); }
  [[nodiscard]] std::string full_name() const { return suite + '.' + name; }
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_CASE_RESULT_H_
