// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/mutex.h"

#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "takt/platform/thread_id.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/report.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/expect_locks.h"

// The tests hold locks across functions and threads, which the static analysis does not follow.
#define UNANALYSED TAKT_NO_THREAD_SAFETY_ANALYSIS

namespace {

using namespace std::chrono_literals;
using takt::Mutex;
using takt::TimePoint;
using takt::platform::thread_id;
using takt::test::wait_until_asleep;

static_assert(!std::is_copy_constructible_v<Mutex>);
constinit Mutex constant_initialised;

/// A mutex that another thread holds for as long as this object lives.
class Held {
 public:
  explicit Held(Mutex& mutex)
      : holder_([this, &mutex]() UNANALYSED {
          mutex.lock();
          state_.store(kHolding);
          state_.notify_all();
          state_.wait(kHolding);
          mutex.unlock();
        }) {
    state_.wait(kStarting);
  }
  ~Held() { release(); }
  void release() {
    if (!holder_.joinable()) return;
    state_.store(kReleasing);
    state_.notify_all();
    holder_.join();
  }

 private:
  static constexpr int kStarting = 0;
  static constexpr int kHolding = 1;
  static constexpr int kReleasing = 2;

  std::atomic<int> state_{kStarting};
  std::thread holder_;  // last: it uses the above
};

TEST(Mutex, excludes) {
  Mutex mutex;
  {
    Held held(mutex);
    EXPECT_FALSE(mutex.try_lock());
  }
  takt::test::expect_free(mutex);
  constant_initialised.lock();
  constant_initialised.unlock();
}

TEST(Mutex, who_waits_gets_it) {
  Mutex mutex;
  mutex.lock();
  int shared = 1;
  std::atomic<std::int32_t> id{0};
  std::thread waiter([&] {
    id.store(thread_id());
    mutex.lock();
    EXPECT_EQ(shared, 2);
    shared = 3;
    mutex.unlock();
  });
  wait_until_asleep(id);
  shared = 2;
  mutex.unlock();
  mutex.lock();
  EXPECT_TRUE(shared == 2 || shared == 3);
  mutex.unlock();
  waiter.join();
  EXPECT_EQ(shared, 3);
}

TEST(Mutex, times_out) {
  Mutex mutex;
  const Held held(mutex);
  const TimePoint start = takt::now();
  EXPECT_FALSE(mutex.try_lock_for(2ms));
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_FALSE(mutex.try_lock_until(start + 5ms));
  EXPECT_GE(takt::now(), start + 5ms);
  const auto wall = std::chrono::system_clock::now() + 2ms;
  EXPECT_FALSE(mutex.try_lock_until(wall));
  EXPECT_GE(std::chrono::system_clock::now(), wall);
}

TEST(Mutex, a_deadline_that_has_passed_times_out_at_once) {
  Mutex mutex;
  const Held held(mutex);
  EXPECT_FALSE(mutex.try_lock_for(0ns));
  EXPECT_FALSE(mutex.try_lock_for(std::chrono::hours::min()));
  EXPECT_FALSE(mutex.try_lock_until(TimePoint::min()));
  EXPECT_FALSE(mutex.try_lock_until(TimePoint{}));
  EXPECT_FALSE(mutex.try_lock_until(std::chrono::system_clock::time_point::min()));
}

TEST(Mutex, a_free_one_ignores_the_deadline) {
  Mutex mutex;
  takt::test::expect_locks(mutex, [&] { return mutex.try_lock_until(TimePoint::min()); });
  takt::test::expect_locks(mutex, [&] { return mutex.try_lock_for(-1s); });
}

/// A clock that goes back once while somebody waits by it.
struct MovedClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<MovedClock>;

  static time_point now() noexcept {
    const std::chrono::nanoseconds back = ++readings > 1 ? 3ms : 0ms;
    return time_point(takt::now().time_since_epoch() - back);
  }
  static inline std::atomic<int> readings{0};
};

