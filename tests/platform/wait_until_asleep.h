// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_WAIT_UNTIL_ASLEEP_H_
#define TAKT_TESTS_PLATFORM_WAIT_UNTIL_ASLEEP_H_

#include <sched.h>

#include <atomic>
#include <cstdint>

#include "takt/platform/proc_reader.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// Waits until `thread_id` is not 0, that is, until the thread has stored its id there, and then
/// until /proc shows that thread asleep. It must store the id as its last act before it blocks.
/// Returns the id. Blocks: until then; the case's time limit ends it.
inline std::int32_t wait_until_asleep(const std::atomic<std::int32_t>& thread_id) noexcept {
  while (thread_id.load() == 0) ::sched_yield();
  for (;;) {
    const auto stat = platform::read_thread_stat(thread_id.load());
    EXPECT_OK(stat);
    if (!stat.ok() || stat->state == 'S') return thread_id.load();
    ::sched_yield();
  }
}

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_WAIT_UNTIL_ASLEEP_H_
