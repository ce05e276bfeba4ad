// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/seq_lock.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/tests/stress/steps.h"
#include "takt/tests/support/test.h"

namespace {

using takt::test::steps;

TEST_EACH(SeqLockStress, no_copy_is_torn_or_older, 1, 3) {
  using Block = std::array<std::uint32_t, 67>;  // not a whole number of words
  takt::SeqLock<Block> lock;
  const std::uint32_t values = steps(500'000);
  std::atomic<int> ready{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> readers;
  readers.reserve(static_cast<std::size_t>(param));
  for (int reader = 0; reader < param; ++reader) {
    readers.emplace_back([&] {
      ++ready;
      for (std::uint32_t last = 0; last < values;) {
        const std::uint64_t version = lock.version();
        const auto copy = lock.try_load(4);
        if (!copy.has_value()) {
          std::this_thread::yield();
          continue;
        }
        for (const std::uint32_t word : *copy) wrong += word != copy->front() ? 1U : 0U;
        wrong += copy->front() < last || copy->front() < version ? 1U : 0U;
        last = copy->front();
      }
    });
  }
  while (ready.load() < param) std::this_thread::yield();
  for (std::uint32_t value = 1; value <= values; ++value) {
    Block block;
    block.fill(value);
    lock.store(block);
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(lock.version(), values);
}

}  // namespace
