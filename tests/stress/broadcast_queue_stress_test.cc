// SPDX-License-Identifier: Apache-2.0
// One writer that waits for nobody, readers of which each has its own pace: every number is seen or
// counted as lost, once, in order, by each of them.
#include "takt/sync/broadcast_queue.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/tests/stress/steps.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using takt::test::Random;
using takt::test::steps;

TEST(BroadcastQueueStress, each_item_is_seen_or_counted_as_lost) {
  constexpr std::size_t kReaders = 3;
  using Item = std::array<std::uint64_t, 3>;
  takt::BroadcastQueue<Item, 16, kReaders> queue;
  const std::uint64_t items = steps(300'000);
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> readers;
  for (std::size_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      Random random(reader);
      std::uint64_t next = 0;
      std::uint64_t lost = 0;
      while (next < items) {
        const bool last_round = over.load();
        const auto received = queue.try_pop(reader);
        if (!received.has_value()) {
          if (last_round && queue.try_pop(reader).has_value()) ++wrong;
          if (last_round) break;
          std::this_thread::yield();
          continue;
        }
        for (const std::uint64_t word : received->item) {
          wrong += word != next + received->lost ? 1U : 0U;
        }
        lost += received->lost;
        next = received->item.front() + 1;
        if (reader == 2 && random.one_in(64)) std::this_thread::yield();
      }
      wrong += next != items || lost != queue.lost(reader) ? 1U : 0U;
    });
  }
  Random random(kReaders);
  for (std::uint64_t number = 0; number < items; ++number) {
    Item item;
    item.fill(number);
    queue.push(item);
    if (random.one_in(32)) std::this_thread::yield();
  }
  over.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(queue.pushed(), items);
}

}  // namespace
