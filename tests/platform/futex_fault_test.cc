// SPDX-License-Identifier: Apache-2.0
// What futexes and sleeps do when the kernel refuses, above all a kernel older than the headers.
#include <linux/futex.h>
#include <sched.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <thread>

#include "takt/platform/features.h"
#include "takt/platform/futex.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/platform/pi_lock.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::kNever;
using takt::TimePoint;
using takt::platform::futex_lock_pi;
using takt::platform::FutexScope;
using takt::platform::FutexWord;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::own_id;
using takt::test::PiHolder;
using takt::test::unlock;
using Times = FaultInjection::Times;

constexpr FutexScope kPrivate = FutexScope::process_private;
constexpr std::uint32_t kOwner = FUTEX_TID_MASK;

TEST_EACH(FutexFault, every_operation_keeps_the_errno, EACCES, ENOMEM, ENOSYS, EFAULT) {
  FutexWord word{0};
  FutexWord mutex{0};
  const FaultInjection fault(SystemCall::futex, param, 1, Times::onward);
  EXPECT_EQ(takt::platform::futex_wait(word, 0, kNever, kPrivate), param);
  EXPECT_EQ(takt::platform::futex_requeue(word, 0, 1, mutex, 1, kPrivate), param);
  EXPECT_EQ(futex_lock_pi(word, kNever, kPrivate), param);
  EXPECT_EQ(futex_lock_pi(word, takt::deadline_after(1h), kPrivate), param);
  EXPECT_EQ(takt::platform::futex_try_lock_pi(word, kPrivate), param);
  EXPECT_EQ(takt::platform::futex_unlock_pi(word, kPrivate), param);
  EXPECT_EQ(takt::platform::futex_wait_requeue_pi(word, 0, kNever, mutex, kPrivate), param);
  EXPECT_EQ(takt::platform::futex_requeue_pi(word, 0, 1, mutex, kPrivate), param);
  EXPECT_EQ(takt::platform::futex_wake(word, 1, kPrivate), 0);
  EXPECT_EQ(word.load(), 0);
}

TEST(FutexFault, a_lock_goes_on_after_a_signal) {
  FutexWord word{0};
  const FaultInjection fault(SystemCall::futex, EINTR);
  EXPECT_EQ(futex_lock_pi(word, kNever, kPrivate), 0);
  EXPECT_EQ(fault.calls(), 2);
}

// A kernel before 5.14.
class OldKernel {
  FaultInjection fault_{SystemCall::futex_lock_pi2, ENOSYS, 1, Times::onward};
};

TEST(FutexFault, an_old_kernel_locks_by_the_wall_clock) {
  const OldKernel old_kernel;
  for (const TimePoint deadline : {takt::deadline_after(1h), takt::now(), TimePoint::min()}) {
    FutexWord word{0};
    EXPECT_EQ(futex_lock_pi(word, deadline, kPrivate), 0);
    EXPECT_EQ(word.load() & kOwner, own_id());
  }
}

TEST(FutexFault, an_old_kernel_times_out_no_earlier_than_the_deadline) {
  const OldKernel old_kernel;
  FutexWord word{0};
  const PiHolder holder(word);
  for (const TimePoint deadline : {takt::deadline_after(2ms), takt::now(), takt::from_ns(0),
                                   takt::from_ns(-1), TimePoint::min()}) {
    EXPECT_EQ(futex_lock_pi(word, deadline, kPrivate), ETIMEDOUT);
    EXPECT_GE(takt::now(), deadline);
  }
}

TEST(FutexFault, an_old_kernel_hands_the_lock_over) {
  const OldKernel old_kernel;
  FutexWord word{own_id()};
  std::atomic<std::int32_t> waiter_id{0};
  std::thread waiter([&] {
    waiter_id = takt::platform::thread_id();
    // Beyond what the wall clock can show, when the time until then is added to it.
    EXPECT_EQ(futex_lock_pi(word, kNever - 1ns, kPrivate), 0);
    unlock(word);
  });
  takt::test::wait_until_asleep(waiter_id);
  unlock(word);
  waiter.join();
}

// The wall clock is set forward, twice: the kernel says "timed out" long before the deadline.
TEST(FutexFault, an_old_kernels_early_time_out_is_waited_through) {
  const OldKernel old_kernel;
  FutexWord word{0};
  const FaultInjection jumps(SystemCall::futex, ETIMEDOUT, 1);
  const FaultInjection jumps_again(SystemCall::futex, ETIMEDOUT, 2);
  EXPECT_EQ(futex_lock_pi(word, takt::deadline_after(1h), kPrivate), 0);
  EXPECT_EQ(jumps.calls(), 3);
}

