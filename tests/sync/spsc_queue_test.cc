// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/spsc_queue.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "takt/tests/support/test.h"
#include "takt/tests/sync/counted.h"
#include "takt/tests/sync/ring_cases.h"
#include "takt/tests/sync/shared_mapping.h"

namespace {

using takt::ProcessSpscQueue;
using takt::SpscQueue;
using takt::test::Counted;
using takt::test::SharedMapping;

// A line of the producer's, a line of the consumer's, then the items.
static_assert(sizeof(SpscQueue<std::uint64_t, 1024>) == 128 + 1024 * sizeof(std::uint64_t));
static_assert(sizeof(SpscQueue<char, 64>) == 192);
static_assert(alignof(SpscQueue<char, 1>) == 64);
static_assert(sizeof(ProcessSpscQueue<int, 7>) == sizeof(SpscQueue<int, 7>));
static_assert(SpscQueue<int, 100>::capacity() == 100);
static_assert(!std::is_copy_constructible_v<SpscQueue<int, 1>>);
// What may throw has to happen before the push.
template <class T>
concept PushesCopies = requires(SpscQueue<T, 1> queue, const T& item) {
  queue.try_push(item);
};
static_assert(PushesCopies<int> && !PushesCopies<std::string> && !PushesCopies<Counted>);
template <class T>
concept SharedByProcesses = requires {
  typename ProcessSpscQueue<T, 1>;
};
static_assert(SharedByProcesses<int> && !SharedByProcesses<Counted>);

constinit SpscQueue<Counted, 3> constant_initialised;

TEST(SpscQueue, keeps_order_around_the_ring) { takt::test::keep_order_around_rings<SpscQueue>(); }
TEST(SpscQueue, a_failed_push_leaves_the_item) { takt::test::fail_to_push<SpscQueue>(); }

TEST(SpscQueue, is_constant_initialised) {
  EXPECT_TRUE(constant_initialised.try_emplace(1));
  EXPECT_EQ(constant_initialised.try_pop()->value(), 1);
}

TEST(SpscQueue, a_batch_that_does_not_fit_leaves_the_rest) {
  SpscQueue<std::unique_ptr<int>, 3> queue;
  EXPECT_TRUE(queue.try_emplace(nullptr));
  std::array<std::unique_ptr<int>, 3> items;
  for (int i = 0; i < 3; ++i) items[static_cast<std::size_t>(i)] = std::make_unique<int>(i);
  EXPECT_EQ(queue.try_push_n(std::move_iterator(items.begin()), items.size()), 2);
  EXPECT_TRUE(items[0] == nullptr && items[1] == nullptr);
  ASSERT_TRUE(items[2] != nullptr);
  EXPECT_EQ(*items[2], 2);
  EXPECT_EQ(queue.try_push_n(std::move_iterator(items.begin() + 2), 1), 0);
  EXPECT_TRUE(items[2] != nullptr);
}

/// Each batch to push, each batch to pop, from each position and level; `Item` decides whether
/// memory is copied or objects are made.
template <class Item, class Container>
void pass_batches() {
  constexpr std::size_t kCapacity = 5;
  for (std::size_t start = 0; start < 2 * kCapacity; ++start) {
    for (std::size_t before = 0; before <= kCapacity; ++before) {
      for (std::size_t count = 0; count <= kCapacity + 2; ++count) {
        SpscQueue<Item, kCapacity> queue;
        for (std::size_t i = 0; i < start; ++i)
          EXPECT_TRUE(queue.try_emplace(0) && queue.try_pop());
        int next = 0;
        for (std::size_t i = 0; i < before; ++i) EXPECT_TRUE(queue.try_emplace(next++));
        Container items;
        for (std::size_t i = 0; i < count; ++i) items.emplace_back(next + static_cast<int>(i));
        const auto first = [&items] {
          if constexpr (std::is_trivially_copyable_v<Item>) {
            return items.data();
          } else {
            return std::move_iterator(items.begin());
          }
        }();
        const std::size_t pushed = queue.try_push_n(first, items.size());
        EXPECT_EQ(pushed, std::min(count, kCapacity - before));
        EXPECT_EQ(queue.size(), before + pushed);

        std::vector<Item> popped;
        for (std::size_t i = 0; i < kCapacity + 2; ++i) popped.emplace_back(-2);
        std::size_t got = queue.try_pop_n(popped.begin(), count);
        EXPECT_EQ(got, std::min(count, before + pushed));
        got +=
            queue.try_pop_n(popped.begin() + static_cast<std::ptrdiff_t>(got), kCapacity + 2 - got);
        EXPECT_EQ(got, before + pushed);
        for (std::size_t i = 0; i < popped.size(); ++i) {
          EXPECT_TRUE(popped[i] == Item(i < got ? static_cast<int>(i) : -2));
        }
      }
    }
  }
}

struct Named {
  explicit Named(int number) noexcept : name(std::to_string(number)) {}
  bool operator==(const Named&) const = default;
  std::string name;
};

TEST(SpscQueue, passes_batches_of_objects) { pass_batches<Named, std::list<Named>>(); }
TEST(SpscQueue, passes_batches_of_plain_data) { pass_batches<int, std::vector<int>>(); }

TEST(SpscQueue, copies_plain_batches_from_and_to_memory) {
  SpscQueue<std::uint16_t, 5> queue;
  const std::array<std::uint16_t, 4> items{1, 2, 3, 4};
  std::array<std::uint16_t, 6> popped{};
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(queue.try_push_n(items.data(), items.size()), 4);
    EXPECT_EQ(queue.try_push_n(items.begin(), items.size()), 1);
    EXPECT_EQ(queue.try_push_n(items.begin(), 0), 0);
    EXPECT_EQ(queue.try_pop_n(popped.data(), 3), 3);
    EXPECT_EQ(queue.try_pop_n(popped.begin() + 3, popped.size() - 3), 2);
    EXPECT_TRUE(popped == (std::array<std::uint16_t, 6>{1, 2, 3, 4, 1, 0}));
    EXPECT_EQ(queue.try_pop_n(popped.data(), popped.size()), 0);
  }
}

