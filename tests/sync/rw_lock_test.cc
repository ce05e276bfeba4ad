// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/rw_lock.h"

#include <sched.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "takt/sync/lock_guard.h"
#include "takt/sync/read_lock.h"
#include "takt/sync/write_lock.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/sleeper.h"

#if defined(__clang__)  // locks in ways that the analysis cannot follow
#pragma clang diagnostic ignored "-Wthread-safety-analysis"
#endif

namespace {

using namespace std::chrono_literals;
using takt::Fairness;
using takt::LockGuard;
using takt::ReadLock;
using takt::RwLock;
using takt::TimePoint;
using takt::WriteLock;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::Sleeper;
using takt::test::SteppedClock;

using Fair = RwLock<>;
using ReadersFirst = RwLock<Fairness::reader_preferring>;
using WritersFirst = RwLock<Fairness::writer_preferring>;
using Spinning = RwLock<Fairness::phase_fair, 100>;

static_assert(!std::is_copy_constructible_v<Fair>);
static_assert(sizeof(Fair) <= 32);
static_assert(std::is_same_v<decltype(std::declval<Fair&>().lock_shared()), void>);
static_assert(std::is_same_v<decltype(std::declval<Fair&>().try_lock_shared_for(1s)), bool>);
constinit Fair constant_initialised;

/// What another thread sees: whether it could write, whether it could read.
template <class Lock>
bool others_may_write(Lock& lock) {
  bool may = false;
  std::thread([&] {
    may = lock.try_lock();
    if (may) lock.unlock();
  }).join();
  return may;
}
template <class Lock>
bool others_may_read(Lock& lock) {
  bool may = false;
  std::thread([&] {
    may = lock.try_lock_shared();
    if (may) lock.unlock_shared();
  }).join();
  return may;
}

// One contract for us and for the standard's lock.
TEST_TYPES(RwLock, excludes_as_the_standards, Fair, ReadersFirst, WritersFirst, Spinning,
           takt::ProcessRwLock<>, std::shared_timed_mutex) {
  Type lock;
  EXPECT_TRUE(lock.try_lock());
  EXPECT_FALSE(others_may_write(lock));
  EXPECT_FALSE(others_may_read(lock));
  lock.unlock();
  EXPECT_TRUE(lock.try_lock_shared());
  EXPECT_FALSE(others_may_write(lock));
  EXPECT_TRUE(others_may_read(lock));
  lock.unlock_shared();
  EXPECT_TRUE(lock.try_lock_for(1h));
  lock.unlock();
  EXPECT_TRUE(lock.try_lock_until(std::chrono::system_clock::now() + 1h));
  lock.unlock();
  EXPECT_TRUE(lock.try_lock_shared_for(1h));
  lock.unlock_shared();
  EXPECT_TRUE(lock.try_lock_shared_until(std::chrono::steady_clock::now() + 1h));
  lock.unlock_shared();
  EXPECT_TRUE(others_may_write(lock));
}

TEST_TYPES(RwLock, passes_through_the_standards_guards, Fair, ReadersFirst, WritersFirst,
           std::shared_timed_mutex) {
  Type first;
  Type second;
  {
    const std::scoped_lock both(first, second);
    EXPECT_FALSE(others_may_read(first));
    EXPECT_FALSE(others_may_read(second));
  }
  {
    std::shared_lock reading(first, 1ms);
    std::unique_lock writing(second, std::chrono::system_clock::now() + 1ms);
    EXPECT_TRUE(reading.owns_lock() && writing.owns_lock());
    EXPECT_TRUE(others_may_read(first));
    EXPECT_FALSE(others_may_read(second));
  }
  std::shared_lock one(first, std::defer_lock);
  std::unique_lock other(second, std::defer_lock);
  std::lock(one, other);
  EXPECT_TRUE(one.owns_lock() && other.owns_lock());
}

TEST(RwLock, passes_through_our_guards) {
  {
    ReadLock reading(constant_initialised);
    EXPECT_TRUE(others_may_read(constant_initialised));
    EXPECT_FALSE(others_may_write(constant_initialised));
  }
  {
    WriteLock writing(constant_initialised);
    EXPECT_FALSE(others_may_read(constant_initialised));
  }
  {
    LockGuard writing(constant_initialised);
    EXPECT_FALSE(others_may_read(constant_initialised));
  }
  EXPECT_TRUE(others_may_write(constant_initialised));
}

TEST_TYPES(RwLock, misuse_aborts, Fair, ReadersFirst, WritersFirst) {
  EXPECT_ABORT([] { Type().unlock(); }, "RwLock: unlocked by a thread that is not its writer");
  EXPECT_ABORT([] { Type().unlock_shared(); }, "RwLock: unlock_shared() without a reader");
  EXPECT_ABORT(
      [] {
        Type lock;
        lock.lock();
        lock.lock();
      },
      "RwLock: deadlock: the caller is its writer, or the writer waits for the caller");
  EXPECT_ABORT(
      [] {
        Type lock;
        lock.lock();
        lock.lock_shared();
      },
      "RwLock: lock_shared() by its writer");
}

TEST_TYPES(RwLock, uncontended_makes_no_system_call, Fair, ReadersFirst, WritersFirst) {
  const FaultInjection futex(SystemCall::futex, ENOSYS, 1'000'000);
  Type lock;
  for (int i = 0; i < 100; ++i) {
    lock.lock();
    lock.unlock();
    lock.lock_shared();
    EXPECT_TRUE(lock.try_lock_shared());
    EXPECT_FALSE(lock.try_lock());
    lock.unlock_shared();
    lock.unlock_shared();
    EXPECT_TRUE(lock.try_lock_until(takt::kNever));
    EXPECT_FALSE(lock.try_lock_shared());
    lock.unlock();
    EXPECT_TRUE(lock.try_lock_shared_until(takt::kNever));
    lock.unlock_shared();
  }
  EXPECT_EQ(futex.calls(), 0);
}

// After everybody has waited once, the lock is as quick as new.
TEST_TYPES(RwLock, makes_no_system_call_after_a_wait, Fair, ReadersFirst, WritersFirst) {
  Type lock;
  {
    const WriteLock writing(lock);
    Sleeper reader([&] { const ReadLock held{lock}; });
    Sleeper writer([&] { const WriteLock held{lock}; });
    lock.unlock();
    reader.join();
    writer.join();
    lock.lock();
  }
  {
    const ReadLock reading(lock);
    EXPECT_FALSE(lock.try_lock_for(1ms));
  }
  lock.lock();
  lock.unlock();
  const FaultInjection futex(SystemCall::futex, ENOSYS, 1'000'000);
  lock.lock();
  lock.unlock();
  lock.lock_shared();
  lock.unlock_shared();
  EXPECT_EQ(futex.calls(), 0);
}

TEST_TYPES(RwLock, times_out, Fair, ReadersFirst, WritersFirst) {
  Type lock;
  std::thread([&] { lock.lock_shared(); }).join();
  TimePoint start = takt::now();
  EXPECT_FALSE(lock.try_lock_for(2ms));
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_FALSE(lock.try_lock_until(start + 5ms));
  EXPECT_GE(takt::now(), start + 5ms);
  EXPECT_TRUE(others_may_read(lock));
  lock.unlock_shared();

  lock.lock();
  std::thread([&] {
    const TimePoint begin = takt::now();
    EXPECT_FALSE(lock.try_lock_for(2ms));
    EXPECT_FALSE(lock.try_lock_shared_for(2ms));
    EXPECT_GE(takt::now(), begin + 4ms);
    const auto wall = std::chrono::system_clock::now() + 2ms;
    EXPECT_FALSE(lock.try_lock_shared_until(wall));
    EXPECT_GE(std::chrono::system_clock::now(), wall);
    EXPECT_FALSE(lock.try_lock_shared_until(TimePoint::min()));
    EXPECT_FALSE(lock.try_lock_for(std::chrono::hours::min()));
  }).join();
  lock.unlock();
  EXPECT_TRUE(others_may_write(lock));
}

// The wall clock is set back by 5 ms during the wait: the wait lasts as much longer.
TEST(RwLock, a_wait_until_a_wall_time_notices_that_it_was_set) {
  Fair lock;
  lock.lock_shared();
  const TimePoint start = takt::now();
  SteppedClock::will_step_by(-5ms);
  EXPECT_FALSE(lock.try_lock_until(SteppedClock::time_point(start.time_since_epoch() + 1ms)));
  EXPECT_GE(takt::now(), start + 6ms);
  lock.unlock_shared();
}

// A writer waits for the first reader; whom it keeps out it frees when its time is up.
TEST_TYPES(RwLock, a_writer_that_gives_up_frees_readers, Fair, WritersFirst) {
  Type lock;
  lock.lock_shared();
  bool kept_out_to_the_end = false;
  // Once more if the time was up before anybody was kept out, or if the writer had not closed the
  // gate when its first reader was kept out, who then still gets in.
  for (auto patience = 100ms; !kept_out_to_the_end && patience < 1min; patience *= 2) {
    bool kept_out = false;
    const TimePoint start = takt::now();
    std::thread writer([&] { EXPECT_FALSE(lock.try_lock_for(patience)); });
    while (!kept_out && takt::now() < start + patience) {
      kept_out = !lock.try_lock_shared();
      if (!kept_out) lock.unlock_shared();
    }
    // Were it never freed, it would sleep for ever.
    lock.lock_shared();
    kept_out_to_the_end = kept_out && takt::now() >= start + patience;
    lock.unlock_shared();
    writer.join();
  }
  EXPECT_TRUE(kept_out_to_the_end);
  lock.unlock_shared();
}

TEST(RwLock, readers_first_lets_readers_in_before_a_waiting_writer) {
  ReadersFirst lock;
  lock.lock_shared();
  Sleeper writer([&] { const WriteLock held{lock}; });
  EXPECT_TRUE(others_may_read(lock));
  EXPECT_FALSE(writer.over());
  lock.unlock_shared();
}

/// Who came in, in order.
class Order {
 public:
  void add(char who) { text_[next_.fetch_add(1)] = who; }
  const char* text() const { return text_; }

