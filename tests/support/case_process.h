// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_CASE_PROCESS_H_
#define TAKT_TESTS_SUPPORT_CASE_PROCESS_H_

#include "takt/tests/support/case_result.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// Runs one case in a process of its own and waits for it:
///
///   forked --(records: failure, skipped, time limit)--> ended: the exit status is judged
///     |--(time limit passed)--> threads dumped, SIGABRT, after a second SIGKILL: failed
///     `--(the supervisor gets SIGTERM or SIGINT)--> likewise, and interrupted() is true
///
/// Whatever the case left behind in its process group is killed. The calling process has one
/// thread.
CaseResult run_case_in_process(const Case& test_case);

/// Whether this process was told to end while a case was running.
bool interrupted() noexcept;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_CASE_PROCESS_H_
