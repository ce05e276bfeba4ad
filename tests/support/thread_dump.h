// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_THREAD_DUMP_H_
#define TAKT_TESTS_SUPPORT_THREAD_DUMP_H_

#include <sys/types.h>

namespace takt::test {

/// Prints a line for every thread of the process on stdout: id, name, state, scheduling policy and
/// priority, the system call and the kernel function that it waits in, and the kernel stack where
/// /proc lets us read it. The process need not cooperate.
void dump_threads(pid_t process);

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_THREAD_DUMP_H_
