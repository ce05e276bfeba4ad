// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/priority_queue.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "takt/tests/support/test.h"
#include "takt/tests/sync/counted.h"
#include "takt/tests/sync/shared_mapping.h"
#include "takt/tests/sync/sleeper.h"

namespace {

using namespace std::chrono_literals;
using takt::BoundedPriorityQueue;
using takt::StatusCode;
using takt::TimePoint;
using takt::test::Counted;
using takt::test::Sleeper;

static_assert(!std::is_copy_constructible_v<BoundedPriorityQueue<int, 2, 2>>);
static_assert(BoundedPriorityQueue<int, 5, 2>::capacity() == 5);
constinit BoundedPriorityQueue<int, 4, 4> constant_initialised;

TEST(PriorityQueue, level_by_level_and_in_order_within_a_level) {
  BoundedPriorityQueue<int, 8, 3> queue;
  for (const int item : {20, 0, 10, 21, 11, 1, 22, 2}) {
    EXPECT_OK(queue.push(item, static_cast<std::size_t>(item / 10)));
  }
  EXPECT_EQ(queue.size(), 8U);
  for (const int item : {0, 1, 2, 10, 11, 20, 21, 22}) EXPECT_EQ(queue.pop().value_or(-1), item);
  EXPECT_EQ(queue.high_water(), 8U);
}

TEST(PriorityQueue, uses_its_cells_again) {
  for (int round = 0; round < 100; ++round) {
    EXPECT_OK(constant_initialised.try_push(2 * round, 3));
    EXPECT_OK(constant_initialised.try_push(2 * round + 1, 0));
    EXPECT_EQ(constant_initialised.pop().value_or(-1), 2 * round + 1);
    EXPECT_EQ(constant_initialised.pop().value_or(-1), 2 * round);
  }
  EXPECT_EQ(constant_initialised.high_water(), 2U);
}

TEST(PriorityQueue, a_failed_push_leaves_the_item_with_the_caller) {
  BoundedPriorityQueue<std::unique_ptr<int>, 1, 32> queue;
  EXPECT_OK(queue.try_push(std::make_unique<int>(1), 31));
  auto item = std::make_unique<int>(2);
  EXPECT_EQ(queue.try_push(std::move(item), 0).code(), StatusCode::unavailable);
  EXPECT_EQ(queue.push_for(std::move(item), 0, 1ms).code(), StatusCode::timed_out);
  queue.close();
  EXPECT_EQ(queue.push(std::move(item), 0).code(), StatusCode::closed);
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that is the point
  EXPECT_EQ(*item, 2);
}  // destroys the item that is left: the leak check judges

TEST(PriorityQueue, a_dropped_item_is_destroyed_and_counted) {
  {
    BoundedPriorityQueue<Counted, 1, 2> queue;
    EXPECT_TRUE(queue.push_or_drop(Counted(1), 1));
    EXPECT_FALSE(queue.push_or_drop(Counted(2), 0));  // more urgent: no reason to drop another
    EXPECT_EQ(Counted::alive(), 1);
    EXPECT_EQ(queue.dropped(), 1U);
    EXPECT_EQ(queue.pop()->value(), 1);
    queue.close();
    EXPECT_FALSE(queue.push_or_drop(Counted(3), 0));
    EXPECT_EQ(queue.dropped(), 2U);
  }
  EXPECT_EQ(Counted::alive(), 0);
}

TEST(PriorityQueue, the_oldest_of_the_last_level_gives_way) {
  BoundedPriorityQueue<int, 4, 3> queue;
  for (const int item : {0, 10, 20, 21}) {
    EXPECT_FALSE(queue.push_evict(item, static_cast<std::size_t>(item / 10)).has_value());
  }
  EXPECT_EQ(queue.push_evict(1, 0).value_or(-1), 20);
  EXPECT_EQ(queue.push_evict(22, 2).value_or(-1), 21);
  EXPECT_EQ(queue.push_evict(11, 1).value_or(-1), 22);
  EXPECT_EQ(queue.push_evict(12, 1).value_or(-1), 10);
  EXPECT_EQ(queue.push_evict(2, 0).value_or(-1), 11);
  for (const int item : {0, 1, 2, 12}) EXPECT_EQ(queue.try_pop().value_or(-1), item);
  EXPECT_EQ(queue.high_water(), 4U);
  EXPECT_EQ(queue.dropped(), 0U);
}

TEST(PriorityQueue, nothing_gives_way_to_what_comes_after_it) {
  BoundedPriorityQueue<std::unique_ptr<int>, 1, 2> queue;
  EXPECT_OK(queue.push(std::make_unique<int>(1), 0));
  const std::optional<std::unique_ptr<int>> refused = queue.push_evict(std::make_unique<int>(2), 1);
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(**refused, 2);
  EXPECT_EQ(**queue.pop(), 1);
  EXPECT_FALSE(queue.push_evict(std::make_unique<int>(3), 1).has_value());
  queue.close();
  EXPECT_TRUE(queue.push_evict(std::make_unique<int>(4), 0).has_value());
  EXPECT_EQ(**queue.pop(), 3);
}

TEST(PriorityQueue, destroys_what_is_left) {
  {
    BoundedPriorityQueue<Counted, 4, 4> queue;
    for (const int item : {3, 1, 2, 1}) {
      EXPECT_OK(queue.push(Counted(item), static_cast<std::size_t>(item)));
    }
    EXPECT_EQ(queue.pop()->value(), 1);
    EXPECT_OK(queue.push(Counted(0), 0));  // in a cell that was used before
    EXPECT_EQ(Counted::alive(), 4);
  }
  EXPECT_EQ(Counted::alive(), 0);
}

TEST(PriorityQueue, says_when_it_has_been_empty) {
  BoundedPriorityQueue<int, 2, 2> queue;
  queue.wait_drained();
  EXPECT_OK(queue.push(1, 0));
  EXPECT_OK(queue.push(2, 1));
  const TimePoint start = takt::now();
  EXPECT_EQ(queue.wait_drained_for(2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_EQ(queue.wait_drained_until(TimePoint::min()).code(), StatusCode::timed_out);
  Sleeper drainer([&] { queue.wait_drained(); });
  EXPECT_OK(queue.pop());
  EXPECT_FALSE(drainer.over());
  EXPECT_OK(queue.pop());
  drainer.join();
}

TEST(PriorityQueue, takes_copies) {
  BoundedPriorityQueue<int, 4, 2> queue;
  const int item = 7;
  EXPECT_OK(queue.push(item, 1));
  EXPECT_OK(queue.push_until(item, 1, takt::kNever));
  EXPECT_OK(queue.push_for(item, 1, 1ms));
  EXPECT_OK(queue.try_push(item, 0));
  EXPECT_EQ(queue.size(), 4U);
}

TEST(PriorityQueue, times_out) {
  BoundedPriorityQueue<int, 1, 1> queue;
  const TimePoint start = takt::now();
  EXPECT_EQ(queue.pop_for(2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_EQ(queue.try_pop().code(), StatusCode::unavailable);
  EXPECT_OK(queue.push_until(1, 0, TimePoint::min()));
  EXPECT_EQ(queue.pop_until(TimePoint::min()).value_or(0), 1);
}

TEST(PriorityQueue, wakes_who_waits) {
  BoundedPriorityQueue<int, 1, 2> queue;
  {
    Sleeper popper([&] { EXPECT_EQ(queue.pop().value_or(0), 7); });
    EXPECT_OK(queue.push(7, 1));
  }
  EXPECT_OK(queue.push(8, 1));
  Sleeper pusher([&] { EXPECT_OK(queue.push(9, 0)); });
  EXPECT_EQ(queue.pop().value_or(0), 8);
  pusher.join();
  EXPECT_EQ(queue.pop().value_or(0), 9);
}

TEST(PriorityQueue, close_strands_nobody) {
  BoundedPriorityQueue<int, 1, 2> empty;
  Sleeper popper([&] { EXPECT_EQ(empty.pop().code(), StatusCode::closed); });
  BoundedPriorityQueue<int, 1, 2> full;
  EXPECT_OK(full.push(1, 1));
  Sleeper pusher([&] { EXPECT_EQ(full.push(2, 0).code(), StatusCode::closed); });
  empty.close();
  full.close();
  popper.join();
  pusher.join();
  EXPECT_TRUE(full.closed());
  EXPECT_EQ(full.pop().value_or(0), 1);
  EXPECT_EQ(full.try_pop().code(), StatusCode::closed);
}

TEST(PriorityQueue, misuse_aborts) {
  using Queue = BoundedPriorityQueue<int, 1, 2>;
  const char* const text = "BoundedPriorityQueue: no such level";
  EXPECT_ABORT([] { static_cast<void>(Queue().push(1, 2)); }, text);
  EXPECT_ABORT([] { static_cast<void>(Queue().try_push(1, 2)); }, text);
  EXPECT_ABORT([] { static_cast<void>(Queue().push_or_drop(1, 2)); }, text);
  EXPECT_ABORT([] { static_cast<void>(Queue().push_evict(1, 2)); }, text);
}

// In memory that is mapped at two addresses.
TEST(PriorityQueue, works_between_mappings) {
  using Shared = takt::ProcessBoundedPriorityQueue<int, 2, 2>;
  const takt::test::SharedMapping mapping(sizeof(Shared));
  const takt::test::SharedMapping again = mapping.mapped_again();
  Shared& here = *new (mapping.data()) Shared();
  Shared& there = *static_cast<Shared*>(again.data());
  Sleeper popper([&] { EXPECT_EQ(there.pop().value_or(0), 7); });
  EXPECT_OK(here.push(7, 1));
  popper.join();
}

}  // namespace
