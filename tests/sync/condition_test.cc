// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/condition.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <type_traits>
#include <vector>

#include "takt/sync/lock_guard.h"
#include "takt/sync/lock_order.h"
#include "takt/sync/mutex.h"
#include "takt/sync/recursive_mutex.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/report.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/expect_locks.h"
#include "takt/tests/sync/sleeper.h"

// Locks are held across waits and callables, which the static analysis does not follow.
#define UNANALYSED TAKT_NO_THREAD_SAFETY_ANALYSIS

namespace {

using namespace std::chrono_literals;
using takt::Condition;
using takt::Mutex;
using takt::TimePoint;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::Sleeper;
using takt::test::SteppedClock;
using Lock = std::unique_lock<Mutex>;

// What one may wait with.
static_assert(Condition::kWaitsWith<Mutex>);
static_assert(Condition::kWaitsWith<Lock>);
static_assert(Condition::kWaitsWith<takt::LockGuard<Mutex>>);
static_assert(Condition::kWaitsWith<takt::Ranked<Mutex>>);
static_assert(Condition::kWaitsWith<std::unique_lock<takt::Ranked<Mutex>>>);
static_assert(!Condition::kWaitsWith<std::mutex>);
static_assert(!Condition::kWaitsWith<std::unique_lock<std::mutex>>);
static_assert(!Condition::kWaitsWith<std::scoped_lock<Mutex>>);  // does not say what it holds
static_assert(!Condition::kWaitsWith<takt::RecursiveMutex>);     // may be locked twice
static_assert(!Condition::kWaitsWith<takt::Ranked<takt::RecursiveMutex>>);
static_assert(!std::is_copy_constructible_v<Condition>);
static_assert(
    std::is_same_v<decltype(std::declval<Condition&>().wait_for(std::declval<Lock&>(), 1s)),
                   std::cv_status>);
static_assert(std::is_same_v<decltype(std::declval<Condition&>().wait_until(
                                 std::declval<Lock&>(), takt::kNever, [] { return true; })),
                             bool>);
constinit Condition constant_initialised;

/// What a test shares with those that wait in it.
struct Shared {
  Mutex mutex;
  Condition condition;
  int ready = 0;

  void add(int more) UNANALYSED {
    mutex.lock();
    ready += more;
    mutex.unlock();
  }
};

TEST(Condition, waits_until_notified) {
  Shared shared;
  Sleeper waiter([&] {
    Lock lock(shared.mutex);
    while (shared.ready == 0) shared.condition.wait(lock);
    EXPECT_TRUE(lock.owns_lock());
  });
  shared.add(1);
  EXPECT_TRUE(waiter.undisturbed());
  shared.condition.notify_one();
  waiter.join();
  takt::test::expect_free(shared.mutex);
}

TEST(Condition, a_wait_needs_a_notification) {
  Shared shared;
  Sleeper waiter([&] {
    Lock lock(shared.mutex);
    shared.condition.wait(lock);
    EXPECT_EQ(shared.ready, 1);
  });
  shared.add(1);
  EXPECT_TRUE(waiter.undisturbed());
  shared.condition.notify_all();
}

TEST(Condition, notify_one_wakes_the_first_of_equals) {
  Shared shared;
  std::vector<std::unique_ptr<Sleeper>> waiters;
  waiters.reserve(3);
  for (int i = 0; i < 3; ++i) {
    waiters.push_back(std::make_unique<Sleeper>([&] {
      Lock lock(shared.mutex);
      shared.condition.wait(lock);
    }));
  }
  for (std::size_t first = 0; first < waiters.size(); ++first) {
    shared.condition.notify_one();
    waiters[first]->join();
    for (std::size_t other = first + 1; other < waiters.size(); ++other) {
      EXPECT_TRUE(waiters[other]->undisturbed());
    }
  }
}

TEST(Condition, notify_all_wakes_all) {
  Shared shared;
  std::vector<std::unique_ptr<Sleeper>> waiters;
  waiters.reserve(5);
  int back = 0;
  for (int i = 0; i < 5; ++i) {
    waiters.push_back(std::make_unique<Sleeper>([&] {
      Lock lock(shared.mutex);
      shared.condition.wait(lock);
      ++back;
    }));
  }
  {
    const Lock lock(shared.mutex);
    shared.condition.notify_all();
    EXPECT_EQ(back, 0);  // they want the mutex now
  }
  waiters.clear();
  EXPECT_EQ(back, 5);
}

// Moved to the mutex inside the kernel: nobody wakes to find it held.
TEST(Condition, who_is_notified_sleeps_on_until_the_mutex_is_free) {
  Shared shared;
  const auto wait = [&] {
    Lock lock(shared.mutex);
    shared.condition.wait(lock);
  };
  Sleeper first(wait);
  Sleeper second(wait);
  Lock lock(shared.mutex);
  shared.condition.notify_all();
  EXPECT_TRUE(first.undisturbed());
  EXPECT_TRUE(second.undisturbed());
  lock.unlock();
  first.join();
  second.join();
}

TEST(Condition, a_notification_is_not_kept) {
  Shared shared;
  shared.condition.notify_one();
  shared.condition.notify_all();
  Lock lock(shared.mutex);
  EXPECT_TRUE(shared.condition.wait_for(lock, 1ms) == std::cv_status::timeout);
}

TEST(Condition, nobody_there_costs_no_system_call) {
  Shared shared;
  const FaultInjection calls(SystemCall::futex, 0);
  shared.condition.notify_one();
  shared.condition.notify_all();
  EXPECT_EQ(calls.calls(), 0);
}

TEST(Condition, times_out_with_the_lock) {
  Shared shared;
  Lock lock(shared.mutex);
  const TimePoint start = takt::now();
  EXPECT_TRUE(shared.condition.wait_for(lock, 2ms) == std::cv_status::timeout);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_TRUE(shared.condition.wait_until(lock, start + 5ms) == std::cv_status::timeout);
  EXPECT_GE(takt::now(), start + 5ms);
  const auto wall = std::chrono::system_clock::now() + 2ms;
  EXPECT_TRUE(shared.condition.wait_until(lock, wall) == std::cv_status::timeout);
  EXPECT_GE(std::chrono::system_clock::now(), wall);
  lock.unlock();
  takt::test::expect_free(shared.mutex);
}

TEST(Condition, a_deadline_that_has_passed_times_out_at_once) {
  Shared shared;
  Lock lock(shared.mutex);
  EXPECT_TRUE(shared.condition.wait_for(lock, 0ns) == std::cv_status::timeout);
  EXPECT_TRUE(shared.condition.wait_for(lock, std::chrono::hours::min()) ==
              std::cv_status::timeout);
  EXPECT_TRUE(shared.condition.wait_until(lock, TimePoint::min()) == std::cv_status::timeout);
  EXPECT_TRUE(shared.condition.wait_until(lock, std::chrono::system_clock::time_point::min()) ==
              std::cv_status::timeout);
}

TEST(Condition, waits_on_when_the_clock_was_set_back) {
  Shared shared;
  Lock lock(shared.mutex);
  SteppedClock::will_step_by(-3ms);
  const TimePoint start = takt::now();
  EXPECT_TRUE(shared.condition.wait_until(
                  lock, SteppedClock::time_point((start + 1ms).time_since_epoch())) ==
              std::cv_status::timeout);
  EXPECT_GE(takt::now(), start + 4ms);
}

/// A clock that was set back by the time of its second reading, which somebody waits for.
struct WatchedClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WatchedClock>;
  static constexpr bool is_steady = false;
  static time_point now() noexcept {
    const int reading = readings.fetch_add(1);
    return time_point(reading == 0 ? duration(-1ms) : duration(-1h));
  }
  static inline std::atomic<int> readings{0};
};

