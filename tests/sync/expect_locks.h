// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SYNC_EXPECT_LOCKS_H_
#define TAKT_TESTS_SYNC_EXPECT_LOCKS_H_

#include "takt/sync/annotations.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// Expects that `attempt()` takes the lock, and gives it back. The static analysis does not see
/// through an expectation.
template <class Lock, class Attempt>
void expect_locks(Lock& lock, const Attempt& attempt) TAKT_NO_THREAD_SAFETY_ANALYSIS {
  if (EXPECT_TRUE(attempt())) lock.unlock();
}

/// Expects that nobody holds the lock.
template <class Lock>
void expect_free(Lock& lock) {
  expect_locks(lock, [&lock] { return lock.try_lock(); });
}

}  // namespace takt::test

#endif  // TAKT_TESTS_SYNC_EXPECT_LOCKS_H_