TEST(SpscQueue, shows_the_oldest_item_in_place) {
  SpscQueue<Counted, 2> queue;
  EXPECT_TRUE(queue.front() == nullptr);
  EXPECT_TRUE(queue.try_emplace(1) && queue.try_emplace(2));
  Counted* const oldest = queue.front();
  ASSERT_TRUE(oldest != nullptr);
  EXPECT_EQ(oldest->value(), 1);
  EXPECT_TRUE(queue.front() == oldest);
  EXPECT_FALSE(queue.try_emplace(3));  // it occupies its slot until pop()
  queue.pop();
  EXPECT_EQ(Counted::alive(), 1);
  EXPECT_TRUE(queue.try_emplace(3));
  EXPECT_EQ(queue.front()->value(), 2);
}

TEST(SpscQueue, misuse_aborts) {
  constexpr const char* kMessage = "SpscQueue: pop() of an item that front() has not shown";
  EXPECT_ABORT([] { SpscQueue<int, 1>().pop(); }, kMessage);
  EXPECT_ABORT(
      [] {
        SpscQueue<int, 2> queue;
        queue.try_push(1);
        if (queue.front() != nullptr) queue.pop();
        queue.pop();
      },
      kMessage);
}

TEST(SpscQueue, destroys_each_item_once) {
  {
    SpscQueue<Counted, 3> queue;
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(queue.try_emplace(i));
      EXPECT_EQ(Counted::alive(), 1);
      EXPECT_EQ(queue.try_pop()->value(), i);
      EXPECT_EQ(Counted::alive(), 0);
    }
    std::vector<Counted> items;
    items.reserve(3);
    for (int i = 0; i < 3; ++i) items.emplace_back(i);
    EXPECT_EQ(queue.try_push_n(std::move_iterator(items.begin()), 3), 3);
    EXPECT_EQ(Counted::alive(), 6);
    EXPECT_EQ(items[2].value(), Counted::kMoved);
    EXPECT_EQ(queue.try_pop_n(items.begin(), 1), 1);
    EXPECT_EQ(Counted::alive(), 5);
    EXPECT_EQ(items[0].value(), 0);
  }
  EXPECT_EQ(Counted::alive(), 0);
}

TEST(SpscQueue, has_no_pointers) {
  using Queue = ProcessSpscQueue<int, 3>;
  const SharedMapping memory(sizeof(Queue));
  const SharedMapping again = memory.mapped_again();
  auto* const queue = new (memory.data()) Queue;
  auto* const same = static_cast<Queue*>(again.data());
  ASSERT_TRUE(queue != same);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(queue->try_push(i));
    EXPECT_EQ(*same->front(), i);
    same->pop();
  }
  EXPECT_TRUE(queue->empty() && same->empty());
}

TEST(SpscQueue, connects_two_processes) {
  constexpr std::uint32_t kItems = 100'000;
  using Queue = ProcessSpscQueue<std::uint32_t, 100>;
  const SharedMapping memory(sizeof(Queue));
  auto* const queue = new (memory.data()) Queue;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (std::uint32_t item = 0; item < kItems; ++item) {
      while (!queue->try_push(item)) ::sched_yield();
    }
    ::_exit(0);
  }
  std::array<std::uint32_t, 8> items{};
  for (std::uint32_t expected = 0; expected < kItems;) {
    const std::size_t count = queue->try_pop_n(items.begin(), items.size());
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(items[i], expected++);
    if (count == 0) ::sched_yield();
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(queue->empty());
}

}  // namespace
