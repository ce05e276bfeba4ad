// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/stack.h"

#include <alloca.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "takt/platform/thread.h"
#include "takt/tests/platform/static_stack.h"
#include "takt/tests/support/test.h"

namespace {

using takt::StatusCode;
using takt::platform::kLargestPage;
using takt::platform::minimum_stack_bytes;
using takt::platform::page_bytes;
using takt::platform::prepare_stack;
using takt::platform::release_stack;
using takt::platform::stack_high_water;
using takt::platform::Thread;
using takt::platform::usable_stack;
using takt::test::StaticStack;

StaticStack stack;

/// Runs `entry` on the prepared stack to its end.
void run_on_stack(takt::platform::ThreadEntry entry, void* argument = nullptr) {
  Thread thread;
  ASSERT_OK(thread.start("stack", stack.memory(), entry, argument));
  ASSERT_OK(thread.join_until(takt::kNever));
}

TEST(Stack, the_largest_page_covers_the_kernels) {
  EXPECT_EQ(kLargestPage % page_bytes(), 0);
  EXPECT_EQ(page_bytes(), static_cast<std::size_t>(::getpagesize()));
}

TEST(Stack, rejects_what_is_not_whole_pages) {
  const std::span<std::byte> memory = stack.memory();
  EXPECT_EQ(prepare_stack(memory.subspan(8)).code(), StatusCode::invalid_argument);
  EXPECT_EQ(prepare_stack(memory.first(memory.size() - 8)).code(), StatusCode::invalid_argument);
  EXPECT_EQ(prepare_stack(memory.first(page_bytes())).code(), StatusCode::invalid_argument);
  EXPECT_EQ(prepare_stack({}).code(), StatusCode::invalid_argument);
  EXPECT_EQ(release_stack(memory.subspan(8)).code(), StatusCode::invalid_argument);
  EXPECT_OK(prepare_stack(memory.first(2 * page_bytes())));
}

TEST(Stack, an_unused_stack_has_no_high_water) {
  ASSERT_OK(prepare_stack(stack.memory()));
  EXPECT_EQ(stack_high_water(stack.memory()), 0);
  EXPECT_EQ(usable_stack(stack.memory()).size(), sizeof stack.bytes - page_bytes());
  EXPECT_EQ(usable_stack({}).size(), 0);
}

TEST(Stack, the_high_water_mark_is_the_lowest_touched_byte) {
  ASSERT_OK(prepare_stack(stack.memory()));
  const std::span<std::byte> usable = usable_stack(stack.memory());
  usable.back() = std::byte{1};
  EXPECT_EQ(stack_high_water(stack.memory()), 8);  // in words
  usable[usable.size() / 2] = std::byte{1};
  EXPECT_EQ(stack_high_water(stack.memory()), usable.size() / 2);
  usable.front() = std::byte{1};
  EXPECT_EQ(stack_high_water(stack.memory()), usable.size());
}

constexpr std::size_t kDeep = 100 * 1024;

TEST(Stack, shows_how_deep_a_thread_went) {
  ASSERT_OK(prepare_stack(stack.memory()));
  run_on_stack([](void*) noexcept {});
  const std::size_t shallow = stack_high_water(stack.memory());
  EXPECT_GT(shallow, 0);

  ASSERT_OK(prepare_stack(stack.memory()));
  run_on_stack([](void*) noexcept {
    volatile char deep[kDeep];
    deep[0] = 1;
    deep[kDeep - 1] = 1;
    static_cast<void>(deep[0]);
  });
  EXPECT_GE(stack_high_water(stack.memory()), kDeep);
  EXPECT_LT(shallow, stack_high_water(stack.memory()));
}

TEST(Stack, is_painted_anew) {
  ASSERT_OK(prepare_stack(stack.memory()));
  run_on_stack([](void*) noexcept {});
  ASSERT_OK(prepare_stack(stack.memory()));
  EXPECT_EQ(stack_high_water(stack.memory()), 0);
}

TEST(Stack, reads_the_high_water_of_a_running_thread) {
  ASSERT_OK(prepare_stack(stack.memory()));
  run_on_stack([](void*) noexcept { EXPECT_GT(stack_high_water(stack.memory()), 0); });
}

TEST(Stack, faults_in_the_guard_page) {
  ASSERT_OK(prepare_stack(stack.memory()));
  const auto touch = [](std::size_t index) {
    return takt::test::run_in_child([index] {
      ::signal(SIGSEGV, SIG_DFL);
      *static_cast<volatile std::byte*>(&stack.bytes[index]) = std::byte{1};
    });
  };
  EXPECT_TRUE(touch(0).killed_by(SIGSEGV));
  EXPECT_TRUE(touch(page_bytes() - 1).killed_by(SIGSEGV));
  EXPECT_TRUE(touch(page_bytes()).exited_with(0));
  EXPECT_TRUE(touch(sizeof stack.bytes - 1).exited_with(0));
}

TEST(Stack, an_overflowing_thread_dies_in_the_guard_page) {
  const auto outcome = takt::test::run_in_child([] {
    ::signal(SIGSEGV, SIG_DFL);
    ASSERT_OK(prepare_stack(stack.memory()));
    run_on_stack([](void*) noexcept {
      // Towards the low end, a page's step at a time, as a recursion would.
      for (;;) {
        volatile char* const frame = static_cast<char*>(alloca(1024));
        *frame = 1;
      }
    });
  });
  EXPECT_TRUE(outcome.killed_by(SIGSEGV));
}

TEST(Stack, can_be_given_back) {
  ASSERT_OK(prepare_stack(stack.memory()));
  run_on_stack([](void*) noexcept {});
  ASSERT_OK(release_stack(stack.memory()));
  std::memset(stack.bytes, 0x5a, sizeof stack.bytes);
  takt::test::run_in_child([] { EXPECT_EQ(int{static_cast<char>(stack.bytes[0])}, 0x5a); });
}

TEST(Stack, the_minimum_suffices_for_an_empty_thread) {
  const std::size_t page = page_bytes();
  const std::size_t bytes = (minimum_stack_bytes() + page - 1) / page * page + page;
  ASSERT_LE(bytes, sizeof stack.bytes);
  const std::span<std::byte> smallest = stack.memory().first(bytes);
  ASSERT_OK(prepare_stack(smallest));
  Thread thread;
  ASSERT_OK(thread.start(
      "minimum", smallest, [](void*) noexcept {}, nullptr));
  ASSERT_OK(thread.join_until(takt::kNever));
  EXPECT_LT(stack_high_water(smallest), usable_stack(smallest).size());
}

}  // namespace
