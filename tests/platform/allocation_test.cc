// SPDX-License-Identifier: Apache-2.0
// Nothing in platform/ allocates but glibc's own block in pthread_create and pthread_join: neither
// where it succeeds nor where it fails.
#include <atomic>
#include <cerrno>

#include "takt/platform/cpu_set.h"
#include "takt/platform/features.h"
#include "takt/platform/fork_mark.h"
#include "takt/platform/futex.h"
#include "takt/platform/proc_reader.h"
#include "takt/platform/stack.h"
#include "takt/platform/thread.h"
#include "takt/platform/thread_usage.h"
#include "takt/platform/topology.h"
#include "takt/tests/platform/static_stack.h"
#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using namespace takt::platform;  // NOLINT(*-using-namespace): all of it
using takt::test::AllocationGuard;

takt::test::StaticStack stack;
constexpr FutexScope kPrivate = FutexScope::process_private;

TEST(Allocation, readers_do_not_allocate) {
  const AllocationGuard guard;
  char buffer[64];
  EXPECT_OK(read_thread_stat(thread_id()));
  EXPECT_OK(read_thread_status(thread_id()));
  EXPECT_OK(read_wait_channel(thread_id(), buffer));
  EXPECT_FALSE(read_thread_stat(-1).ok());
  EXPECT_FALSE(parse_thread_status("").ok());
  EXPECT_OK(thread_usage());
  EXPECT_OK(thread_cpu_time());
  EXPECT_OK(thread_cpu_time(::pthread_self()));
  EXPECT_OK(read_topology());
  EXPECT_FALSE(read_topology("/nowhere").ok());
  EXPECT_NE(features().kernel_major, 0);
}

TEST(Allocation, waits_do_not_allocate) {
  const AllocationGuard guard;
  FutexWord word{0};
  FutexWord mutex{0};
  EXPECT_EQ(futex_wait(word, 0, takt::deadline_after(1ms), kPrivate), ETIMEDOUT);
  EXPECT_EQ(futex_wake(word, 1, kPrivate), 0);
  EXPECT_EQ(futex_lock_pi(mutex, takt::deadline_after(1ms), kPrivate), 0);
  EXPECT_EQ(futex_unlock_pi(mutex, kPrivate), 0);
  sleep_until(takt::deadline_after(1ms));
}

TEST(Allocation, settings_do_not_allocate) {
  const AllocationGuard guard;
  set_thread_name("guarded");
  set_timer_slack(50us);
  const auto scheduling_now = scheduling();
  ASSERT_OK(scheduling_now);
  EXPECT_OK(
      set_scheduling(*scheduling_now));  // allowed also where nice(1) keeps the usual one away
  EXPECT_FALSE(set_scheduling(takt::Fifo{.priority = 0}).ok());
  EXPECT_OK(set_affinity(affinity().value()));
  EXPECT_FALSE(set_affinity(takt::CpuSet()).ok());
  EXPECT_FALSE(ForkMark::here().in_child());
}

TEST(Allocation, stacks_do_not_allocate) {
  const AllocationGuard guard;
  ASSERT_OK(prepare_stack(stack.memory()));
  static_cast<void>(lock_memory(usable_stack(stack.memory())));
  prefault(usable_stack(stack.memory()));
  EXPECT_EQ(stack_high_water(stack.memory()), 0);
  ASSERT_OK(unlock_memory(usable_stack(stack.memory())));
  ASSERT_OK(release_stack(stack.memory()));
}

// Guarded is what the thread does: glibc and sanitizers allocate where they start and join it.
TEST(Allocation, a_threads_first_calls_do_not_allocate) {
  Thread thread;
  std::atomic<std::size_t> depth{0};
  ASSERT_OK(prepare_stack(stack.memory()));
  const AllocationGuard::Exempt glibc;
  ASSERT_OK(thread.start(
      "guarded", stack.memory(),
      [](void* result) noexcept {
        const AllocationGuard guard;
        EXPECT_OK(read_thread_stat(thread_id()));
        EXPECT_OK(thread_cpu_time());
        EXPECT_OK(thread_usage());
        sleep_until(takt::deadline_after(1ms));
        static_cast<std::atomic<std::size_t>*>(result)->store(stack_high_water(stack.memory()));
      },
      &depth));
  ASSERT_OK(thread.join_until(takt::deadline_after(1h)));
  EXPECT_GT(depth.load(), 0);
}

}  // namespace
