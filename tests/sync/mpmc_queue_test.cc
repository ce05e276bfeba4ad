// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/mpmc_queue.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "takt/tests/support/report.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/counted.h"
#include "takt/tests/sync/ring_cases.h"
#include "takt/tests/sync/shared_mapping.h"

namespace {

using takt::MpmcQueue;
using takt::ProcessMpmcQueue;
using takt::test::Counted;
using takt::test::SharedMapping;

// A line of those who push, a line of those who pop, then the cells: four of eight bytes a line.
static_assert(sizeof(MpmcQueue<std::uint64_t, 1024>) == 128 + 1024 * 16);
static_assert(alignof(MpmcQueue<char, 1>) == 64);
static_assert(sizeof(ProcessMpmcQueue<int, 7>) == sizeof(MpmcQueue<int, 7>));
static_assert(MpmcQueue<int, 100>::capacity() == 100);
static_assert(!std::is_copy_constructible_v<MpmcQueue<int, 1>>);
// What may throw has to happen before the push.
template <class T>
concept PushesCopies = requires(MpmcQueue<T, 1> queue, const T& item) {
  queue.try_push(item);
};
static_assert(PushesCopies<int> && !PushesCopies<std::string> && !PushesCopies<Counted>);
template <class T>
concept SharedByProcesses = requires {
  typename ProcessMpmcQueue<T, 1>;
};
static_assert(SharedByProcesses<int> && !SharedByProcesses<Counted>);

constinit MpmcQueue<Counted, 3> constant_initialised;

TEST(MpmcQueue, keeps_order_around_the_ring) { takt::test::keep_order_around_rings<MpmcQueue>(); }
TEST(MpmcQueue, a_failed_push_leaves_the_item) { takt::test::fail_to_push<MpmcQueue>(); }

TEST(MpmcQueue, is_constant_initialised) {
  EXPECT_TRUE(constant_initialised.try_emplace(1));
  EXPECT_EQ(constant_initialised.try_pop()->value(), 1);
}

TEST(MpmcQueue, destroys_each_item_once) {
  {
    MpmcQueue<Counted, 3> queue;
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(queue.try_emplace(i));
      EXPECT_EQ(Counted::alive(), 1);
      EXPECT_EQ(queue.try_pop()->value(), i);
      EXPECT_EQ(Counted::alive(), 0);
    }
    EXPECT_TRUE(queue.try_emplace(1) && queue.try_emplace(2));
    EXPECT_EQ(Counted::alive(), 2);
  }
  EXPECT_EQ(Counted::alive(), 0);
}

/// An item in whose construction, that is in the middle of a push or a pop, something else runs.
class Interrupted {
 public:
  explicit Interrupted(int value) noexcept : value_(value) {}
  Interrupted(int value, const std::function<void()>& interruption) noexcept : value_(value) {
    interruption();
  }
  Interrupted(Interrupted&& other) noexcept : value_(other.value_) {
    if (!on_move_) return;
    const std::function<void()> once = std::exchange(on_move_, nullptr);
    once();
  }
  [[nodiscard]] int value() const { return value_; }
  static void on_next_move(std::function<void()> interruption) {
    on_move_ = std::move(interruption);
  }

 private:
  static inline std::function<void()> on_move_;
  int value_;
};
using InterruptedQueue = MpmcQueue<Interrupted, 3>;

/// What a pop returns; 0 when it is empty.
int popped(InterruptedQueue& queue) {
  const std::optional<Interrupted> item = queue.try_pop();
  return item.has_value() ? item->value() : 0;
}

TEST(MpmcQueue, an_unfinished_push_hides_what_is_pushed_behind_it) {
  InterruptedQueue queue;
  EXPECT_TRUE(queue.try_emplace(1));
  const std::function<void()> meanwhile = [&queue] {
    EXPECT_TRUE(queue.try_emplace(3));
    EXPECT_FALSE(queue.try_emplace(9));  // full
    EXPECT_EQ(popped(queue), 1);         // pushed before
    EXPECT_EQ(popped(queue), 0);         // says empty: 3 is hidden
    EXPECT_EQ(queue.size(), 2);
    EXPECT_TRUE(queue.try_emplace(4));
    EXPECT_FALSE(queue.try_emplace(9));  // full: its own and two behind it
  };
  EXPECT_TRUE(queue.try_emplace(2, meanwhile));
  EXPECT_EQ(popped(queue), 2);
  EXPECT_EQ(popped(queue), 3);
  EXPECT_EQ(popped(queue), 4);
  EXPECT_EQ(popped(queue), 0);
}

TEST(MpmcQueue, an_unfinished_pop_hides_nothing) {
  InterruptedQueue queue;
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(queue.try_emplace(i));
  Interrupted::on_next_move([&queue] {
    EXPECT_FALSE(queue.try_emplace(9));  // says full: its place is not vacant yet
    EXPECT_EQ(queue.size(), 2);
    EXPECT_EQ(popped(queue), 2);
    EXPECT_EQ(popped(queue), 3);
    EXPECT_EQ(popped(queue), 0);
    EXPECT_FALSE(queue.try_emplace(9));  // the next place is the one
  });
  EXPECT_EQ(popped(queue), 1);
  EXPECT_TRUE(queue.try_emplace(4) && queue.try_emplace(5) && queue.try_emplace(6));
  Interrupted::on_next_move([&queue] {
    EXPECT_EQ(popped(queue), 5);
    EXPECT_FALSE(queue.try_emplace(9));
  });
  EXPECT_EQ(popped(queue), 4);
  EXPECT_TRUE(queue.try_emplace(7) && queue.try_emplace(8));
  EXPECT_EQ(queue.size(), 3);
}

TEST(MpmcQueue, has_no_pointers) {
  using Queue = ProcessMpmcQueue<int, 3>;
  const SharedMapping memory(sizeof(Queue));
  const SharedMapping again = memory.mapped_again();
  auto* const queue = new (memory.data()) Queue;
  auto* const same = static_cast<Queue*>(again.data());
  ASSERT_TRUE(queue != same);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(queue->try_push(i));
    EXPECT_EQ(same->try_pop(), i);
  }
  EXPECT_TRUE(queue->empty() && same->empty());
}

TEST(MpmcQueue, connects_processes) {
  const auto items = static_cast<std::uint32_t>(50'000 / takt::test::time_scale());
  constexpr std::size_t kProducers = 2;
  struct Item {
    std::size_t producer;
    std::uint32_t number;
  };
  using Queue = ProcessMpmcQueue<Item, 100>;
  const SharedMapping memory(sizeof(Queue));
  auto* const queue = new (memory.data()) Queue;
  std::array<pid_t, kProducers> children{};
  for (std::size_t producer = 0; producer < kProducers; ++producer) {
    children[producer] = ::fork();
    ASSERT_GE(children[producer], 0);
    if (children[producer] != 0) continue;
    for (std::uint32_t number = 0; number < items; ++number) {
      while (!queue->try_push({producer, number})) ::sched_yield();
    }
    ::_exit(0);
  }
  std::array<std::uint32_t, kProducers> next{};
  for (std::size_t taken = 0; taken < kProducers * items;) {
    const std::optional<Item> item = queue->try_pop();
    if (!item.has_value()) {
      ::sched_yield();
      continue;
    }
    ASSERT_EQ(item->number, next[item->producer]++);
    ++taken;
  }
  for (const pid_t child : children) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_TRUE(queue->empty());
}

}  // namespace
