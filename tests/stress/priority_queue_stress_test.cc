// SPDX-License-Identifier: Apache-2.0
// Each producer's sequence arrives whole, and in order within each level.
#include "takt/sync/priority_queue.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/tests/stress/steps.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::test::Random;
using takt::test::steps;

constexpr std::size_t kLevels = 4;
constexpr std::uint32_t kProducers = 3;

struct Item {
  std::uint32_t producer;
  std::uint32_t level;
  std::uint32_t number;  // of this producer and level
};

TEST_EACH(PriorityQueueStress, each_sequence_is_whole_and_in_order, 1, 3) {
  takt::BoundedPriorityQueue<Item, 8, kLevels> queue;
  const std::uint32_t items = steps(50'000);
  std::array<std::array<std::uint32_t, kLevels>, kProducers> pushed{};
  std::array<std::array<std::atomic<std::uint32_t>, kLevels>, kProducers> popped{};
  std::atomic<std::uint32_t> wrong{0};
  std::vector<std::thread> consumers;
  consumers.reserve(static_cast<std::size_t>(param));
  for (int consumer = 0; consumer < param; ++consumer) {
    consumers.emplace_back([&] {
      for (;;) {
        const auto item = queue.pop_for(20us);
        if (item.code() == takt::StatusCode::closed) return;
        if (!item.ok()) continue;
        auto& count = popped[item->producer][item->level];
        const std::uint32_t number = count.fetch_add(1);
        if (param == 1 && number != item->number) ++wrong;  // several may overtake each other
      }
    });
  }
  std::vector<std::thread> producers;
  for (std::uint32_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&, producer] {
      Random random(producer);
      for (std::uint32_t i = 0; i < items; ++i) {
        const auto level = static_cast<std::uint32_t>(random.below(kLevels));
        if (!queue.push({producer, level, pushed[producer][level]++}, level).ok()) ++wrong;
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  queue.close();
  for (std::thread& consumer : consumers) consumer.join();
  EXPECT_EQ(wrong.load(), 0U);
  for (std::size_t producer = 0; producer < kProducers; ++producer) {
    for (std::size_t level = 0; level < kLevels; ++level) {
      EXPECT_EQ(popped[producer][level].load(), pushed[producer][level]);
    }
  }
}

// What is evicted or dropped has been pushed, and is not popped; nothing is evicted for what comes
// after it.
TEST(PriorityQueueStress, evicted_and_dropped_items_are_accounted_for) {
  const std::uint32_t items = steps(100'000);
  takt::BoundedPriorityQueue<Item, 4, kLevels> queue;
  std::atomic<std::uint64_t> popped{0};
  std::atomic<std::uint64_t> evicted{0};
  std::atomic<std::uint32_t> wrong{0};
  std::thread consumer([&] {
    while (queue.pop().ok()) popped.fetch_add(1);
  });
  std::thread evicting([&, items] {
    Random random(1);
    for (std::uint32_t i = 0; i < items; ++i) {
      const auto level = static_cast<std::uint32_t>(random.below(kLevels));
      if (const auto out = queue.push_evict({0, level, i}, level)) {
        evicted.fetch_add(1);
        if (out->level < level) ++wrong;
      }
    }
  });
  std::thread dropping([&, items] {
    Random random(2);
    for (std::uint32_t i = 0; i < items; ++i) {
      const auto level = static_cast<std::uint32_t>(random.below(kLevels));
      queue.push_or_drop({1, level, i}, level);
    }
  });
  evicting.join();
  dropping.join();
  queue.close();
  queue.wait_drained();
  consumer.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(popped.load() + evicted.load() + queue.dropped(), 2ULL * items);
}

}  // namespace
