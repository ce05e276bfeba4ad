// SPDX-License-Identifier: Apache-2.0
#include <linux/futex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <thread>

#include "takt/platform/features.h"
#include "takt/platform/futex.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/platform/pi_lock.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::kNever;
using takt::TimePoint;
using takt::platform::futex_lock_pi;
using takt::platform::futex_requeue_pi;
using takt::platform::futex_try_lock_pi;
using takt::platform::futex_unlock_pi;
using takt::platform::futex_wait_requeue_pi;
using takt::platform::FutexScope;
using takt::platform::FutexWord;
using takt::test::own_id;
using takt::test::PiHolder;
using takt::test::unlock;

constexpr FutexScope kPrivate = FutexScope::process_private;
constexpr std::uint32_t kOwner = FUTEX_TID_MASK;

TEST(FutexPi, locks_a_free_word) {
  for (const TimePoint deadline : {kNever, TimePoint::min(), takt::deadline_after(1h)}) {
    for (const FutexScope scope : {FutexScope::process_private, FutexScope::shared}) {
      FutexWord word{0};
      EXPECT_EQ(futex_lock_pi(word, deadline, scope), 0);
      EXPECT_EQ(word.load() & kOwner, own_id());
      EXPECT_EQ(futex_unlock_pi(word, scope), 0);
      EXPECT_EQ(word.load(), 0);
    }
  }
}

TEST(FutexPi, refuses_to_lock_twice) {
  FutexWord word{own_id()};
  EXPECT_EQ(futex_lock_pi(word, kNever, kPrivate), EDEADLK);
  EXPECT_EQ(futex_lock_pi(word, takt::deadline_after(1h), kPrivate), EDEADLK);
  EXPECT_EQ(futex_try_lock_pi(word, kPrivate), EDEADLK);
}

TEST(FutexPi, tries_without_blocking) {
  FutexWord word{0};
  {
    const PiHolder holder(word);
    EXPECT_EQ(futex_try_lock_pi(word, kPrivate), EAGAIN);
  }
  EXPECT_EQ(futex_try_lock_pi(word, kPrivate), 0);
  EXPECT_EQ(word.load() & kOwner, own_id());
}

TEST(FutexPi, times_out_no_earlier_than_the_deadline) {
  FutexWord word{0};
  const PiHolder holder(word);
  for (const TimePoint deadline : {takt::deadline_after(2ms), takt::now(), takt::from_ns(0),
                                   takt::from_ns(-1), TimePoint::min()}) {
    EXPECT_EQ(futex_lock_pi(word, deadline, kPrivate), ETIMEDOUT);
    EXPECT_GE(takt::now(), deadline);
  }
}

TEST(FutexPi, hands_the_lock_over) {
  for (const TimePoint deadline : {kNever, takt::deadline_after(1h)}) {
    FutexWord word{own_id()};
    std::atomic<std::int32_t> waiter_id{0};
    std::thread waiter([&] {
      waiter_id = takt::platform::thread_id();
      EXPECT_EQ(futex_lock_pi(word, deadline, kPrivate), 0);
      EXPECT_EQ(word.load() & kOwner, own_id());
      unlock(word);
    });
    takt::test::wait_until_asleep(waiter_id);
    EXPECT_EQ(word.load(), own_id() | FUTEX_WAITERS);
    unlock(word);
    waiter.join();
    EXPECT_EQ(word.load(), 0);
  }
}

TEST(FutexPi, only_the_owner_unlocks) {
  FutexWord word{0};
  const PiHolder holder(word);
  EXPECT_EQ(futex_unlock_pi(word, kPrivate), EPERM);
}

TEST(FutexPi, reports_an_owner_that_is_gone) {
  const pid_t gone = ::fork();
  ASSERT_GE(gone, 0);
  if (gone == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
  FutexWord word{static_cast<std::uint32_t>(gone)};
  EXPECT_EQ(futex_lock_pi(word, kNever, kPrivate), ESRCH);
}

TEST(FutexPi, requeues_a_waiter_onto_a_held_lock) {
  FutexWord condition{5};
  FutexWord mutex{own_id()};
  std::atomic<std::int32_t> waiter_id{0};
  std::thread waiter([&] {
    waiter_id = takt::platform::thread_id();
    EXPECT_EQ(futex_wait_requeue_pi(condition, 5, kNever, mutex, kPrivate), 0);
    EXPECT_EQ(mutex.load() & kOwner, own_id());
    unlock(mutex);
  });
  takt::test::wait_until_asleep(waiter_id);
  EXPECT_EQ(futex_requeue_pi(condition, 4, INT_MAX, mutex, kPrivate), EAGAIN);
  EXPECT_EQ(futex_requeue_pi(condition, 5, INT_MAX, mutex, kPrivate), 0);
  EXPECT_EQ(mutex.load(), own_id() | FUTEX_WAITERS);
  unlock(mutex);
  waiter.join();
  EXPECT_EQ(mutex.load(), 0);
}

TEST(FutexPi, requeue_gives_a_free_lock_to_the_waiter) {
  FutexWord condition{0};
  FutexWord mutex{0};
  std::atomic<std::int32_t> waiter_id{0};
  std::thread waiter([&] {
    waiter_id = takt::platform::thread_id();
    EXPECT_EQ(futex_wait_requeue_pi(condition, 0, takt::deadline_after(1h), mutex, kPrivate), 0);
    EXPECT_EQ(mutex.load() & kOwner, own_id());
    unlock(mutex);
  });
  takt::test::wait_until_asleep(waiter_id);
  EXPECT_EQ(futex_requeue_pi(condition, 0, INT_MAX, mutex, kPrivate), 0);
  waiter.join();
  EXPECT_EQ(mutex.load(), 0);
}

TEST(FutexPi, a_wait_to_be_requeued_times_out_without_the_lock) {
  FutexWord condition{0};
  FutexWord mutex{0};
  for (const TimePoint deadline : {takt::deadline_after(2ms), takt::from_ns(-1)}) {
    EXPECT_EQ(futex_wait_requeue_pi(condition, 0, deadline, mutex, kPrivate), ETIMEDOUT);
    EXPECT_GE(takt::now(), deadline);
    EXPECT_EQ(mutex.load(), 0);
  }
  EXPECT_EQ(futex_wait_requeue_pi(condition, 1, kNever, mutex, kPrivate), EAGAIN);
}

TEST(FutexPi, a_requeued_wait_times_out_on_the_lock) {
  FutexWord condition{0};
  FutexWord mutex{own_id()};
  std::atomic<std::int32_t> waiter_id{0};
  // Time enough to be requeued; on a machine that stalls, the wait ends before that, likewise.
  const TimePoint deadline = takt::deadline_after(100ms);
  std::atomic<bool> requeued{false};
  std::thread waiter([&] {
    waiter_id = takt::platform::thread_id();
    EXPECT_EQ(futex_wait_requeue_pi(condition, 0, deadline, mutex, kPrivate), ETIMEDOUT);
    EXPECT_NE(mutex.load() & kOwner, own_id());
    requeued.wait(false);
  });
  takt::test::wait_until_asleep(waiter_id);
  EXPECT_EQ(futex_requeue_pi(condition, 0, INT_MAX, mutex, kPrivate), 0);
  requeued = true;
  requeued.notify_all();
  waiter.join();
  EXPECT_GE(takt::now(), deadline);
  unlock(mutex);
}

}  // namespace
