// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/latest_value.h"

#include <array>
#include <cstdint>
#include <thread>

#include "takt/tests/stress/steps.h"
#include "takt/tests/support/test.h"

namespace {

using takt::test::steps;

/// Plain memory: the thread sanitizer judges, and a torn value shows.
using Block = std::array<std::uint64_t, 24>;

TEST(LatestValueStress, each_value_is_whole_newer_and_counted) {
  takt::LatestValue<Block> latest;
  const std::uint64_t values = steps(1'000'000);
  std::uint64_t unread = 0;
  std::thread writer([&] {
    for (std::uint64_t value = 1; value <= values; ++value) {
      latest.draft().fill(value);
      if (!latest.publish()) ++unread;
    }
  });
  std::uint64_t wrong = 0;
  std::uint64_t read = 0;
  for (std::uint64_t last = 0; last < values;) {
    const auto reading = latest.load();
    const std::uint64_t value = reading.value.front();
    for (const std::uint64_t word : reading.value) wrong += word != value ? 1U : 0U;
    wrong += (reading.fresh ? value <= last : value != last) ? 1U : 0U;
    read += reading.fresh ? 1U : 0U;
    last = value;
    if (!reading.fresh) std::this_thread::yield();
  }
  writer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(read + unread, values);
}

}  // namespace
