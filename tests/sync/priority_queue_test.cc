// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/priority_queue.h"

#include <chrono>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "takt/tests/support/test.h"
#include "takt/tests/sync/shared_mapping.h"
#include "takt/tests/sync/sleeper.h"

namespace {

using namespace std::chrono_literals;
using takt::BoundedPriorityQueue;
using takt::StatusCode;
using takt::TimePoint;
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
  EXPECT_ABORT([] { static_cast<void>(BoundedPriorityQueue<int, 1, 2>().push(1, 2)); },
               "BoundedPriorityQueue: no such level");
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