TEST(Mutex, waits_on_when_the_clock_was_set_back) {
  Mutex mutex;
  const Held held(mutex);
  const TimePoint start = takt::now();
  EXPECT_FALSE(mutex.try_lock_until(MovedClock::time_point(start.time_since_epoch() + 1ms)));
  EXPECT_GE(takt::now(), start + 4ms);
}

TEST(Mutex, who_waits_with_a_limit_gets_it) {
  Mutex mutex;
  std::optional<Held> held(std::in_place, mutex);
  std::atomic<std::int32_t> ids[3] = {};
  const auto wait = [&](int which, const auto& lock) UNANALYSED {
    ids[which].store(thread_id());
    EXPECT_TRUE(lock());
    mutex.unlock();
  };
  std::thread waiters[] = {
      std::thread([&]() UNANALYSED {
        wait(0, [&] { return mutex.try_lock_for(std::chrono::hours::max()); });
      }),
      std::thread([&]()
                      UNANALYSED { wait(1, [&] { return mutex.try_lock_until(takt::kNever); }); }),
      std::thread([&]() UNANALYSED {
        wait(2, [&] { return mutex.try_lock_until(std::chrono::system_clock::now() + 1h); });
      })};
  for (auto& id : ids) wait_until_asleep(id);
  held->release();
  for (std::thread& waiter : waiters) waiter.join();
}

TEST(Mutex, misuse_aborts) {
  EXPECT_ABORT(
      []() UNANALYSED {
        Mutex mutex;
        mutex.lock();
        mutex.lock();
      },
      "Mutex: deadlock: the caller owns it, or its owner waits for the caller");
  EXPECT_ABORT(
      []() UNANALYSED {
        Mutex mutex;
        mutex.lock();
        static_cast<void>(mutex.try_lock_for(1h));
      },
      "Mutex: deadlock: the caller owns it, or its owner waits for the caller");
  EXPECT_ABORT(
      []() UNANALYSED {
        Mutex mutex;
        mutex.unlock();
      },
      "Mutex: unlocked by a thread that does not own it");
  EXPECT_ABORT(
      []() UNANALYSED {
        Mutex mutex;
        const Held held(mutex);
        mutex.unlock();
      },
      "Mutex: unlocked by a thread that does not own it");
}

// Each of two holds what the other one wants: the kernel tells the one that comes last.
TEST(Mutex, a_cycle_of_owners_aborts) {
  EXPECT_ABORT(
      []() UNANALYSED {
        Mutex left;
        Mutex right;
        std::atomic<std::int32_t> waiter{0};
        left.lock();
        std::thread other([&]() UNANALYSED {
          right.lock();
          waiter.store(thread_id());
          left.lock();
        });
        wait_until_asleep(waiter);
        right.lock();
        other.join();
      },
      "Mutex: deadlock: the caller owns it, or its owner waits for the caller");
}

// With its time over a timed lock is an attempt, as the standard has it, also inside a circle.
TEST(Mutex, a_time_that_is_over_fails_in_a_circle) UNANALYSED {
  Mutex left;
  Mutex right;
  std::atomic<std::int32_t> waiter{0};
  left.lock();
  EXPECT_FALSE(left.try_lock_for(0s));
  std::thread other([&]() UNANALYSED {
    right.lock();
    waiter.store(thread_id());
    left.lock();
    left.unlock();
    right.unlock();
  });
  wait_until_asleep(waiter);
  EXPECT_FALSE(right.try_lock_for(0s));
  EXPECT_FALSE(right.try_lock_until(takt::now() - 1s));
  left.unlock();
  other.join();
}

TEST(Mutex, the_owner_may_try_in_vain) {
  Mutex mutex;
  mutex.lock();
  EXPECT_FALSE(mutex.try_lock());  // NOLINT: as std::mutex's, where it is undefined
  mutex.unlock();
}

TEST(Mutex, an_owner_that_ended_aborts_who_waits) {
  EXPECT_ABORT(
      []() UNANALYSED {
        Mutex mutex;
        std::thread([&mutex]() UNANALYSED { mutex.lock(); }).join();
        mutex.lock();
      },
      "Mutex: its owner ended without unlocking");
}

