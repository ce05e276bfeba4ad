// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/latest_value.h"

#include <array>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "takt/tests/support/test.h"
#include "takt/tests/sync/shared_mapping.h"

namespace {

using takt::LatestValue;

static_assert(!std::is_copy_constructible_v<LatestValue<int>>);
constinit LatestValue<std::array<int, 1000>> constant_initialised;

TEST(LatestValue, begins_with_the_default_and_not_fresh) {
  LatestValue<int> latest;
  EXPECT_EQ(latest.load().value, 0);
  EXPECT_FALSE(latest.load().fresh);
  EXPECT_FALSE(constant_initialised.load().fresh);
}

TEST(LatestValue, gives_the_newest_fresh_once) {
  LatestValue<int> latest;
  latest.store(1);
  latest.store(2);
  const auto first = latest.load();
  EXPECT_TRUE(first.fresh);
  EXPECT_EQ(first.value, 2);
  const auto second = latest.load();
  EXPECT_FALSE(second.fresh);
  EXPECT_EQ(second.value, 2);
}

TEST(LatestValue, says_whether_the_one_before_was_read) {
  LatestValue<int> latest;
  EXPECT_TRUE(latest.store(1));  // nothing before it
  EXPECT_FALSE(latest.store(2));
  EXPECT_TRUE(latest.load().fresh);
  EXPECT_TRUE(latest.store(3));
}

TEST(LatestValue, goes_round_its_three_buffers) {
  LatestValue<int> latest;
  for (int value = 1; value <= 100; ++value) {
    if (value % 3 != 0) EXPECT_EQ(latest.load().value, value - 1);
    latest.store(value);
  }
  EXPECT_EQ(latest.load().value, 100);
}

TEST(LatestValue, is_filled_in_place) {
  LatestValue<std::array<int, 3>> latest;
  latest.draft() = {1, 2, 3};
  EXPECT_FALSE(latest.load().fresh);
  EXPECT_TRUE(latest.publish());
  EXPECT_EQ(latest.load().value[2], 3);
}

TEST(LatestValue, moves_what_cannot_be_copied) {
  LatestValue<std::unique_ptr<int>> latest;
  latest.store(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(latest.load().value);
  EXPECT_EQ(*taken, 7);
  EXPECT_TRUE(latest.load().value == nullptr);
  for (int value = 0; value < 10; ++value) latest.store(std::make_unique<int>(value));
}  // the leak check judges

// In memory that is mapped at two addresses.
TEST(LatestValue, works_between_mappings) {
  using Shared = takt::ProcessLatestValue<int>;
  const takt::test::SharedMapping mapping(sizeof(Shared));
  const takt::test::SharedMapping again = mapping.mapped_again();
  Shared& here = *new (mapping.data()) Shared();
  Shared& there = *static_cast<Shared*>(again.data());
  here.store(7);
  EXPECT_EQ(there.load().value, 7);
}

}  // namespace