// The first time-out comes while the mutex is held by who is about to notify.
TEST(Condition, a_clock_that_is_set_back_loses_no_notification) {
  Shared shared;
  WatchedClock::readings.store(0);
  Sleeper waiter([&] {
    Lock lock(shared.mutex);
    EXPECT_TRUE(shared.condition.wait_until(lock, WatchedClock::time_point(0ns),
                                            [&] { return shared.ready == 1; }));
  });
  {
    const Lock lock(shared.mutex);
    // Off the list it would wait for the mutex before it read its clock again.
    const TimePoint limit = takt::now() + 50ms;
    while (WatchedClock::readings.load() < 3 && takt::now() < limit) ::sched_yield();
    shared.ready = 1;
    shared.condition.notify_one();
  }
  waiter.join();
}

TEST(Condition, predicates_decide) {
  Shared shared;
  Lock lock(shared.mutex);
  const auto ready = [&] { return shared.ready > 0; };
  EXPECT_FALSE(shared.condition.wait_for(lock, 1ms, ready));
  EXPECT_FALSE(shared.condition.wait_until(lock, takt::now(), ready));
  shared.ready = 1;
  EXPECT_TRUE(shared.condition.wait_for(lock, 0s, ready));
  EXPECT_TRUE(shared.condition.wait_until(lock, TimePoint::min(), ready));
  shared.condition.wait(lock, ready);
}

TEST(Condition, a_notified_wait_with_a_limit_says_so) {
  Shared shared;
  Sleeper steady([&] {
    Lock lock(shared.mutex);
    EXPECT_TRUE(shared.condition.wait_for(lock, std::chrono::hours::max()) ==
                std::cv_status::no_timeout);
  });
  Sleeper wall([&] {
    Lock lock(shared.mutex);
    EXPECT_TRUE(shared.condition.wait_until(lock, std::chrono::system_clock::now() + 1h) ==
                std::cv_status::no_timeout);
  });
  Sleeper asking([&] {
    Lock lock(shared.mutex);
    EXPECT_TRUE(shared.condition.wait_for(lock, 1h, [&] { return shared.ready == 1; }));
  });
  shared.condition.notify_all();  // not ready: the last one goes on waiting
  steady.join();
  wall.join();
  shared.add(1);
  EXPECT_FALSE(asking.over());
  shared.condition.notify_all();
}