// Then the kernel hands the lock over, but says so.
TEST(Mutex, an_owner_that_ends_aborts_who_sleeps) {
  EXPECT_ABORT(
      []() UNANALYSED {
        Mutex mutex;
        std::atomic<std::int32_t> waiter{0};
        std::atomic<bool> held{false};
        std::thread owner([&]() UNANALYSED {
          mutex.lock();
          held.store(true);
          wait_until_asleep(waiter);
        });
        while (!held.load()) ::sched_yield();
        waiter.store(thread_id());
        mutex.lock();
        owner.join();
      },
      "Mutex: its owner ended without unlocking");
}

TEST(Mutex, works_with_the_standards_guards) {
  Mutex first;
  Mutex second;
  {
    const std::scoped_lock both(first, second);
    EXPECT_FALSE(first.try_lock());
    EXPECT_FALSE(second.try_lock());
  }
  {
    std::unique_lock deferred(first, std::defer_lock);
    EXPECT_FALSE(deferred.owns_lock());
    EXPECT_TRUE(deferred.try_lock_for(1h));
    std::unique_lock attempted(second, takt::now() + 1h);
    EXPECT_TRUE(attempted.owns_lock());
  }
  {
    std::unique_lock left(first, std::defer_lock);
    std::unique_lock right(second, std::defer_lock);
    std::lock(left, right);
    EXPECT_TRUE(left.owns_lock() && right.owns_lock());
  }
  const std::lock_guard last(first);
}

TEST(Mutex, scoped_locks_in_opposite_orders_do_not_lock_up) {
  Mutex first;
  Mutex second;
  std::uint64_t sum = 0;
  const auto rounds = static_cast<std::uint64_t>(5'000 / takt::test::time_scale());
  std::thread other([&] {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const std::scoped_lock both(second, first);
      ++sum;
    }
  });
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const std::scoped_lock both(first, second);
    ++sum;
  }
  other.join();
  EXPECT_EQ(sum, 2 * rounds);
}

// Each thread mixes the ways to lock; a plain counter and its copy are what the lock protects.
TEST(Mutex, counts_under_contention) {
  constexpr int kThreads = 64;
  const auto rounds = static_cast<int>(300 / takt::test::time_scale());
  Mutex mutex;
  std::uint64_t count = 0;
  std::uint64_t copy = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number, rounds]() UNANALYSED {
      takt::test::Random random(static_cast<std::uint64_t>(number));
      for (int i = 0; i < rounds; ++i) {
        switch (random.below(3)) {
          case 0:
            mutex.lock();
            break;
          case 1:
            while (!mutex.try_lock_for(std::chrono::microseconds(random.below(100)))) {
            }
            break;
          default:
            while (!mutex.try_lock()) ::sched_yield();
        }
        EXPECT_EQ(count, copy);
        ++count;
        if (random.one_in(16)) ::sched_yield();
        ++copy;
        mutex.unlock();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * rounds);
}

// The last unlock of a shared object's lock may be followed at once by its end in another thread
// (the object that std::mutex was fixed for in POSIX, "mutex destruction"): nothing touches the
// lock after it was handed over.
TEST(Mutex, may_be_destroyed_by_the_next_owner) {
  struct Object {
    Mutex mutex;
    int users = 2;
  };
  const auto rounds = static_cast<int>(10'000 / takt::test::time_scale());
  std::atomic<Object*> offered{nullptr};
  const auto leave = [](Object* object) UNANALYSED {
    object->mutex.lock();
    const bool last = --object->users == 0;
    object->mutex.unlock();
    if (last) delete object;
  };
  std::thread other([&] {
    for (int round = 0; round < rounds; ++round) {
      Object* object = nullptr;
      while ((object = offered.exchange(nullptr)) == nullptr) ::sched_yield();
      leave(object);
    }
  });
  for (int round = 0; round < rounds; ++round) {
    auto* const object = new Object;
    Object* taken = nullptr;
    while (!offered.compare_exchange_weak(taken, object)) taken = nullptr;
    leave(object);
  }
  other.join();
}

}  // namespace
