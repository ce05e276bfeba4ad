// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <new>

#include "takt/platform/fork_mark.h"
#include "takt/platform/memory.h"
#include "takt/platform/stack.h"
#include "takt/platform/thread.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/platform/static_stack.h"
#include "takt/tests/support/test.h"

namespace {

using takt::platform::fork_generation;
using takt::platform::ForkMark;
using takt::platform::is_mapped;
using takt::platform::Thread;
using takt::platform::thread_id;

takt::test::StaticStack stack;
alignas(takt::platform::kLargestPage) std::byte page_storage[takt::platform::kLargestPage];

TEST(Fork, a_child_knows_its_own_thread_id) {
  const std::int32_t parent = thread_id();
  const auto outcome = takt::test::run_in_child([parent] {
    EXPECT_NE(thread_id(), parent);
    EXPECT_EQ(thread_id(), ::gettid());
  });
  EXPECT_TRUE(outcome.exited_with(0));
  EXPECT_EQ(thread_id(), parent);
}

TEST(Fork, the_generation_counts_forks) {
  const std::uint32_t own = fork_generation();
  takt::test::run_in_child([own] {
    EXPECT_EQ(fork_generation(), own + 1);
    takt::test::run_in_child([own] { EXPECT_EQ(fork_generation(), own + 2); });
  });
  EXPECT_EQ(fork_generation(), own);
}

TEST(Fork, a_mark_tells_parent_from_child) {
  const ForkMark mark = ForkMark::here();
  EXPECT_FALSE(mark.in_child());
  EXPECT_TRUE(mark.is_here());
  takt::test::run_in_child([&mark] {
    EXPECT_TRUE(mark.in_child());
    EXPECT_FALSE(mark.is_here());
    EXPECT_FALSE(ForkMark::here().in_child());
    EXPECT_TRUE(ForkMark::here().is_here());
  });
}

TEST(Fork, a_mark_works_where_its_memory_does_not) {
  auto* const mark = ::new (page_storage) ForkMark(ForkMark::here());
  ASSERT_OK(takt::platform::exclude_from_fork(page_storage));
  EXPECT_TRUE(is_mapped(mark));
  EXPECT_FALSE(mark->in_child());
  takt::test::run_in_child([mark] { EXPECT_TRUE(mark->in_child()); });
  ASSERT_OK(takt::platform::include_in_fork(page_storage));
  takt::test::run_in_child([mark] { EXPECT_TRUE(mark->in_child()); });
}

TEST(Fork, excluded_memory_is_not_in_the_child) {
  const auto is_missing_in_child = [] {
    bool missing = false;
    const auto outcome = takt::test::run_in_child([] { ::_exit(is_mapped(page_storage) ? 1 : 0); });
    missing = outcome.exited_with(0);
    return missing;
  };
  EXPECT_FALSE(is_missing_in_child());
  ASSERT_OK(takt::platform::exclude_from_fork(page_storage));
  if (!is_missing_in_child()) SKIP("this emulator copies what MADV_DONTFORK excludes");
  ASSERT_OK(takt::platform::include_in_fork(page_storage));
  EXPECT_FALSE(is_missing_in_child());
}

/// A thread that runs until this object ends.
class RunningThread {
 public:
  RunningThread() {
    EXPECT_OK(takt::platform::prepare_stack(stack.memory()));
    EXPECT_OK(thread_.start(
        "running", stack.memory(),
        [](void* gate) noexcept { static_cast<std::atomic<bool>*>(gate)->wait(false); }, &open_));
  }
  ~RunningThread() {
    open_ = true;
    open_.notify_all();
    EXPECT_OK(thread_.join_until(takt::kNever));
  }
  Thread& thread() { return thread_; }

 private:
  std::atomic<bool> open_{false};
  Thread thread_;
};

// fork() in the child visits the descriptor of every thread that ran in the parent, and those lie
// on our stacks: the child must get through it, although the stacks are not there.
TEST(Fork, a_stack_is_left_out_but_for_its_descriptor) {
  RunningThread running;
  const auto* const descriptor = reinterpret_cast<const void*>(running.thread().native_handle());
  const auto outcome = takt::test::run_in_child([descriptor] {
    EXPECT_TRUE(is_mapped(descriptor));
    ::_exit(is_mapped(stack.bytes + takt::platform::kLargestPage) ? 1 : 0);
  });
  if (outcome.exited_with(1)) SKIP("this emulator copies what MADV_DONTFORK excludes");
  EXPECT_TRUE(outcome.exited_with(0));
}

// A daemon's child runs the destructors of static objects on its way to exit: that of a running
// thread's Thread must neither complain nor touch memory that is not there.
TEST(Fork, a_running_thread_may_be_destroyed_in_a_child) {
  RunningThread running;
  const auto outcome = takt::test::run_in_child([&running] { running.thread().~Thread(); });
  EXPECT_TRUE(outcome.exited_with(0));
}

TEST(Fork, a_child_starts_threads_of_its_own) {
  const auto outcome = takt::test::run_in_child([] {
    ASSERT_OK(takt::platform::prepare_stack(stack.memory()));
    Thread thread;
    std::int32_t id = 0;
    ASSERT_OK(thread.start(
        "child", stack.memory(),
        [](void* result) noexcept { *static_cast<std::int32_t*>(result) = thread_id(); }, &id));
    ASSERT_OK(thread.join_until(takt::kNever));
    EXPECT_NE(id, thread_id());
  });
  EXPECT_TRUE(outcome.exited_with(0));
}

}  // namespace
