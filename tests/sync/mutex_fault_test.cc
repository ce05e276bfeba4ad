// SPDX-License-Identifier: Apache-2.0
// What the kernel may answer to a Mutex besides yes.
#include <atomic>
#include <cerrno>
#include <thread>

#include "takt/sync/mutex.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/expect_locks.h"

namespace {

using namespace std::chrono_literals;
using takt::Mutex;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using Times = FaultInjection::Times;

/// Locks in one thread, contends in this one, and unlocks when the kernel was asked `calls` times.
void contend(Mutex& mutex, const FaultInjection& fault,
             unsigned calls) TAKT_NO_THREAD_SAFETY_ANALYSIS {
  std::atomic<bool> held{false};
  std::thread owner([&]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    mutex.lock();
    held.store(true);
    while (fault.calls() < calls) ::sched_yield();
    mutex.unlock();
  });
  while (!held.load()) ::sched_yield();
  mutex.lock();
  mutex.unlock();
  owner.join();
}

TEST_EACH(MutexFault, tries_again_after, EAGAIN, EINTR, ENOMEM) {
  Mutex mutex;
  const FaultInjection fault(SystemCall::futex, param);
  contend(mutex, fault, 2);
  EXPECT_EQ(fault.failures(), 1);
}

TEST(MutexFault, a_lasting_lack_of_memory_ends_with_the_deadline) {
  Mutex mutex;
  std::atomic<bool> held{false};
  std::atomic<bool> over{false};
  std::thread owner([&]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    mutex.lock();
    held.store(true);
    while (!over.load()) ::sched_yield();
    mutex.unlock();
  });
  while (!held.load()) ::sched_yield();
  {
    const FaultInjection fault(SystemCall::futex, ENOMEM, 1, Times::onward);
    // Longer and longer: a thread that is kept from running meanwhile tries no second time.
    unsigned tries = 0;
    for (takt::Duration timeout = 3ms; tries < 2; timeout *= 2) {
      const unsigned before = fault.failures();
      const takt::TimePoint start = takt::now();
      EXPECT_FALSE(mutex.try_lock_for(timeout));
      EXPECT_GE(takt::now(), start + timeout);
      tries = fault.failures() - before;
    }
  }
  over.store(true);
  owner.join();
}

TEST(MutexFault, waits_by_the_wall_clock_on_old_kernels) {
  const FaultInjection old_kernel(SystemCall::futex_lock_pi2, ENOSYS, 1, Times::onward);
  Mutex mutex;
  std::atomic<bool> held{false};
  std::atomic<bool> over{false};
  std::thread owner([&]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    mutex.lock();
    held.store(true);
    while (!over.load()) ::sched_yield();
    mutex.unlock();
  });
  while (!held.load()) ::sched_yield();
  const takt::TimePoint start = takt::now();
  EXPECT_FALSE(mutex.try_lock_for(2ms));
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_GE(old_kernel.failures(), 1);
  over.store(true);
  takt::test::expect_locks(mutex, [&] { return mutex.try_lock_for(1h); });
  owner.join();
}

struct Fatal {
  const char* name;
  int error_number;
  const char* text;
};
TEST_EACH(MutexFault, aborts_when_it_can_never_work,
          Fatal{"no_pi_futexes", ENOSYS, "Mutex: this kernel has no PI futexes"},
          Fatal{"corrupt_word", EINVAL, "Mutex: the lock word is corrupt"}) {
  EXPECT_ABORT(
      [&]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
        Mutex mutex;
        std::thread([&mutex]() TAKT_NO_THREAD_SAFETY_ANALYSIS { mutex.lock(); }).join();
        const FaultInjection fault(SystemCall::futex, param.error_number, 1, Times::onward);
        mutex.lock();
      },
      param.text);
}

}  // namespace