 private:
  std::atomic<std::size_t> next_{0};
  char text_[16] = {};
};

// A writer is inside; a reader waits, then a writer.
TEST_TYPES(RwLock, who_goes_first, Fair, WritersFirst) {
  Type lock;
  Order order;
  lock.lock();
  Sleeper reader([&] {
    const ReadLock reading(lock);
    order.add('r');
  });
  Sleeper writer([&] {
    const WriteLock writing(lock);
    order.add('w');
  });
  lock.unlock();
  reader.join();
  writer.join();
  EXPECT_EQ(std::string_view(order.text()), (std::is_same_v<Type, Fair> ? "rw" : "wr"));
}

// Where writers go first: the writer to whom the readers were left gives up. One that sleeps for
// ownership, one that has it and waits for a reader.
TEST(RwLock, writers_first_frees_readers_when_the_last_writer_gives_up) {
  WritersFirst lock;
  lock.lock();
  Sleeper reader([&] { const ReadLock held{lock}; });
  Sleeper writer([&] { EXPECT_FALSE(lock.try_lock_for(500ms)); });
  writer.join();
  EXPECT_FALSE(reader.over());
  lock.unlock();
  reader.join();
}

// Whoever uses it last may destroy it at once, while the others are still on their way out.
TEST_TYPES(RwLock, may_be_destroyed_by_the_last_user, Fair, ReadersFirst, WritersFirst) {
  const auto rounds = static_cast<int>(20'000 / takt::test::time_scale());
  struct Shared {
    Type lock;
    std::atomic<int> users{2};
  };
  std::optional<Shared> shared;
  std::atomic<Shared*> offered{nullptr};
  std::atomic<int> destroyed{0};
  const auto leave = [&](Shared& object, bool writes) {
    bool last = false;
    if (writes) {
      object.lock.lock();
      last = object.users.fetch_sub(1) == 1;
      object.lock.unlock();
    } else {
      object.lock.lock_shared();
      last = object.users.fetch_sub(1) == 1;
      object.lock.unlock_shared();
    }
    if (!last) return;
    shared.reset();
    destroyed.fetch_add(1);
  };
  std::thread writer([&] {
    for (int round = 0; round < rounds; ++round) {
      Shared* object = nullptr;
      while ((object = offered.exchange(nullptr)) == nullptr) ::sched_yield();
      leave(*object, true);
    }
  });
  for (int round = 0; round < rounds; ++round) {
    shared.emplace();
    Shared* const object = &*shared;
    offered.store(object);
    leave(*object, round % 8 == 0);
    while (destroyed.load() <= round) ::sched_yield();
  }
  writer.join();
}

}  // namespace
