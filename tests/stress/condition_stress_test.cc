// SPDX-License-Identifier: Apache-2.0
// Conditions under pressure: no notification is lost, whoever gives up, is interrupted or comes
// late, and a condition may end as soon as all who waited were notified.
#include "takt/sync/condition.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "takt/sync/mutex.h"
#include "takt/tests/stress/signal_storm.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Condition;
using takt::Mutex;
using takt::test::SignalStorm;
using takt::test::steps;
using Lock = std::unique_lock<Mutex>;

/// The textbook's buffer: two conditions, one mutex.
class Buffer {
 public:
  struct Item {
    std::uint32_t producer;
    std::uint32_t number;
  };

  void put(Item item) {
    Lock lock(mutex_);
    not_full_.wait(lock, [this] { return count_ < items_.size(); });
    items_[(first_ + count_++) % items_.size()] = item;
    not_empty_.notify_one();
  }
  Item take() {
    Lock lock(mutex_);
    not_empty_.wait(lock, [this] { return count_ > 0; });
    return take_first(lock);
  }
  /// Gives up after next to no time, without a look at what it may have been told: if it says
  /// that it timed out, it was told nothing.
  bool take_soon(Item& item) {
    Lock lock(mutex_);
    while (count_ == 0) {
      if (not_empty_.wait_for(lock, 1us) == std::cv_status::timeout) return false;
    }
    item = take_first(lock);
    return true;
  }

 private:
  Item take_first(Lock& lock) {
    const Item item = items_[first_];
    first_ = (first_ + 1) % items_.size();
    --count_;
    lock.unlock();
    not_full_.notify_one();
    return item;
  }

  Mutex mutex_;
  Condition not_full_;
  Condition not_empty_;
  std::array<Item, 3> items_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

// Each producer's items arrive once each, and in order at each consumer.
TEST(ConditionStress, every_producers_sequence_arrives) {
  constexpr std::uint32_t kProducers = 4;
  constexpr int kConsumers = 4;
  const std::uint32_t items = steps(20'000);
  Buffer buffer;
  std::atomic<std::uint32_t> left{kProducers * items};
  std::array<std::atomic<std::uint64_t>, kProducers> sums{};
  std::vector<std::thread> threads;
  for (std::uint32_t producer = 0; producer < kProducers; ++producer) {
    threads.emplace_back([&, producer] {
      for (std::uint32_t number = 1; number <= items; ++number) buffer.put({producer, number});
    });
  }
  for (int consumer = 0; consumer < kConsumers; ++consumer) {
    threads.emplace_back([&, consumer] {
      std::array<std::uint32_t, kProducers> last{};
      for (;;) {
        // Claims before it waits, so that nobody waits for an item that never comes.
        std::uint32_t seen = left.load();
        while (seen > 0 && !left.compare_exchange_weak(seen, seen - 1)) {
        }
        if (seen == 0) return;
        Buffer::Item item{};
        if (consumer % 2 == 0) {
          item = buffer.take();
        } else {
          while (!buffer.take_soon(item)) {
          }
        }
        EXPECT_GT(item.number, last[item.producer]);
        last[item.producer] = item.number;
        sums[item.producer].fetch_add(item.number);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& sum : sums) EXPECT_EQ(sum.load(), std::uint64_t{items} * (items + 1) / 2);
}

// Some give up all the time, and pass on what they are told; the patient one has nothing else to be
// woken by, so that one notification lost to a time-out stops all.
TEST(ConditionStress, a_time_out_takes_no_notification_along) {
  const std::uint32_t rounds = steps(5'000);
  Mutex mutex;
  Condition changed;
  bool wanted = false;
  std::atomic<std::uint32_t> taken{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> hasty;
  hasty.reserve(2);
  for (int i = 0; i < 2; ++i) {
    hasty.emplace_back([&] {
      while (!over.load()) {
        Lock lock(mutex);
        const bool told = changed.wait_for(lock, 20us) == std::cv_status::no_timeout;
        lock.unlock();
        if (told) changed.notify_one();
      }
    });
  }
  std::thread patient([&, rounds] {
    for (std::uint32_t round = 0; round < rounds; ++round) {
      Lock lock(mutex);
      changed.wait(lock, [&] { return wanted; });
      wanted = false;
      taken.store(round + 1);
      taken.notify_one();
    }
  });
  for (std::uint32_t round = 0; round < rounds; ++round) {
    Lock lock(mutex);
    wanted = true;
    changed.notify_one();
    // Time for who was told to give up on the mutex.
    const takt::TimePoint end = takt::deadline_after(std::chrono::microseconds(round % 64));
    while (takt::now() < end) {
    }
    lock.unlock();
    taken.wait(round);
  }
  patient.join();
  over.store(true);
  for (std::thread& thread : hasty) thread.join();
  EXPECT_EQ(taken.load(), rounds);
}

// Ping-pong between threads that a signal interrupts every 50 us.
TEST(ConditionStress, goes_on_under_a_storm_of_signals) {
  const std::uint32_t rounds = steps(20'000);
  Mutex mutex;
  Condition turned;
  std::uint32_t turn = 0;
  SignalStorm storm(50us);
  const auto play = [&, rounds](std::uint32_t mine) {
    const SignalStorm::Target target(storm);
    for (std::uint32_t round = 0; round < rounds; ++round) {
      Lock lock(mutex);
      if (round % 4 == 0) {
        while (!turned.wait_for(lock, 10us, [&] { return turn % 2 == mine; })) {
        }
      } else {
        turned.wait(lock, [&] { return turn % 2 == mine; });
      }
      ++turn;
      turned.notify_one();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  EXPECT_EQ(turn, 2 * rounds);
  EXPECT_GT(storm.delivered(), 0);
}

// The condition ends right after the notification, sometimes with the mutex held; waiters are on
// their way in, asleep, moved to the mutex, or giving up.
TEST(ConditionStress, ends_as_soon_as_all_are_notified) {
  const std::uint32_t rounds = steps(5'000);
  Mutex mutex;
  std::unique_ptr<Condition> condition;
  std::uint32_t round = 0;  // the condition is there while it is odd
  bool over = false;
  std::vector<std::thread> waiters;
  waiters.reserve(4);
  for (int number = 0; number < 4; ++number) {
    waiters.emplace_back([&, number] {
      Lock lock(mutex);
      while (!over) {
        const std::uint32_t mine = round;
        if (mine % 2 == 0) {
          lock.unlock();
          std::this_thread::yield();
          lock.lock();
          continue;
        }
        while (round == mine) {
          if (number % 2 == 0) {
            condition->wait(lock);
          } else {
            static_cast<void>(condition->wait_for(lock, 3us));
          }
        }
      }
    });
  }
  for (std::uint32_t i = 0; i < rounds; ++i) {
    Lock lock(mutex);
    condition = std::make_unique<Condition>();
    ++round;
    lock.unlock();
    for (std::uint32_t pause = 0; pause < i % 8; ++pause) std::this_thread::yield();
    lock.lock();
    ++round;
    const std::unique_ptr<Condition> last = std::move(condition);
    if (i % 2 == 0) lock.unlock();
    last->notify_all();
  }
  Lock lock(mutex);
  over = true;
  lock.unlock();
  for (std::thread& waiter : waiters) waiter.join();
}

}  // namespace
