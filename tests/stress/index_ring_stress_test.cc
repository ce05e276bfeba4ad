// SPDX-License-Identifier: Apache-2.0
// The ring and the bitmap as a lane uses them: slots are taken, filled, published, taken out, read
// and given back, by real threads on both sides.
#include "takt/executor/index_ring.h"

#include <sched.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/executor/slot_bitmap.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using takt::IndexRing;
using takt::SlotBitmap;

struct Shape {
  const char* name;
  std::uint32_t producers;
  std::uint32_t consumers;
  std::uint32_t slots;
};

/// A ring with its slots, and what lies in them: plain memory, which only the ring and the bitmap
/// order.
class Channel {
 public:
  static constexpr std::uint32_t kMaxSlots = 128;

  struct Item {
    std::uint32_t producer;
    std::uint32_t number;
  };

  explicit Channel(std::uint32_t slots) {
    ring_.attach(cells_.data(), std::bit_ceil(slots));
    free_.attach(words_.data(), slots);
  }

  /// False when there is no slot, or when withdrawn positions leave no room yet.
  bool try_send(const Item& item) {
    const std::uint32_t slot = free_.acquire(hint_);
    if (slot == SlotBitmap::kNone) return false;
    items_[slot] = item;
    if (ring_.push(tail_, slot) != IndexRing::kNoPosition) return true;
    free_.release(slot);
    return false;
  }
  bool try_receive(Item& item) {
    const std::uint32_t slot = ring_.pop(head_);
    if (slot == IndexRing::kNone) return false;
    item = items_[slot];
    free_.release(slot);
    return true;
  }
  /// Publishes and takes back; false when a consumer was quicker.
  bool try_send_and_withdraw(const Item& item) {
    const std::uint32_t slot = free_.acquire(hint_);
    if (slot == SlotBitmap::kNone) return true;
    items_[slot] = item;
    const std::uint64_t position = ring_.push(tail_, slot);
    if (position != IndexRing::kNoPosition && !ring_.withdraw(position, slot)) return false;
    free_.release(slot);
    return true;
  }
  [[nodiscard]] bool empty() const { return ring_.empty(head_); }

 private:
  /// False where withdrawn positions leave no room: the slot is given back then.
  bool published(std::uint64_t position, std::uint32_t slot) {
    if (position != IndexRing::kNoPosition) return true;
    free_.release(slot);
    return false;
  }

  std::array<IndexRing::Cell, kMaxSlots> cells_{};
  std::array<SlotBitmap::Word, SlotBitmap::words_for(kMaxSlots)> words_{};
  std::array<Item, kMaxSlots> items_{};
  IndexRing::Counter head_{0};
  IndexRing::Counter tail_{0};
  SlotBitmap::Hint hint_{0};
  IndexRing ring_{};
  SlotBitmap free_{};
};

TEST_EACH(IndexRingStress, keeps_each_item_and_each_producers_order, Shape{"one_to_one", 1, 1, 64},
          Shape{"many_to_one", 6, 1, 64}, Shape{"one_to_many", 1, 4, 64},
          Shape{"many_to_many", 4, 4, 100}, Shape{"one_slot", 3, 2, 1}, Shape{"two_slots", 3, 3, 2},
          Shape{"few_slots", 4, 2, 5}) {
  const std::uint32_t each = takt::test::steps(20'000) / param.producers;
  constexpr std::uint32_t kWithdrawn = 0xFFFF'FFFF;
  Channel channel(param.slots);
  std::atomic<std::uint32_t> received{0};
  std::atomic<std::uint32_t> sent{0};
  std::atomic<std::uint32_t> sending{param.producers};
  std::vector<std::thread> threads;
  for (std::uint32_t producer = 0; producer < param.producers; ++producer) {
    threads.emplace_back([&, producer] {
      takt::test::Random random(producer);
      std::uint32_t accepted = 0;
      for (std::uint32_t number = 1; number <= each; ++number) {
        while (!channel.try_send({producer, number})) ::sched_yield();
        ++accepted;
        if (random.one_in(8) && !channel.try_send_and_withdraw({producer, kWithdrawn})) ++accepted;
      }
      sent += accepted;
      --sending;
    });
  }
  for (std::uint32_t consumer = 0; consumer < param.consumers; ++consumer) {
    threads.emplace_back([&] {
      std::vector<std::uint32_t> last(param.producers, 0);
      Channel::Item item{};
      for (;;) {
        const bool nobody_sends = sending.load() == 0;
        if (channel.try_receive(item)) {
          ++received;
          if (item.number == kWithdrawn) continue;
          EXPECT_GT(item.number, last[item.producer]);
          last[item.producer] = item.number;
        } else if (nobody_sends) {
          return;
        } else {
          ::sched_yield();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(received.load(), sent.load());
  EXPECT_GE(received.load(), each * param.producers);
  EXPECT_TRUE(channel.empty());
}

// Of many threads that take and give back, no two ever hold the same slot.
TEST(SlotBitmapStress, hands_each_slot_to_one_at_a_time) {
  constexpr std::uint32_t kSlots = 70;
  constexpr std::uint32_t kThreads = 4;
  std::array<SlotBitmap::Word, SlotBitmap::words_for(kSlots)> words{};
  SlotBitmap bitmap{};
  bitmap.attach(words.data(), kSlots);
  SlotBitmap::Hint hint{0};
  std::array<std::uint32_t, kSlots> owner{};  // plain: the thread sanitizer judges
  std::vector<std::thread> threads;
  for (std::uint32_t number = 1; number <= kThreads; ++number) {
    threads.emplace_back([&, number] {
      takt::test::Random random(number);
      std::vector<std::uint32_t> mine;
      for (std::uint32_t step = 0; step < takt::test::steps(50'000); ++step) {
        const std::uint32_t slot = random.one_in(2) ? bitmap.acquire(hint) : SlotBitmap::kNone;
        if (slot != SlotBitmap::kNone) {
          EXPECT_LT(slot, kSlots);
          owner[slot] = number;
          mine.push_back(slot);
        } else if (!mine.empty()) {
          EXPECT_EQ(owner[mine.back()], number);
          bitmap.release(mine.back());
          mine.pop_back();
        }
      }
      for (const std::uint32_t slot : mine) bitmap.release(slot);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<bool> seen(kSlots);
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    const std::uint32_t slot = bitmap.acquire(hint);
    ASSERT_LT(slot, kSlots);
    EXPECT_FALSE(seen[slot]);
    seen[slot] = true;
  }
  EXPECT_EQ(bitmap.acquire(hint), SlotBitmap::kNone);
}

}  // namespace
