// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/recursive_mutex.h"

#include <sched.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "takt/sync/latch.h"
#include "takt/sync/lock_guard.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/report.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/expect_locks.h"
#include "takt/tests/sync/sleeper.h"

// Held more than once, which the static analysis takes for a mistake.
#define UNANALYSED TAKT_NO_THREAD_SAFETY_ANALYSIS

namespace {

using namespace std::chrono_literals;
using takt::Latch;
using takt::LockGuard;
using takt::RecursiveMutex;
using takt::TimePoint;
using takt::test::Sleeper;

static_assert(!std::is_copy_constructible_v<RecursiveMutex>);
constinit RecursiveMutex constant_initialised;

/// Expects that another thread does not get it.
void expect_held(RecursiveMutex& mutex) {
  std::thread([&] {
    EXPECT_FALSE(mutex.try_lock());
    EXPECT_FALSE(mutex.try_lock_for(1ms));
    EXPECT_FALSE(mutex.try_lock_until(TimePoint::min()));
  }).join();
}

TEST(RecursiveMutex, the_owner_locks_again) UNANALYSED {
  RecursiveMutex mutex;
  mutex.lock();
  mutex.lock();
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_TRUE(mutex.try_lock_for(0s));
  EXPECT_TRUE(mutex.try_lock_until(TimePoint::min()));
  for (int depth = 5; depth > 0; --depth) {
    expect_held(mutex);
    mutex.unlock();
  }
  std::thread([&] { takt::test::expect_free(mutex); }).join();
}

TEST(RecursiveMutex, who_waits_gets_it_after_the_last_unlock) UNANALYSED {
  RecursiveMutex mutex;
  int shared = 0;
  mutex.lock();
  mutex.lock();
  Sleeper waiter([&]() UNANALYSED {
    const LockGuard lock(mutex);
    const LockGuard again(mutex);
    EXPECT_EQ(shared, 1);
  });
  mutex.lock();  // it knows itself though somebody waits
  mutex.unlock();
  mutex.unlock();
  EXPECT_TRUE(waiter.undisturbed());
  shared = 1;
  mutex.unlock();
  waiter.join();
  takt::test::expect_free(mutex);
}

TEST(RecursiveMutex, times_out) {
  RecursiveMutex mutex;
  const LockGuard lock(mutex);
  std::thread([&] {
    const TimePoint start = takt::now();
    EXPECT_FALSE(mutex.try_lock_for(2ms));
    EXPECT_GE(takt::now(), start + 2ms);
    const auto wall = std::chrono::system_clock::now() + 2ms;
    EXPECT_FALSE(mutex.try_lock_until(wall));
    EXPECT_GE(std::chrono::system_clock::now(), wall);
  }).join();
}

TEST(RecursiveMutex, depth_is_bounded) UNANALYSED {
  RecursiveMutex mutex;
  for (std::uint32_t depth = 0; depth < RecursiveMutex::max_depth(); ++depth) mutex.lock();
  EXPECT_FALSE(mutex.try_lock());
  EXPECT_FALSE(mutex.try_lock_for(1h));
  for (std::uint32_t depth = 1; depth < RecursiveMutex::max_depth(); ++depth) mutex.unlock();
  expect_held(mutex);
  mutex.unlock();
  std::thread([&] { takt::test::expect_free(mutex); }).join();
}

TEST(RecursiveMutex, too_deep_aborts) {
  EXPECT_ABORT(
      []() UNANALYSED {
        RecursiveMutex mutex;
        for (;;) mutex.lock();
      },
      "RecursiveMutex: locked too often by its owner");
}

TEST(RecursiveMutex, misuse_aborts) {
  EXPECT_ABORT(
      []() UNANALYSED {
        RecursiveMutex mutex;
        mutex.unlock();
      },
      "RecursiveMutex: unlocked by a thread that does not own it");
  EXPECT_ABORT(
      []() UNANALYSED {
        RecursiveMutex mutex;
        mutex.lock();
        std::thread([&]() UNANALYSED { mutex.unlock(); }).join();
      },
      "RecursiveMutex: unlocked by a thread that does not own it");
}

TEST(RecursiveMutex, works_with_the_standards_guards) {
  RecursiveMutex first;
  RecursiveMutex second;
  {
    const std::scoped_lock both(first, second);
    const std::scoped_lock again(second, first);
    expect_held(first);
  }
  std::unique_lock left(first, std::defer_lock);
  std::unique_lock right(second, std::defer_lock);
  std::lock(left, right);
  EXPECT_TRUE(left.owns_lock() && right.owns_lock());
  left.unlock();
  EXPECT_TRUE(left.try_lock_for(1s));
  std::thread([] { takt::test::expect_free(constant_initialised); }).join();
}

TEST(RecursiveMutex, counts_under_contention) {
  constexpr int kThreads = 16;
  const auto rounds = static_cast<int>(500 / takt::test::time_scale());
  RecursiveMutex mutex;
  std::uint64_t count = 0;
  std::uint64_t copy = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number, rounds]() UNANALYSED {
      takt::test::Random random(static_cast<std::uint64_t>(number));
      for (int i = 0; i < rounds; ++i) {
        if (random.one_in(2)) {
          mutex.lock();
        } else {
          while (!mutex.try_lock_for(std::chrono::microseconds(random.below(100)))) {
          }
        }
        const std::uint64_t deeper = random.below(4);
        for (std::uint64_t depth = 0; depth < deeper; ++depth) mutex.lock();
        EXPECT_EQ(count, copy);
        ++count;
        for (std::uint64_t depth = 0; depth < deeper; ++depth) mutex.unlock();
        if (random.one_in(16)) ::sched_yield();
        ++copy;
        mutex.unlock();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * rounds);
  EXPECT_EQ(copy, count);
}

}  // namespace
