// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_CHILD_H_
#define TAKT_TESTS_SUPPORT_CHILD_H_

#include <string>
#include <type_traits>

#include "takt/tests/support/expect.h"

namespace takt::test {

/// How a child process ended, and what it wrote to stdout and stderr.
struct ChildOutcome {
  int wait_status = 0;  ///< as from waitpid
  std::string output;

  /// Ended by itself, with this exit status.
  [[nodiscard]] bool exited_with(int status) const noexcept;
  [[nodiscard]] bool killed_by(int signal) const noexcept;
};

namespace detail {
ChildOutcome run_in_child(void (*call)(const void*), const void* statement) noexcept;
bool judge_abort(const char* file, int line, const ChildOutcome& outcome,
                 const char* expected_output) noexcept;
}  // namespace detail

/// Runs `statement` in a fork child, which then leaves with status 0 by _exit: no destructors, no
/// atexit handlers. Expectations in it count for the running case. The child has the calling
/// thread only, so that a case that forks does it before it starts threads.
/// Blocks: until the child has ended, without a limit of its own. Callable from: any thread.
template <class Statement>
ChildOutcome run_in_child(const Statement& statement) noexcept {
  return detail::run_in_child(
      [](const void* object) { (*static_cast<const Statement*>(object))(); }, &statement);
}

namespace detail {
template <class Statement>
bool expect_abort(const char* file, int line, const Statement& statement,
                  const char* expected_output) noexcept {
  return judge_abort(file, line, takt::test::run_in_child(statement), expected_output);
}
}  // namespace detail

}  // namespace takt::test

/// The statement (a callable without parameters) must abort and before that write something that
/// contains `expected_output`. It runs in a fork child.
///
///   EXPECT_ABORT([] { TAKT_CHECK(false, "broken"); }, "broken");
#define EXPECT_ABORT(...) ::takt::test::detail::expect_abort(__FILE__, __LINE__, __VA_ARGS__)
#define ASSERT_ABORT(...) TAKT_TEST_ASSERT(EXPECT_ABORT(__VA_ARGS__))

#endif  // TAKT_TESTS_SUPPORT_CHILD_H_
