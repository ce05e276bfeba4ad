// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SYNC_RING_CASES_H_
#define TAKT_TESTS_SYNC_RING_CASES_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "takt/tests/support/test.h"

/// What holds for every queue over a ring, in one thread.
namespace takt::test {

/// Pushes and pops more than twice around, at every level of filling.
template <template <class, std::size_t> class Queue, std::size_t kCapacity>
void keep_order_around_a_ring() {
  Queue<std::size_t, kCapacity> queue;
  std::size_t pushed = 0;
  std::size_t popped = 0;
  for (std::size_t level = 1; level <= kCapacity; ++level) {
    for (std::size_t step = 0; step < 3 * kCapacity; ++step) {
      for (std::size_t i = 0; i < level; ++i) {
        EXPECT_EQ(queue.size(), i);
        ASSERT_TRUE(queue.try_push(pushed++));
      }
      EXPECT_EQ(queue.size(), level);
      EXPECT_EQ(queue.try_push(pushed), level < kCapacity);
      if (level < kCapacity) ++pushed;
      while (!queue.empty()) EXPECT_EQ(queue.try_pop(), popped++);
      EXPECT_FALSE(queue.try_pop().has_value());
    }
  }
  EXPECT_EQ(popped, pushed);
}

template <template <class, std::size_t> class Queue>
void keep_order_around_rings() {
  keep_order_around_a_ring<Queue, 1>();
  keep_order_around_a_ring<Queue, 2>();
  keep_order_around_a_ring<Queue, 3>();
  keep_order_around_a_ring<Queue, 7>();
  keep_order_around_a_ring<Queue, 8>();
}

/// An item that finds no room stays with the caller.
template <template <class, std::size_t> class Queue>
void fail_to_push() {
  Queue<std::unique_ptr<int>, 1> queue;
  EXPECT_TRUE(queue.try_push(std::make_unique<int>(1)));
  auto item = std::make_unique<int>(2);
  EXPECT_FALSE(queue.try_push(std::move(item)));
  ASSERT_TRUE(item != nullptr);  // NOLINT(bugprone-use-after-move): the promise under test
  EXPECT_FALSE(queue.try_emplace(std::move(item)));
  ASSERT_TRUE(item != nullptr);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(**queue.try_pop(), 1);
  EXPECT_TRUE(queue.try_push(std::move(item)));
  EXPECT_TRUE(item == nullptr);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(**queue.try_pop(), 2);
}

}  // namespace takt::test

#endif  // TAKT_TESTS_SYNC_RING_CASES_H_
