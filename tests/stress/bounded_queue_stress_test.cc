// SPDX-License-Identifier: Apache-2.0
// The queue under pressure: every producer's items arrive once and in order at each consumer,
// whoever gives up, is interrupted or told that it is over.
#include "takt/sync/bounded_queue.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "takt/tests/stress/signal_storm.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::BoundedQueue;
using takt::Result;
using takt::Status;
using takt::StatusCode;
using takt::test::SignalStorm;
using takt::test::steps;

/// The `sequence`-th item of a producer, counted from 1. 0 once it was moved away: a push that
/// refuses must leave it.
struct Item {
  Item(std::uint32_t from, std::uint32_t number) : producer(from), sequence(number) {}
  Item(Item&& other) noexcept
      : producer(other.producer), sequence(std::exchange(other.sequence, 0)) {}
  Item& operator=(Item&& other) noexcept {
    producer = other.producer;
    sequence = std::exchange(other.sequence, 0);
    return *this;
  }
  ~Item() = default;

  std::uint32_t producer;
  std::uint32_t sequence;
};

/// What consumers have seen of each producer, and whether it came in order.
template <std::size_t kProducers>
class Ledger {
 public:
  /// One consumer's view.
  class Page {
   public:
    void enter(const Item& item) {
      EXPECT_LT(last_[item.producer], item.sequence);
      last_[item.producer] = item.sequence;
      ++count_[item.producer];
    }
    std::array<std::uint32_t, kProducers> last_{};
    std::array<std::uint64_t, kProducers> count_{};
  };

  void add(const Page& page) {
    for (std::size_t i = 0; i < kProducers; ++i) counts_[i].fetch_add(page.count_[i]);
  }
  [[nodiscard]] std::uint64_t count(std::size_t producer) const { return counts_[producer].load(); }

 private:
  std::array<std::atomic<std::uint64_t>, kProducers> counts_{};
};

/// Pushes by the form that the round chooses, until it is in.
template <class Queue>
void push_somehow(Queue& queue, Item item) {
  switch (item.sequence % 3) {
    case 0:
      EXPECT_OK(queue.push(std::move(item)));
      return;
    case 1:
      while (!queue.push_for(std::move(item), 1us).ok()) {
      }
      return;
    default:
      while (!queue.try_push(std::move(item)).ok()) std::this_thread::yield();
  }
}

/// Pops by the form that the turn chooses; nothing at the end.
template <class Queue>
std::optional<Item> pop_somehow(Queue& queue, std::uint32_t turn) {
  for (;; ++turn) {
    Result<Item> item = Status(StatusCode::not_found, "none yet");
    if (turn % 3 == 0) item = queue.pop();
    if (turn % 3 == 1) item = queue.pop_for(1us);
    if (turn % 3 == 2) item = queue.try_pop();
    if (item.ok()) return std::move(*item);
    if (item.code() == StatusCode::closed) return std::nullopt;
    std::this_thread::yield();
  }
}

template <std::size_t kCapacity, std::uint32_t kProducers, std::uint32_t kConsumers>
void every_item_arrives_once_and_in_order(std::uint32_t items, SignalStorm* storm) {
  BoundedQueue<Item, kCapacity> queue;
  Ledger<kProducers> ledger;
  std::vector<std::thread> consumers;
  for (std::uint32_t consumer = 0; consumer < kConsumers; ++consumer) {
    consumers.emplace_back([&, consumer] {
      std::optional<SignalStorm::Target> target;
      if (storm != nullptr) target.emplace(*storm);
      typename Ledger<kProducers>::Page page;
      std::uint32_t turn = consumer;
      while (const std::optional<Item> item = pop_somehow(queue, turn++)) page.enter(*item);
      ledger.add(page);
    });
  }
  std::vector<std::thread> producers;
  for (std::uint32_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&, producer] {
      std::optional<SignalStorm::Target> target;
      if (storm != nullptr) target.emplace(*storm);
      for (std::uint32_t i = 1; i <= items; ++i) push_somehow(queue, {producer, i});
    });
  }
  for (std::thread& producer : producers) producer.join();
  queue.close();
  queue.wait_drained();
  EXPECT_EQ(queue.size(), 0);
  for (std::thread& consumer : consumers) consumer.join();
  for (std::uint32_t i = 0; i < kProducers; ++i) EXPECT_EQ(ledger.count(i), items);
  EXPECT_LE(queue.high_water(), kCapacity);
  EXPECT_EQ(queue.dropped(), 0);
}

TEST(BoundedQueueStress, one_slot_two_and_two) {
  every_item_arrives_once_and_in_order<1, 2, 2>(steps(50'000), nullptr);
}

TEST(BoundedQueueStress, many_slots_three_and_two) {
  every_item_arrives_once_and_in_order<64, 3, 2>(steps(200'000), nullptr);
}

TEST(BoundedQueueStress, sixty_four_threads_on_few_cpus) {
  every_item_arrives_once_and_in_order<8, 32, 32>(steps(5'000), nullptr);
}

TEST(BoundedQueueStress, goes_on_under_a_storm_of_signals) {
  SignalStorm storm(50us);
  every_item_arrives_once_and_in_order<2, 2, 2>(steps(50'000), &storm);
  EXPECT_GE(storm.delivered(), 1);
}

// What is evicted or dropped has been pushed, and is not popped.
TEST(BoundedQueueStress, evicted_and_dropped_items_are_accounted_for) {
  const std::uint32_t items = steps(200'000);
  BoundedQueue<Item, 4> queue;
  std::atomic<std::uint64_t> popped{0};
  std::atomic<std::uint64_t> evicted{0};
  std::thread consumer([&] {
    Ledger<2>::Page page;
    for (Result<Item> item = queue.pop(); item.ok(); item = queue.pop()) {
      page.enter(*item);
      popped.fetch_add(1);
    }
  });
  std::thread evicting([&, items] {
    for (std::uint32_t i = 1; i <= items; ++i) {
      if (queue.push_evict({0, i})) evicted.fetch_add(1);
    }
  });
  std::thread dropping([&, items] {
    for (std::uint32_t i = 1; i <= items; ++i) queue.push_or_drop({1, i});
  });
  evicting.join();
  dropping.join();
  queue.close();
  consumer.join();
  EXPECT_EQ(popped.load() + evicted.load() + queue.dropped(), 2ULL * items);
}

// Closed in the middle of it, a queue strands nobody, and what was pushed can be popped.
TEST(BoundedQueueStress, close_against_waiters) {
  const std::uint32_t rounds = steps(2'000);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    BoundedQueue<std::uint32_t, 1> queue;
    std::atomic<std::uint32_t> pushed{0};
    std::atomic<std::uint32_t> popped{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        while (queue.push(1U).ok()) pushed.fetch_add(1);
      });
      threads.emplace_back([&] {
        while (queue.pop().ok()) popped.fetch_add(1);
      });
    }
    while (popped.load() < round % 8) std::this_thread::yield();
    queue.close();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(popped.load(), pushed.load());
  }
}

}  // namespace
