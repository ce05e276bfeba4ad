// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/futex.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <new>
#include <thread>

#include "takt/platform/memory.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::kNever;
using takt::TimePoint;
using takt::platform::futex_requeue;
using takt::platform::futex_wait;
using takt::platform::futex_wake;
using takt::platform::FutexScope;
using takt::platform::FutexWord;

constexpr FutexScope kPrivate = FutexScope::process_private;

struct ScopeCase {
  const char* name;
  FutexScope scope;
};
constexpr ScopeCase kPrivateCase{"private", FutexScope::process_private};
constexpr ScopeCase kSharedCase{"shared", FutexScope::shared};

TEST_EACH(Futex, does_not_wait_for_another_value, kPrivateCase, kSharedCase) {
  const FutexWord word{1};
  EXPECT_EQ(futex_wait(word, 0, kNever, param.scope), EAGAIN);
  EXPECT_EQ(futex_wait(word, 0, TimePoint::min(), param.scope), EAGAIN);
}

TEST_EACH(Futex, times_out_at_once_when_the_deadline_has_passed, kPrivateCase, kSharedCase) {
  const FutexWord word{0};
  for (const TimePoint deadline : {takt::now(), takt::now() - 1h, takt::from_ns(1),
                                   takt::from_ns(0), takt::from_ns(-1), TimePoint::min()}) {
    EXPECT_EQ(futex_wait(word, 0, deadline, param.scope), ETIMEDOUT);
  }
}

TEST_EACH(Futex, times_out_no_earlier_than_the_deadline, kPrivateCase, kSharedCase) {
  const FutexWord word{0};
  const TimePoint deadline = takt::deadline_after(2ms);
  EXPECT_EQ(futex_wait(word, 0, deadline, param.scope), ETIMEDOUT);
  EXPECT_GE(takt::now(), deadline);
}

struct WakeCase {
  const char* name;
  FutexScope scope;
  TimePoint deadline;
};
TEST_EACH(Futex, is_woken, WakeCase{"private", FutexScope::process_private, kNever},
          WakeCase{"shared", FutexScope::shared, kNever},
          WakeCase{"last_deadline", FutexScope::process_private, kNever - 1ns}) {
  FutexWord word{0};
  int result = -1;
  std::thread waiter([&] { result = futex_wait(word, 0, param.deadline, param.scope); });
  // The value stays: only a wake that found the waiter ends its wait.
  while (futex_wake(word, INT_MAX, param.scope) == 0) ::sched_yield();
  waiter.join();
  EXPECT_EQ(result, 0);
}

TEST(Futex, wakes_nobody_when_nobody_waits) {
  const FutexWord word{0};
  EXPECT_EQ(futex_wake(word, INT_MAX, kPrivate), 0);
  EXPECT_EQ(futex_wake(word, 0, kPrivate), 0);
}

TEST(Futex, wakes_as_many_as_asked) {
  constexpr int kWaiters = 3;
  FutexWord word{0};
  std::atomic<std::int32_t> ids[kWaiters] = {};
  std::atomic<int> left{0};
  std::thread waiters[kWaiters];
  for (int i = 0; i < kWaiters; ++i) {
    waiters[i] = std::thread([&, i] {
      ids[i] = takt::platform::thread_id();
      EXPECT_EQ(futex_wait(word, 0, kNever, kPrivate), 0);
      ++left;
    });
  }
  for (const auto& id : ids) takt::test::wait_until_asleep(id);
  EXPECT_EQ(futex_wake(word, 2, kPrivate), 2);
  while (left != 2) ::sched_yield();
  EXPECT_EQ(futex_wake(word, INT_MAX, kPrivate), 1);
  for (std::thread& waiter : waiters) waiter.join();
}

// Design rule 7: a late wake touches only the address.
TEST(Futex, ignores_that_the_word_is_gone) {
  const std::size_t page = takt::platform::page_bytes();
  void* const memory =
      ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const FutexWord* const word = ::new (memory) FutexWord(0);
  ASSERT_EQ(::munmap(memory, page), 0);
  EXPECT_EQ(futex_wake(*word, 1, FutexScope::process_private), 0);
  EXPECT_EQ(futex_wake(*word, 1, FutexScope::shared), 0);
}

TEST(Futex, leaves_errno_alone) {
  const FutexWord word{0};
  errno = 4711;
  EXPECT_EQ(futex_wait(word, 1, kNever, kPrivate), EAGAIN);
  EXPECT_EQ(futex_wait(word, 0, TimePoint::min(), kPrivate), ETIMEDOUT);
  EXPECT_EQ(errno, 4711);
}

TEST(Futex, reports_a_signal) {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART
  ASSERT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);
  FutexWord word{0};
  std::atomic<bool> done{false};
  std::thread waiter([&] {
    EXPECT_EQ(futex_wait(word, 0, kNever, kPrivate), EINTR);
    done = true;
  });
  while (!done) {
    ::pthread_kill(waiter.native_handle(), SIGUSR1);
    ::sched_yield();
  }
  waiter.join();
}

TEST(Futex, works_between_processes) {
  const std::size_t page = takt::platform::page_bytes();
  void* const memory =
      ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const word = ::new (memory) FutexWord(0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(futex_wait(*word, 0, kNever, FutexScope::shared));
  while (futex_wake(*word, 1, FutexScope::shared) == 0) ::sched_yield();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ::munmap(memory, page);
}

TEST_EACH(Futex, requeues_waiters, kPrivateCase, kSharedCase) {
  constexpr int kWaiters = 3;
  FutexWord from{7};
  FutexWord to{0};
  std::atomic<std::int32_t> ids[kWaiters] = {};
  std::atomic<int> left{0};
  std::thread waiters[kWaiters];
  for (int i = 0; i < kWaiters; ++i) {
    waiters[i] = std::thread([&, i] {
      ids[i] = takt::platform::thread_id();
      EXPECT_EQ(futex_wait(from, 7, kNever, param.scope), 0);
      ++left;
    });
  }
  for (const auto& id : ids) takt::test::wait_until_asleep(id);

  EXPECT_EQ(futex_requeue(from, 8, 1, to, INT_MAX, param.scope), EAGAIN);
  EXPECT_EQ(futex_requeue(from, 7, 1, to, 1, param.scope), 0);
  while (left != 1) ::sched_yield();
  EXPECT_EQ(futex_wake(to, INT_MAX, param.scope), 1);    // the one that was moved
  EXPECT_EQ(futex_wake(from, INT_MAX, param.scope), 1);  // the one that stayed
  for (std::thread& waiter : waiters) waiter.join();
}

}  // namespace
