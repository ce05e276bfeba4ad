// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/fixed_priority.h"

#include <thread>

#include "takt/platform/this_thread.h"
#include "takt/tests/support/test.h"

namespace {

using takt::platform::fixed_priority;
using takt::platform::set_scheduling;
using takt::platform::detail::fixed_priority_of;

static_assert(fixed_priority_of(takt::Other{.nice = -20}) == 0);
static_assert(fixed_priority_of(takt::Batch{}) == 0);
static_assert(fixed_priority_of(takt::Idle{}) == 0);
static_assert(fixed_priority_of(takt::Fifo{.priority = 99}) == 99);
static_assert(fixed_priority_of(takt::RoundRobin{.priority = 1}) == 1);
static_assert(fixed_priority_of(takt::Deadline{.runtime = takt::Duration(1)}) == 100);

TEST(FixedPriority, sharing_time_is_0) {
  EXPECT_EQ(fixed_priority(), 0);
  EXPECT_EQ(set_scheduling(takt::Fifo{.priority = 100}).code(), takt::StatusCode::invalid_argument);
  EXPECT_EQ(fixed_priority(), 0);
}

TEST(FixedPriority, follows_set_scheduling) {
  EXPECT_EQ(fixed_priority(), 0);
  if (const takt::Status status = set_scheduling(takt::Fifo{.priority = 7}); !status.ok()) {
    SKIP("%s", status.text());
  }
  EXPECT_EQ(fixed_priority(), 7);
  std::thread([] {
    EXPECT_EQ(fixed_priority(), 7);  // inherited, and asked for
    EXPECT_OK(set_scheduling(takt::RoundRobin{.priority = 9}));
    EXPECT_EQ(fixed_priority(), 9);
    EXPECT_OK(set_scheduling(takt::Other{}));
    EXPECT_EQ(fixed_priority(), 0);
  }).join();
  EXPECT_EQ(fixed_priority(), 7);
}

}  // namespace
