// SPDX-License-Identifier: Apache-2.0
// ProcessMutex between real processes, some of which are killed with the lock.
#include "takt/sync/process_mutex.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <new>
#include <thread>

#include "takt/platform/shared_memory.h"
#include "takt/platform/thread_id.h"
#include "takt/sync/lock_guard.h"
#include "takt/tests/platform/emulation.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/expect_locks.h"

// Locks change hands between processes, which the static analysis does not follow.
#define UNANALYSED TAKT_NO_THREAD_SAFETY_ANALYSIS

namespace {

using namespace std::chrono_literals;
using takt::ProcessMutex;
using takt::StatusCode;
using takt::TimePoint;
using takt::platform::SharedMemory;
using takt::platform::SystemCall;
using takt::test::FaultInjection;

/// What the processes share.
struct Shared {
  ProcessMutex mutex;
  std::atomic<std::int32_t> waiter{0};
  std::atomic<std::uint32_t> stage{0};
  std::uint64_t count = 0;
  std::uint64_t copy = 0;
};

/// A `Shared` in memory that each process maps for itself.
class SharedObject {
 public:
  SharedObject() : memory_(SharedMemory::create_anonymous("takt-test", sizeof(Shared))) {
    ASSERT_OK(memory_);
    ::new (memory_->memory().data()) Shared;
  }
  Shared& operator*() { return in(*memory_); }
  Shared* operator->() { return &**this; }

  static Shared& in(SharedMemory& memory) {
    return *std::launder(static_cast<Shared*>(static_cast<void*>(memory.memory().data())));
  }
  [[nodiscard]] int descriptor() const { return memory_->descriptor(); }

