// SPDX-License-Identifier: Apache-2.0
// Many threads push and many pop: each item arrives once, whole, and each thread sees the items of
// each producer in their order.
#include "takt/sync/mpmc_queue.h"

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "takt/tests/stress/steps.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using takt::MpmcQueue;
using takt::test::Random;

/// Owns memory: one that is lost or arrives twice is a leak or a double free.
struct Item {
  Item(std::uint32_t from, std::uint32_t count) noexcept
      : producer(from), number(std::make_unique<std::uint32_t>(count)) {}
  std::uint32_t producer;
  std::unique_ptr<std::uint32_t> number;
};

struct Shape {
  const char* name;
  std::uint32_t producers;
  std::uint32_t consumers;
};

/// What one consumer took out.
class Received {
 public:
  explicit Received(std::uint32_t producers) : numbers_(producers) {}
  void add(const Item& item) {
    ASSERT_TRUE(item.number != nullptr);
    std::vector<std::uint32_t>& numbers = numbers_[item.producer];
    if (!numbers.empty()) EXPECT_LT(numbers.back(), *item.number);
    numbers.push_back(*item.number);
  }
  [[nodiscard]] const std::vector<std::uint32_t>& from(std::uint32_t producer) const {
    return numbers_[producer];
  }

 private:
  std::vector<std::vector<std::uint32_t>> numbers_;
};

template <class Queue>
void produce(Queue& queue, std::uint32_t self, std::uint32_t count) {
  Random random(self);
  for (std::uint32_t number = 0; number < count; ++number) {
    Item item(self, number);
    while (!queue.try_push(std::move(item))) {
      ASSERT_TRUE(item.number != nullptr);  // NOLINT(bugprone-use-after-move): refused, still here
      ::sched_yield();
    }
    if (random.one_in(64)) ::sched_yield();
  }
}

template <class Queue>
void consume(Queue& queue, const std::atomic<std::uint32_t>& producing, Received& received) {
  for (;;) {
    const bool nobody_pushes = producing.load() == 0;
    if (const std::optional<Item> item = queue.try_pop()) {
      received.add(*item);
    } else if (nobody_pushes) {
      return;  // no push is unfinished: it is empty
    } else {
      ::sched_yield();
    }
    EXPECT_LE(queue.size(), Queue::capacity());
  }
}

template <std::uint32_t kCapacity>
void pass_items(const Shape& shape) {
  const std::uint32_t each = takt::test::steps(60'000) / shape.producers;
  MpmcQueue<Item, kCapacity> queue;
  std::atomic<std::uint32_t> producing{shape.producers};
  std::vector<Received> received(shape.consumers, Received(shape.producers));
  std::vector<std::thread> threads;
  for (std::uint32_t producer = 0; producer < shape.producers; ++producer) {
    threads.emplace_back([&queue, &producing, producer, each] {
      produce(queue, producer, each);
      --producing;
    });
  }
  for (Received& mine : received) {
    threads.emplace_back([&queue, &producing, &mine] { consume(queue, producing, mine); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(queue.empty());

  for (std::uint32_t producer = 0; producer < shape.producers; ++producer) {
    std::vector<std::uint32_t> times(each, 0);
    for (const Received& some : received) {
      for (const std::uint32_t number : some.from(producer)) ++times[number];
    }
    for (std::uint32_t number = 0; number < each; ++number) {
      ASSERT_EQ(times[number], 1, "item %u of producer %u", number, producer);
    }
  }
}

constexpr Shape kShapes[] = {
    {"one_to_one", 1, 1}, {"many_to_one", 6, 1}, {"one_to_many", 1, 6}, {"many_to_many", 4, 4}};

TEST_EACH(MpmcQueueStress, of_one, kShapes[0], kShapes[1], kShapes[2], kShapes[3]) {
  pass_items<1>(param);
}
TEST_EACH(MpmcQueueStress, of_three, kShapes[0], kShapes[1], kShapes[2], kShapes[3]) {
  pass_items<3>(param);
}
TEST_EACH(MpmcQueueStress, of_many, kShapes[0], kShapes[1], kShapes[2], kShapes[3]) {
  pass_items<64>(param);
}

}  // namespace
