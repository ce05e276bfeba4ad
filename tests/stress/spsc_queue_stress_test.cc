// SPDX-License-Identifier: Apache-2.0
// One thread pushes and one pops, by all functions in turn: each item arrives once, whole, in
// order.
#include "takt/sync/spsc_queue.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "takt/tests/stress/steps.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using takt::SpscQueue;
using takt::test::Random;

constexpr std::size_t kBatch = 7;

/// Copied as memory; torn if its words differ.
class Plain {
 public:
  Plain() noexcept = default;
  explicit Plain(std::uint32_t number) noexcept { words_.fill(number); }
  /// The number, if the item is whole.
  [[nodiscard]] std::optional<std::uint32_t> number() const {
    for (const std::uint32_t word : words_) {
      if (word != words_[0]) return std::nullopt;
    }
    return words_[0];
  }

 private:
  std::array<std::uint32_t, 5> words_{};
};
static_assert(std::is_trivially_copyable_v<Plain>);

/// Owns memory: one that is lost or arrives twice is a leak or a double free.
class Owning {
 public:
  Owning() noexcept = default;
  explicit Owning(std::uint32_t number) noexcept
      : number_(std::make_unique<std::uint32_t>(number)) {}
  [[nodiscard]] std::optional<std::uint32_t> number() const {
    return number_ != nullptr ? std::optional(*number_) : std::nullopt;
  }

 private:
  std::unique_ptr<std::uint32_t> number_;
};

/// Pushes the numbers from 0 to `count`, in all ways.
template <class Queue>
void produce(Queue& queue, std::uint32_t count) {
  using Item = typename Queue::value_type;
  Random random(1);
  for (std::uint32_t number = 0; number < count;) {
    std::size_t pushed = 0;
    switch (random.below(3)) {
      case 0:
        pushed = queue.try_emplace(number) ? 1 : 0;
        break;
      case 1: {
        Item item(number);
        pushed = queue.try_push(std::move(item)) ? 1 : 0;
        if (pushed == 0) {
          EXPECT_EQ(item.number().value_or(~0U), number);  // NOLINT(bugprone-use-after-move)
        }
        break;
      }
      default: {
        const std::size_t wanted = std::min<std::size_t>(
            static_cast<std::size_t>(random.below(kBatch + 1)), count - number);
        std::array<Item, kBatch> items;
        for (std::size_t i = 0; i < wanted; ++i) {
          items[i] = Item(number + static_cast<std::uint32_t>(i));
        }
        if constexpr (std::is_trivially_copyable_v<Item>) {
          pushed = queue.try_push_n(items.data(), wanted);
        } else {
          pushed = queue.try_push_n(std::move_iterator(items.begin()), wanted);
        }
      }
    }
    number += static_cast<std::uint32_t>(pushed);
    if (pushed == 0) ::sched_yield();
  }
}

/// Pops as many, in all ways; they must be the same.
template <class Queue>
void consume(Queue& queue, std::uint32_t count) {
  using Item = typename Queue::value_type;
  Random random(2);
  for (std::uint32_t expected = 0; expected < count;) {
    std::array<Item, kBatch> items;
    std::size_t popped = 0;
    switch (random.below(3)) {
      case 0:
        if (std::optional<Item> item = queue.try_pop()) {
          items[popped++] = std::move(*item);
        }
        break;
      case 1:
        if (Item* const oldest = queue.front()) {
          items[popped++] = std::move(*oldest);
          queue.pop();
        }
        break;
      default:
        popped = queue.try_pop_n(items.begin(), static_cast<std::size_t>(random.below(kBatch + 1)));
    }
    for (std::size_t i = 0; i < popped; ++i) ASSERT_EQ(items[i].number().value_or(~0U), expected++);
    if (popped == 0) ::sched_yield();
  }
}

TEST_TYPES(SpscQueueStress, hands_on_each_item_once_in_order, SpscQueue<Plain, 1>,
           SpscQueue<Plain, 2>, SpscQueue<Plain, 5>, SpscQueue<Plain, 64>, SpscQueue<Owning, 1>,
           SpscQueue<Owning, 3>, SpscQueue<Owning, 64>) {
  const std::uint32_t count = takt::test::steps(100'000);
  Type queue;
  std::thread producer([&queue, count] { produce(queue, count); });
  std::thread observer([&queue, count] {
    for (std::uint32_t i = 0; i < count / 8; ++i) EXPECT_LE(queue.size(), Type::capacity());
  });
  consume(queue, count);
  producer.join();
  observer.join();
  EXPECT_TRUE(queue.empty());
}

}  // namespace