TEST(FutexFault, an_old_kernels_time_out_after_the_deadline_is_one) {
  const OldKernel old_kernel;
  FutexWord word{0};
  const FaultInjection fault(SystemCall::futex, ETIMEDOUT);
  EXPECT_EQ(futex_lock_pi(word, takt::now(), kPrivate), ETIMEDOUT);
  EXPECT_EQ(fault.calls(), 1);
}

TEST(FutexFault, an_old_kernel_locks_on_after_a_signal) {
  const OldKernel old_kernel;
  FutexWord word{0};
  const FaultInjection fault(SystemCall::futex, EINTR);
  EXPECT_EQ(futex_lock_pi(word, takt::deadline_after(1h), kPrivate), 0);
  EXPECT_EQ(fault.failures(), 1);
}

TEST(FutexFault, a_lock_without_time_limit_needs_no_new_kernel) {
  const OldKernel old_kernel;
  const FaultInjection unused(SystemCall::futex_lock_pi2, EIO);
  FutexWord word{0};
  EXPECT_EQ(futex_lock_pi(word, kNever, kPrivate), 0);
  EXPECT_EQ(unused.calls(), 0);
}

TEST(FutexFault, a_32_bit_kernel_before_5_1_waits_with_old_times) {
  if (sizeof(long) != 4) SKIP("a 64-bit machine has one futex call only");
  const FaultInjection fault(SystemCall::futex_time64, ENOSYS, 1, Times::onward);
  const FutexWord word{0};
  const TimePoint deadline = takt::deadline_after(2ms);
  EXPECT_EQ(takt::platform::futex_wait(word, 0, deadline, kPrivate), ETIMEDOUT);
  EXPECT_GE(takt::now(), deadline);
  EXPECT_EQ(takt::platform::futex_wait(word, 0, takt::from_ns(-1), kPrivate), ETIMEDOUT);
  EXPECT_EQ(takt::platform::futex_wait(word, 1, kNever - 1ns, kPrivate), EAGAIN);
  EXPECT_EQ(fault.failures(), 3);
  FutexWord mutex{0};
  EXPECT_EQ(futex_lock_pi(mutex, kNever, kPrivate), 0);
}

TEST(FutexFault, a_32_bit_kernel_before_5_1_sleeps_with_old_times) {
  if (sizeof(long) != 4) SKIP("a 64-bit machine has one sleep call only");
  const FaultInjection fault(SystemCall::clock_nanosleep_time64, ENOSYS, 1, Times::onward);
  const TimePoint deadline = takt::deadline_after(2ms);
  takt::platform::sleep_until(deadline);
  EXPECT_GE(takt::now(), deadline);
  takt::platform::sleep_until(TimePoint::min());
  EXPECT_EQ(fault.failures(), 2);
}

TEST(TimeFault, a_sleep_goes_on_after_a_signal) {
  const FaultInjection fault(SystemCall::clock_nanosleep, EINTR, 1);
  const FaultInjection again(SystemCall::clock_nanosleep, EINTR, 2);
  const TimePoint deadline = takt::deadline_after(2ms);
  takt::platform::sleep_until(deadline);
  EXPECT_GE(takt::now(), deadline);
  EXPECT_EQ(fault.calls(), 3);
}

TEST(TimeFault, a_sleep_that_is_refused_does_not_return_early) {
  EXPECT_ABORT(
      [] {
        const FaultInjection fault(SystemCall::clock_nanosleep, EPERM);
        takt::platform::sleep_until(takt::deadline_after(1h));
      },
      "clock_nanosleep was refused");
}

TEST(FeaturesFault, an_old_kernel_is_recognised) {
  const FaultInjection no_release(SystemCall::uname, EFAULT);
  const OldKernel old_kernel;
  const FaultInjection no_time64(SystemCall::futex_time64, ENOSYS);
  const FaultInjection no_membarrier(SystemCall::membarrier, ENOSYS);
  const takt::platform::Features found = takt::platform::probe_features();
  EXPECT_EQ(found.kernel_release[0], '\0');
  EXPECT_EQ(found.kernel_major, 0);
  EXPECT_TRUE(found.pi_futex);
  EXPECT_FALSE(found.lock_pi2);
  EXPECT_FALSE(found.membarrier);
  EXPECT_EQ(found.time64, sizeof(long) == 8);
}

TEST(FeaturesFault, a_kernel_without_pi_futexes_is_recognised) {
  const FaultInjection no_pi(SystemCall::futex, ENOSYS, 1, Times::onward);
  const takt::platform::Features found = takt::platform::probe_features();
  EXPECT_FALSE(found.pi_futex);
  EXPECT_FALSE(found.lock_pi2);
}

}  // namespace
