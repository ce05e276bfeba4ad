// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/lock_guard.h"

#include <mutex>
#include <type_traits>

#include "takt/sync/mutex.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/expect_locks.h"

namespace {

using takt::LockGuard;
using takt::Mutex;

static_assert(!std::is_copy_constructible_v<LockGuard<Mutex>>);
static_assert(std::is_nothrow_constructible_v<LockGuard<Mutex>, Mutex&>);
static_assert(!std::is_nothrow_constructible_v<LockGuard<std::mutex>, std::mutex&>);

TEST(LockGuard, holds_for_its_scope) {
  Mutex mutex;
  {
    const LockGuard guard(mutex);
    EXPECT_FALSE(mutex.try_lock());
  }
  takt::test::expect_free(mutex);
}

TEST(LockGuard, releases_when_an_exception_passes) {
  Mutex mutex;
  try {
    const LockGuard guard(mutex);
    throw 1;
  } catch (int) {
  }
  takt::test::expect_free(mutex);
}

TEST(LockGuard, holds_the_standards_locks_too) {
  std::mutex mutex;
  { const LockGuard guard(mutex); }
  takt::test::expect_free(mutex);
}

}  // namespace
