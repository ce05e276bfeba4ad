// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/lock_order.h"

#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>

#include "takt/platform/status.h"
#include "takt/sync/condition.h"
#include "takt/sync/latch.h"
#include "takt/sync/lock_guard.h"
#include "takt/sync/mutex.h"
#include "takt/sync/recursive_mutex.h"
#include "takt/sync/rw_lock.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/expect_locks.h"
#include "takt/tests/sync/sleeper.h"

// Wrong orders are what is tested, out of the static analysis' sight.
#define UNANALYSED TAKT_NO_THREAD_SAFETY_ANALYSIS

namespace {

using namespace std::chrono_literals;
using takt::Latch;
using takt::LockGuard;
using takt::Mutex;
using takt::Ranked;
using takt::RecursiveMutex;
using takt::RwLock;
using takt::test::Sleeper;

constinit Ranked<Mutex> constant_initialised{"constant", 1};

/// "<this file>:<line>"
std::string at(int line) { return std::string(__FILE__) + ':' + std::to_string(line); }

TEST(LockOrder, the_right_order_passes) UNANALYSED {
  Ranked<Mutex> low("low", 1);
  Ranked<RecursiveMutex> middle("middle", 2);
  Ranked<RwLock<>> high("high", 3);
  Ranked<Mutex> none("none");
  for (int i = 0; i < 2; ++i) {
    const LockGuard first(low);
    const LockGuard second(middle);
    const LockGuard again(middle);
    const std::shared_lock third(high);
    const LockGuard anywhere(none);
  }
  const LockGuard third(high);
  const LockGuard anywhere(none);
}

TEST(LockOrder, released_in_any_order) UNANALYSED {
  Ranked<Mutex> low("low", 1);
  Ranked<Mutex> middle("middle", 2);
  Ranked<Mutex> high("high", 3);
  low.lock();
  middle.lock();
  high.lock();
  low.unlock();
  high.unlock();
  middle.unlock();
  low.lock();
  low.unlock();
}

TEST(LockOrder, an_inversion_names_both_locks_and_both_places) UNANALYSED {
  Ranked<Mutex> low("low", 1);
  Ranked<Mutex> high("high", 2);
  const auto invert = [&]() UNANALYSED {
    high.lock();
    low.lock();
  };
  constexpr int kHeld = __LINE__ - 3;
  constexpr int kWanted = __LINE__ - 3;
  EXPECT_ABORT(invert, (at(kWanted) +
                        ": check failed: lock order: 'low' (rank 1) is wanted while "
                        "'high' (rank 2) is held since " +
                        at(kHeld))
                           .c_str());
}

TEST(LockOrder, through_a_guard_the_place_is_the_guards) {
  Ranked<Mutex> low("low", 1);
  Ranked<Mutex> high("high", 2);
  const auto invert = [&] {
    const LockGuard held(high);
    const LockGuard wanted(low);
  };
  constexpr int kHeld = __LINE__ - 3;
  EXPECT_ABORT(invert, (at(kHeld + 1) +
                        ": check failed: lock order: 'low' (rank 1) is wanted while 'high' "
                        "(rank 2) is held since " +
                        at(kHeld))
                           .c_str());
}

TEST(LockOrder, equal_ranks_have_no_order) {
  Ranked<Mutex> one("one", 1);
  Ranked<Mutex> other("other", 1);
  EXPECT_ABORT(
      [&] {
        const LockGuard held(one);
        const LockGuard wanted(other);
      },
      "'other' (rank 1) is wanted while 'one' (rank 1) is held");
}

TEST(LockOrder, other_kinds_of_locks_invert_too) {
  Ranked<RecursiveMutex> low("low", 1);
  Ranked<RwLock<>> high("high", 2);
  EXPECT_ABORT(
      [&] {
        const std::shared_lock held(high);
        const LockGuard wanted(low);
      },
      "'low' (rank 1) is wanted while 'high' (rank 2) is held");
  Ranked<RwLock<>> lowest("lowest", 1);
  EXPECT_ABORT(
      [&] {
        const LockGuard held(high);
        const std::shared_lock wanted(lowest);
      },
      "'lowest' (rank 1) is wanted while 'high' (rank 2) is held");
}

TEST(LockOrder, locking_twice_is_reported) UNANALYSED {
  Ranked<Mutex> mutex("mutex");
  EXPECT_ABORT(
      [&]() UNANALYSED {
        mutex.lock();
        mutex.lock();
      },
      "'mutex' (rank 0) is wanted while 'mutex' (rank 0) is held");
  Ranked<RecursiveMutex> recursive("recursive", 1);
  Ranked<Mutex> above("above", 2);
  recursive.lock();
  above.lock();
  recursive.lock();  // it is held already
  recursive.unlock();
  above.unlock();
  EXPECT_TRUE(recursive.try_lock());
  recursive.unlock();
  recursive.unlock();
  std::thread([&] { takt::test::expect_free(recursive); }).join();
}

TEST(LockOrder, an_attempt_is_no_inversion) UNANALYSED {
  Ranked<Mutex> low("low", 1);
  Ranked<Mutex> high("high", 2);
  Ranked<RwLock<>> shared("shared", 1);
  high.lock();
  EXPECT_TRUE(low.try_lock());
  low.unlock();
  EXPECT_TRUE(low.try_lock_for(1s));
  low.unlock();
  EXPECT_TRUE(low.try_lock_until(takt::now()));
  low.unlock();
  EXPECT_TRUE(shared.try_lock_shared());
  shared.unlock_shared();
  high.unlock();
  // But what an attempt acquired is held.
  EXPECT_ABORT(
      [&]() UNANALYSED {
        static_cast<void>(high.try_lock());
        low.lock();
      },
      "'low' (rank 1) is wanted while 'high' (rank 2) is held");
}

TEST(LockOrder, passes_through_the_standards_guards) {
  Ranked<Mutex> low("low", 1);
  Ranked<RecursiveMutex> middle("middle", 2);
  Ranked<RwLock<>> high("high", 3);
  {
    const std::scoped_lock all(high, low, middle);  // it attempts all but the first
  }
  {
    std::unique_lock first(low, std::defer_lock);
    std::unique_lock second(middle, std::defer_lock);
    std::lock(second, first);
    EXPECT_TRUE(first.owns_lock() && second.owns_lock());
  }
  std::unique_lock timed(low, 1s);
  EXPECT_TRUE(timed.owns_lock());
  const std::shared_lock shared(high);
}

TEST(LockOrder, a_cycle_of_two_names_both_locks_and_all_places) {
  const auto deadlock = [] {
    Ranked<Mutex> left("left");
    Ranked<Mutex> right("right");
    Latch both_hold(2);
    const auto cross = [&](Ranked<Mutex>& first, Ranked<Mutex>& second) {
      const LockGuard held(first);
      both_hold.arrive_and_wait();
      const LockGuard wanted(second);
    };
    std::thread other([&] { cross(right, left); });
    cross(left, right);
    other.join();
  };
  // The last one to wait finds it, whichever that is.
  constexpr int kHeld = __LINE__ - 9;
  const takt::test::ChildOutcome outcome = takt::test::run_in_child(deadlock);
  const auto says = [&](const std::string& text) {
    EXPECT_TRUE(outcome.output.find(text) != std::string::npos, "\"%s\" in \"%s\"", text.c_str(),
                outcome.output.c_str());
  };
  EXPECT_TRUE(outcome.killed_by(SIGABRT));
  says(at(kHeld + 2) + ": check failed: lock order: wait-for cycle: thread ");
  for (const char* name : {"left", "right"}) says(" wants '" + std::string(name) + '\'');
  says(" since " + at(kHeld) + ", which wants '");
  says(" at " + at(kHeld + 2) + ", held by thread ");
}

TEST(LockOrder, a_cycle_of_three) {
  EXPECT_ABORT(
      [] {
        std::array<std::optional<Ranked<Mutex>>, 3> locks;
        locks[0].emplace("first");
        locks[1].emplace("second");
        locks[2].emplace("third");
        Latch all_hold(3);
        const auto cross = [&](std::size_t mine) {
          const LockGuard held(*locks[mine]);
          all_hold.arrive_and_wait();
          const LockGuard wanted(*locks[(mine + 1) % 3]);
        };
        std::thread second([&] { cross(1); });
        std::thread third([&] { cross(2); });
        cross(0);
        second.join();
        third.join();
      },
      "lock order: wait-for cycle: thread ");
}

TEST(LockOrder, a_wait_that_is_no_cycle_goes_on) {
  Ranked<Mutex> left("left");
  Ranked<Mutex> right("right");
  std::optional<Sleeper> chain;
  {
    const LockGuard mine(left);
    chain.emplace([&] {
      const LockGuard held(right);
      const LockGuard wanted(left);
    });
    EXPECT_FALSE(right.try_lock());
  }
  chain->join();
  takt::test::expect_free(left);
  takt::test::expect_free(right);
}

TEST(LockOrder, contention_reports_nothing) {
  constexpr int kRounds = 3000;
  Ranked<Mutex> low("low", 1);
  Ranked<Mutex> high("high", 2);
  int count = 0;
  const auto work = [&] {
    for (int i = 0; i < kRounds; ++i) {
      if (i % 3 == 0) {
        const std::scoped_lock both(high, low);
        ++count;
      } else {
        const LockGuard first(low);
        const LockGuard second(high);
        ++count;
      }
    }
  };
  std::thread one(work);
  std::thread other(work);
  work();
  one.join();
  other.join();
  EXPECT_EQ(count, 3 * kRounds);
}

TEST(LockOrder, a_condition_waits_with_it) {
  Ranked<Mutex> mutex("mutex", 1);
  takt::Condition condition;
  bool ready = false;
  Sleeper waiter([&] {
    std::unique_lock lock(mutex);
    while (!ready) condition.wait(lock);
    EXPECT_FALSE(mutex.try_lock());
  });
  {
    const LockGuard lock(mutex);  // which the waiter does not hold meanwhile
    ready = true;
    condition.notify_one();
  }
  waiter.join();
  takt::test::expect_free(mutex);
}

TEST(LockOrder, a_wait_with_a_higher_lock_held_is_an_inversion) {
  Ranked<Mutex> mutex("mutex", 1);
  Ranked<Mutex> above("above", 2);
  takt::Condition condition;
  EXPECT_ABORT(
      [&] {
        const LockGuard lock(mutex);
        const LockGuard held(above);
        condition.wait(lock);
      },
      "'mutex' (rank 1) is wanted while 'above' (rank 2) is held");
}

TEST(LockOrder, misuse_aborts) UNANALYSED {
  EXPECT_ABORT(
      []() UNANALYSED {
        Ranked<Mutex> mutex("mutex");
        mutex.unlock();
      },
      "Ranked: unlocked by a thread that does not hold it");
  EXPECT_ABORT(
      []() UNANALYSED {
        std::array<std::optional<Ranked<Mutex>>, 17> locks;
        for (auto& lock : locks) {
          lock.emplace("one of many");
          lock->lock();
        }
      },
      "Ranked: a thread holds more than 16 locks");
  constant_initialised.lock();
  constant_initialised.unlock();
}

}  // namespace