// A waiter that is moved to the mutex has its notification, even if its time passes there: another
// one must not be told instead, and it must not report a time-out.
TEST(Condition, a_time_out_on_the_mutex_is_none) {
  Shared shared;
  const TimePoint deadline = takt::deadline_after(50ms);
  std::atomic<bool> before{false};
  Sleeper waiter([&] {
    Lock lock(shared.mutex);
    const bool notified = shared.condition.wait_until(lock, deadline) == std::cv_status::no_timeout;
    // On a machine that stalls the time may pass before the notification, and says so.
    EXPECT_EQ(notified, before.load());
    EXPECT_GE(takt::now(), deadline);
  });
  {
    const Lock lock(shared.mutex);
    const FaultInjection requeues(SystemCall::futex, 0);
    shared.condition.notify_one();
    before.store(requeues.calls() > 0);
    takt::platform::sleep_until(deadline + 1ms);
  }
}

TEST(Condition, takes_what_holds_the_mutex) {
  Shared shared;
  shared.mutex.lock();
  EXPECT_TRUE(shared.condition.wait_for(shared.mutex, 1ms) == std::cv_status::timeout);
  shared.mutex.unlock();
  const takt::LockGuard guard(shared.mutex);
  EXPECT_TRUE(shared.condition.wait_for(guard, 1ms) == std::cv_status::timeout);
  EXPECT_FALSE(shared.mutex.try_lock());
  static_cast<void>(constant_initialised.wait_for(guard, 0s));
}

// One mutex at a time, not for ever: as the standard has it.
TEST(Condition, another_mutex_when_nobody_waits) {
  Condition condition;
  for (int i = 0; i < 2; ++i) {
    Mutex mutex;
    Lock lock(mutex);
    EXPECT_TRUE(condition.wait_for(lock, 0s) == std::cv_status::timeout);
  }
}

TEST(Condition, may_be_destroyed_when_all_are_notified) {
  const auto rounds = static_cast<int>(200 / takt::test::time_scale());
  for (int round = 0; round < rounds; ++round) {
    Mutex mutex;
    auto condition = std::make_unique<Condition>();
    bool over = false;
    const auto wait = [&] {
      Lock lock(mutex);
      while (!over) condition->wait(lock);
    };
    Sleeper first(wait);
    Sleeper second(wait);
    const Lock lock(mutex);
    over = true;
    condition->notify_all();
    condition.reset();  // with the mutex held that they want
  }
}

TEST(Condition, misuse_aborts) {
  EXPECT_ABORT(
      [] {
        Shared shared;
        Lock lock(shared.mutex, std::defer_lock);
        shared.condition.wait(lock);
      },
      "Condition: waits with a lock that is not held");
  EXPECT_ABORT(
      [] {
        Shared shared;
        shared.condition.wait(shared.mutex);
      },
      "Mutex: unlocked by a thread that does not own it");
  EXPECT_ABORT(
      [] {
        Shared shared;
        const Sleeper waiter([&] {
          Lock lock(shared.mutex);
          shared.condition.wait(lock);
        });
        Mutex other;
        Lock lock(other);
        shared.condition.wait(lock);
      },
      "Condition: waited for with two mutexes at a time");
  if (takt::test::kThreadSanitizer) return;  // which reports what follows by itself
  EXPECT_ABORT(
      [] {
        Mutex mutex;
        auto condition = std::make_unique<Condition>();
        const Sleeper waiter([&] {
          Lock lock(mutex);
          condition->wait(lock);
        });
        condition.reset();
      },
      "Condition: destroyed while a thread waits that was not notified");
}

TEST(Condition, a_cycle_through_the_mutex_aborts) {
  EXPECT_ABORT(
      [] {
        Shared shared;
        Mutex other;
        const Sleeper waiter([&] {
          const Lock holds(other);
          Lock lock(shared.mutex);
          shared.condition.wait(lock);
        });
        const Sleeper owner([&] {
          const Lock lock(shared.mutex);
          const Lock wants(other);
        });
        shared.condition.notify_one();
      },
      "Condition: a waiter holds what the owner of the mutex waits for");
}

TEST(Condition, waits_for_memory_to_notify) {
  Shared shared;
  Sleeper waiter([&] {
    Lock lock(shared.mutex);
    shared.condition.wait(lock);
  });
  const FaultInjection fault(SystemCall::futex, ENOMEM);
  shared.condition.notify_one();
  waiter.join();
  EXPECT_EQ(fault.failures(), 1);
}

TEST_EACH(Condition, a_signal_is_no_notification, EAGAIN, EINTR) {
  Shared shared;
  Lock lock(shared.mutex);
  const FaultInjection fault(SystemCall::futex, param);
  const TimePoint start = takt::now();
  EXPECT_TRUE(shared.condition.wait_for(lock, 2ms) == std::cv_status::timeout);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_EQ(fault.failures(), 1);
}

TEST(Condition, aborts_without_pi_futexes) {
  EXPECT_ABORT(
      [] {
        Shared shared;
        Lock lock(shared.mutex);
        const FaultInjection fault(SystemCall::futex, ENOSYS, 1, FaultInjection::Times::onward);
        shared.condition.wait(lock);
      },
      "Condition: this kernel has no PI futexes");
}

}  // namespace
