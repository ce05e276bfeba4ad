// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/broadcast_queue.h"

#include <cstdint>
#include <new>
#include <type_traits>

#include "takt/tests/support/test.h"
#include "takt/tests/sync/shared_mapping.h"

namespace {

using takt::BroadcastQueue;

static_assert(!std::is_copy_constructible_v<BroadcastQueue<int, 2, 1>>);
static_assert(BroadcastQueue<int, 5, 1>::capacity() == 5);
constinit BroadcastQueue<int, 4, 2> constant_initialised;

TEST(BroadcastQueue, is_empty_at_first) {
  EXPECT_FALSE(constant_initialised.try_pop(0).has_value());
  EXPECT_EQ(constant_initialised.pushed(), 0U);
  EXPECT_EQ(constant_initialised.lost(1), 0U);
}

TEST(BroadcastQueue, each_reader_gets_each_item) {
  BroadcastQueue<int, 4, 2> queue;
  for (int item = 0; item < 4; ++item) queue.push(item);
  for (std::size_t reader = 0; reader < 2; ++reader) {
    for (int item = 0; item < 4; ++item) {
      const auto received = queue.try_pop(reader);
      ASSERT_TRUE(received.has_value());
      EXPECT_EQ(received->item, item);
      EXPECT_EQ(received->lost, 0U);
    }
    EXPECT_FALSE(queue.try_pop(reader).has_value());
  }
  EXPECT_EQ(queue.pushed(), 4U);
}

TEST_EACH(BroadcastQueue, counts_exactly_what_a_slow_reader_has_lost, 5, 6, 7, 100, 101, 102) {
  BroadcastQueue<int, 4, 2> queue;
  for (int item = 0; item < param; ++item) queue.push(item);
  std::uint64_t lost = 0;
  int next = 0;
  while (const auto received = queue.try_pop(0)) {
    EXPECT_EQ(static_cast<std::uint64_t>(received->item - next), received->lost);
    lost += received->lost;
    next = received->item + 1;
  }
  EXPECT_EQ(next, param);
  EXPECT_EQ(lost, static_cast<std::uint64_t>(param) - 3);  // one is always given up beforehand
  EXPECT_EQ(queue.lost(0), lost);
  EXPECT_EQ(queue.lost(1), 0U);  // has not looked yet
}

TEST(BroadcastQueue, a_reader_that_keeps_up_loses_nothing) {
  BroadcastQueue<int, 3, 1> queue;
  for (int item = 0; item < 1000; ++item) {
    queue.push(item);
    const auto received = queue.try_pop(0);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->item, item);
    EXPECT_EQ(received->lost, 0U);
  }
}

TEST(BroadcastQueue, skips_what_is_not_wanted) {
  BroadcastQueue<int, 4, 1> queue;
  EXPECT_EQ(queue.skip(0), 0U);
  for (int item = 0; item < 10; ++item) queue.push(item);
  EXPECT_EQ(queue.skip(0), 10U);
  EXPECT_FALSE(queue.try_pop(0).has_value());
  queue.push(10);
  const auto received = queue.try_pop(0);
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->item, 10);
  EXPECT_EQ(received->lost, 0U);
}

TEST(BroadcastQueue, misuse_aborts) {
  EXPECT_ABORT([] { static_cast<void>(BroadcastQueue<int, 2, 1>().try_pop(1)); },
               "BroadcastQueue: no such reader");
}

// In memory that is mapped at two addresses.
TEST(BroadcastQueue, works_between_mappings) {
  using Shared = takt::ProcessBroadcastQueue<int, 2, 1>;
  const takt::test::SharedMapping mapping(sizeof(Shared));
  const takt::test::SharedMapping again = mapping.mapped_again();
  Shared& here = *new (mapping.data()) Shared();
  Shared& there = *static_cast<Shared*>(again.data());
  here.push(7);
  const auto received = there.try_pop(0);
  EXPECT_TRUE(received.has_value() && received->item == 7);
}

}  // namespace
