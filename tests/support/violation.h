// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_VIOLATION_H_
#define TAKT_TESTS_SUPPORT_VIOLATION_H_

#include <string_view>

namespace takt::test {

/// Ends the process because the calling thread did what a guard forbids: prints
/// "what by thread 'name' rule" and the stack, and aborts. Filters stand down: the report's own
/// calls pass. Allocates nothing. Callable from: any thread, signal handlers included.
[[noreturn]] void end_with_violation(std::string_view what, std::string_view rule) noexcept;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_VIOLATION_H_
