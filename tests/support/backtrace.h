// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_BACKTRACE_H_
#define TAKT_TESTS_SUPPORT_BACKTRACE_H_

namespace takt::test {

/// The first backtrace of a process loads the unwinder, which allocates: this does it early.
void prepare_backtrace() noexcept;

/// Writes the calling thread's stack to stderr: symbols where the program exports them (-rdynamic),
/// else addresses, which `addr2line -e PROGRAM` reads after subtracting the load address that the
/// last line tells. Allocates nothing after prepare_backtrace().
/// Callable from: any thread, signal handlers included.
void write_backtrace() noexcept;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_BACKTRACE_H_