 private:
  takt::Result<SharedMemory> memory_;
};

/// A process with a mapping of its own, at another address.
class Process {
 public:
  template <class Body>
  Process(SharedObject& object, const Body& body) : id_(::fork()) {
    if (id_ == 0) {
      takt::Result<SharedMemory> own =
          SharedMemory::from_descriptor(object.descriptor(), sizeof(Shared));
      ASSERT_OK(own);
      body(SharedObject::in(*own));
      ::_exit(takt::test::has_failed() ? 1 : 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { EXPECT_EQ(join(), 0); }

  void kill() {
    ::kill(id_, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(join()));
  }
  /// How it ended, once.
  int join() {
    int status = 0;
    if (id_ > 0) EXPECT_EQ(::waitpid(id_, &status, 0), id_);
    id_ = -1;
    return status;
  }

 private:
  pid_t id_;
};

void wait_for_stage(const Shared& shared, std::uint32_t stage) {
  while (shared.stage.load() < stage) ::sched_yield();
}

/// Takes the lock, leaves the data in the middle of a change, and waits to be killed.
void hold_for_ever(Shared& shared) UNANALYSED {
  ASSERT_OK(shared.mutex.acquire());
  ++shared.count;
  shared.stage.store(1);
  for (;;) ::pause();
}

/// Kills a process that holds the lock.
void abandon(SharedObject& shared) {
  Process owner(shared, hold_for_ever);
  wait_for_stage(*shared, 1);
  owner.kill();
}

#define SKIP_WITHOUT_ROBUST_LISTS() \
  if (takt::test::is_emulated()) SKIP("qemu-user has no robust lists: a dead owner is not told")

// For the other machines glibc takes the lists for granted.
#ifdef __riscv
#define SKIP_WITHOUT_ROBUST_MUTEXES() SKIP_WITHOUT_ROBUST_LISTS()
#else
#define SKIP_WITHOUT_ROBUST_MUTEXES() static_cast<void>(0)
#endif

TEST(ProcessMutex, excludes_processes) {
  SKIP_WITHOUT_ROBUST_MUTEXES();
  constexpr std::uint64_t kRounds = 2000;
  SharedObject shared;
  const auto work = [](Shared& mine) UNANALYSED {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      EXPECT_OK(mine.mutex.acquire());
      EXPECT_EQ(mine.count, mine.copy);
      ++mine.count;
      if (i % 16 == 0) ::sched_yield();
      ++mine.copy;
      mine.mutex.unlock();
    }
  };
  {
    const Process first(shared, work);
    const Process second(shared, work);
    const Process third(shared, work);
  }
  EXPECT_EQ(shared->count, 3 * kRounds);
  EXPECT_FALSE(shared->mutex.owner_died());
}

TEST(ProcessMutex, times_out) {
  SKIP_WITHOUT_ROBUST_MUTEXES();
  SharedObject shared;
  Process owner(shared, [](Shared& mine) UNANALYSED {
    ASSERT_OK(mine.mutex.acquire());
    mine.stage.store(1);
    wait_for_stage(mine, 2);
    mine.mutex.unlock();
  });
  wait_for_stage(*shared, 1);
  const TimePoint start = takt::now();
  EXPECT_EQ(shared->mutex.acquire_for(2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_EQ(shared->mutex.acquire_until(start + 4ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 4ms);
  const auto wall = std::chrono::system_clock::now() + 2ms;
  EXPECT_EQ(shared->mutex.acquire_until(wall).code(), StatusCode::timed_out);
  EXPECT_GE(std::chrono::system_clock::now(), wall);
  EXPECT_EQ(shared->mutex.acquire_until(TimePoint::min()).code(), StatusCode::timed_out);
  EXPECT_EQ(shared->mutex.try_acquire().code(), StatusCode::unavailable);
  EXPECT_FALSE(shared->mutex.try_lock());
  EXPECT_FALSE(shared->mutex.try_lock_for(1ms));
  shared->stage.store(2);
  takt::test::expect_locks(shared->mutex, [&] { return shared->mutex.try_lock_for(1h); });
}

TEST(ProcessMutex, times_out_by_the_wall_clock_on_old_systems) {
  SKIP_WITHOUT_ROBUST_MUTEXES();
  SharedObject shared;
  shared->mutex.lock();
  std::thread([&] {
    const FaultInjection old_glibc(SystemCall::pthread_mutex_clocklock, EINVAL, 1,
                                   FaultInjection::Times::onward);
    const TimePoint start = takt::now();
    EXPECT_EQ(shared->mutex.acquire_for(2ms).code(), StatusCode::timed_out);
    EXPECT_GE(takt::now(), start + 2ms);
    EXPECT_EQ(old_glibc.failures(), 1);
  }).join();
  shared->mutex.unlock();
}

TEST_EACH(ProcessMutex, tries_again_after, ENOMEM, EAGAIN) {
  SKIP_WITHOUT_ROBUST_MUTEXES();
  ProcessMutex mutex;
  const FaultInjection fault(SystemCall::pthread_mutex_lock, param);
  takt::test::expect_locks(mutex, [&] { return mutex.acquire().ok(); });
  EXPECT_EQ(fault.failures(), 1);
}

TEST(ProcessMutex, the_next_one_learns_of_a_killed_owner) UNANALYSED {
  SKIP_WITHOUT_ROBUST_LISTS();
  SharedObject shared;
  abandon(shared);
  const takt::Status status = shared->mutex.acquire();
  ASSERT_EQ(status.code(), StatusCode::owner_died);
  EXPECT_TRUE(shared->mutex.owner_died());
  EXPECT_NE(shared->count, shared->copy);
  shared->copy = shared->count;
  EXPECT_OK(shared->mutex.make_consistent());
  EXPECT_FALSE(shared->mutex.owner_died());
  shared->mutex.unlock();
  const Process next(shared, [](Shared& mine) {
    takt::test::expect_locks(mine.mutex, [&] { return mine.mutex.acquire().ok(); });
    EXPECT_EQ(mine.count, mine.copy);
  });
}

TEST(ProcessMutex, who_sleeps_learns_of_it_too) {
  SKIP_WITHOUT_ROBUST_LISTS();
  SharedObject shared;
  Process owner(shared, hold_for_ever);
  wait_for_stage(*shared, 1);
  Process waiter(shared, [](Shared& mine) UNANALYSED {
    mine.waiter.store(takt::platform::thread_id());
    EXPECT_EQ(mine.mutex.acquire_for(1h).code(), StatusCode::owner_died);
    EXPECT_OK(mine.mutex.make_consistent());
    mine.mutex.unlock();
  });
  while (shared->waiter.load() == 0) ::sched_yield();
  owner.kill();
  EXPECT_EQ(waiter.join(), 0);
  takt::test::expect_locks(shared->mutex, [&] { return shared->mutex.acquire().ok(); });
}

TEST(ProcessMutex, unlocked_without_repair_it_is_lost) UNANALYSED {
  SKIP_WITHOUT_ROBUST_LISTS();
  SharedObject shared;
  abandon(shared);
  EXPECT_EQ(shared->mutex.try_acquire().code(), StatusCode::owner_died);
  shared->mutex.unlock();
  EXPECT_EQ(shared->mutex.acquire().code(), StatusCode::not_recoverable);
  EXPECT_EQ(shared->mutex.try_acquire().code(), StatusCode::not_recoverable);
  EXPECT_EQ(shared->mutex.acquire_for(1h).code(), StatusCode::not_recoverable);
  EXPECT_FALSE(shared->mutex.try_lock());
  EXPECT_ABORT([&]() UNANALYSED { shared->mutex.lock(); }, "ProcessMutex: not recoverable");
}

TEST(ProcessMutex, the_one_who_repairs_may_die_as_well) UNANALYSED {
  SKIP_WITHOUT_ROBUST_LISTS();
  SharedObject shared;
  abandon(shared);
  {
    Process repairer(shared, [](Shared& mine) UNANALYSED {
      EXPECT_EQ(mine.mutex.acquire().code(), StatusCode::owner_died);
      ::kill(::getpid(), SIGKILL);
    });
    EXPECT_TRUE(WIFSIGNALED(repairer.join()));
  }
  EXPECT_EQ(shared->mutex.acquire().code(), StatusCode::owner_died);
  EXPECT_OK(shared->mutex.make_consistent());
  shared->mutex.unlock();
}

// A thread that ends with the lock is a dead owner as well, whatever its process does.
TEST(ProcessMutex, a_thread_that_ended_is_a_dead_owner) {
  SKIP_WITHOUT_ROBUST_LISTS();
  SharedObject shared;
  std::thread([&]() UNANALYSED { shared->mutex.lock(); }).join();
  const std::unique_lock lock(shared->mutex);
  EXPECT_TRUE(shared->mutex.owner_died());
  EXPECT_OK(shared->mutex.make_consistent());
}

TEST(ProcessMutex, only_after_a_death_is_there_something_to_repair) {
  SKIP_WITHOUT_ROBUST_MUTEXES();
  ProcessMutex mutex;
  const takt::LockGuard lock(mutex);
  EXPECT_EQ(mutex.make_consistent().code(), StatusCode::failed_precondition);
  EXPECT_FALSE(mutex.owner_died());
}

TEST(ProcessMutex, works_with_the_standards_guards) {
  SKIP_WITHOUT_ROBUST_MUTEXES();
  ProcessMutex first;
  ProcessMutex second;
  {
    const std::scoped_lock both(first, second);
    EXPECT_FALSE(first.try_lock());
  }
  std::unique_lock left(first, std::defer_lock);
  std::unique_lock right(second, std::defer_lock);
  std::lock(left, right);
  EXPECT_TRUE(left.owns_lock() && right.owns_lock());
  left.unlock();
  EXPECT_TRUE(left.try_lock_for(1s));
  left.unlock();
  EXPECT_TRUE(left.try_lock_until(std::chrono::system_clock::now()));
}

TEST(ProcessMutex, misuse_aborts) {
  SKIP_WITHOUT_ROBUST_MUTEXES();
  EXPECT_ABORT(
      []() UNANALYSED {
        ProcessMutex mutex;
        mutex.lock();
        mutex.lock();
      },
      "ProcessMutex: locked again by its owner");
  if (takt::test::kThreadSanitizer) return;  // which reports what follows by itself
  EXPECT_ABORT(
      []() UNANALYSED {
        ProcessMutex mutex;
        mutex.unlock();
      },
      "ProcessMutex: unlocked by a thread that does not own it");
}

}  // namespace
