// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/seq_lock.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "takt/tests/support/test.h"
#include "takt/tests/sync/shared_mapping.h"

namespace {

using takt::SeqLock;

static_assert(!std::is_copy_constructible_v<SeqLock<int>>);
static_assert(sizeof(SeqLock<std::uintptr_t>) <= 16);
constinit SeqLock<double> constant_initialised;

TEST(SeqLock, is_empty_before_the_first_store) {
  EXPECT_FALSE(constant_initialised.try_load(10).has_value());
  EXPECT_EQ(constant_initialised.version(), 0U);
}

TEST(SeqLock, gives_the_newest) {
  SeqLock<double> lock;
  lock.store(1.5);
  EXPECT_EQ(lock.try_load(1).value_or(0), 1.5);
  lock.store(2.5);
  EXPECT_EQ(lock.try_load(1).value_or(0), 2.5);
  EXPECT_EQ(lock.try_load(1).value_or(0), 2.5);
  EXPECT_EQ(lock.version(), 2U);
}

TEST(SeqLock, tries_as_often_as_allowed) {
  SeqLock<int> lock;
  lock.store(1);
  EXPECT_FALSE(lock.try_load(0).has_value());
  EXPECT_TRUE(lock.try_load(1).has_value());
}

template <std::size_t kBytes>
struct Bytes {
  std::array<unsigned char, kBytes> data;
};

// Around the words' size: nothing is cut off, nothing is added.
TEST_TYPES(SeqLock, holds_any_size, Bytes<1>, Bytes<3>, Bytes<4>, Bytes<5>, Bytes<8>, Bytes<9>,
           Bytes<17>, Bytes<200>) {
  SeqLock<Type> lock;
  Type stored;
  for (std::size_t i = 0; i < stored.data.size(); ++i) {
    stored.data[i] = static_cast<unsigned char>(i + 1);
  }
  lock.store(stored);
  const auto loaded = lock.try_load(1);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(loaded->data == stored.data);
}

// In memory that is mapped at two addresses.
TEST(SeqLock, works_between_mappings) {
  using Shared = takt::ProcessSeqLock<int>;
  const takt::test::SharedMapping mapping(sizeof(Shared));
  const takt::test::SharedMapping again = mapping.mapped_again();
  Shared& here = *new (mapping.data()) Shared();
  Shared& there = *static_cast<Shared*>(again.data());
  here.store(7);
  EXPECT_EQ(there.try_load(1).value_or(0), 7);
}

}  // namespace
