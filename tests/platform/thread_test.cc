// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/thread.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "takt/platform/proc_reader.h"
#include "takt/platform/stack.h"
#include "takt/tests/platform/emulation.h"
#include "takt/tests/platform/static_stack.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::kNever;
using takt::StatusCode;
using takt::TimePoint;
using takt::platform::Thread;
using takt::test::StaticStack;

StaticStack stack;

/// Runs until it is told to end, so that a test decides about time-outs.
struct Gate {
  std::atomic<bool> open{false};
  static void wait(void* gate) noexcept { static_cast<Gate*>(gate)->open.wait(false); }
  void let_go() noexcept {
    open = true;
    open.notify_all();
  }
};

TEST(Thread, runs_its_entry_on_the_given_stack) {
  ASSERT_OK(takt::platform::prepare_stack(stack.memory()));
  Thread thread;
  EXPECT_FALSE(thread.joinable());
  const void* local = nullptr;
  ASSERT_OK(thread.start(
      "worker", stack.memory(),
      [](void* result) noexcept {
        *static_cast<const void**>(result) = __builtin_frame_address(0);
      },
      &local));
  EXPECT_TRUE(thread.joinable());
  ASSERT_OK(thread.join_until(kNever));
  EXPECT_FALSE(thread.joinable());
  EXPECT_GE(local, static_cast<const void*>(stack.bytes));
  EXPECT_LT(local, static_cast<const void*>(stack.bytes + sizeof stack.bytes));
}

TEST(Thread, starts_again_after_a_join) {
  Thread thread;
  std::atomic<int> runs{0};
  for (int round = 1; round <= 3; ++round) {
    ASSERT_OK(takt::platform::prepare_stack(stack.memory()));
    ASSERT_OK(thread.start(
        "again", stack.memory(),
        [](void* count) noexcept { ++*static_cast<std::atomic<int>*>(count); }, &runs));
    ASSERT_OK(thread.join_until(takt::deadline_after(1h)));
    EXPECT_EQ(runs.load(), round);
  }
}

TEST(Thread, carries_its_name) {
  char name[16] = {};
  for (const char* wanted : {"control", "a name too long for the kernel", ""}) {
    Thread thread;
    ASSERT_OK(thread.start(
        wanted, stack.memory(),
        [](void* buffer) noexcept { ::prctl(PR_GET_NAME, buffer, 0, 0, 0); }, name));
    ASSERT_OK(thread.join_until(kNever));
    EXPECT_EQ(std::string_view(name), std::string_view(wanted).substr(0, 15));
  }
}

TEST(Thread, a_join_that_times_out_leaves_it_joinable) {
  Gate gate;
  Thread thread;
  ASSERT_OK(thread.start("slow", stack.memory(), Gate::wait, &gate));
  for (const TimePoint deadline : {takt::deadline_after(2ms), takt::now(), takt::from_ns(0),
                                   takt::from_ns(-1), TimePoint::min()}) {
    const takt::Status status = thread.join_until(deadline);
    EXPECT_EQ(status.code(), StatusCode::timed_out);
    EXPECT_EQ(status.error_number(), ETIMEDOUT);
    EXPECT_EQ(std::string_view(status.text()), "thread 'slow': has not ended yet");
    EXPECT_GE(takt::now(), deadline);
    EXPECT_TRUE(thread.joinable());
  }
  gate.let_go();
  EXPECT_OK(thread.join_until(kNever - 1ns));
}

TEST(Thread, refuses_a_second_start_and_a_second_join) {
  Gate gate;
  Thread thread;
  EXPECT_EQ(thread.join_until(kNever).code(), StatusCode::failed_precondition);
  ASSERT_OK(thread.start("one", stack.memory(), Gate::wait, &gate));
  EXPECT_EQ(thread.start("two", stack.memory(), Gate::wait, &gate).code(),
            StatusCode::failed_precondition);
  gate.let_go();
  EXPECT_OK(thread.join_until(kNever));
  EXPECT_EQ(thread.join_until(kNever).code(), StatusCode::failed_precondition);
}

TEST(Thread, cannot_join_itself) {
  Thread thread;
  std::atomic<bool> started{false};
  struct Both {
    Thread* thread;
    std::atomic<bool>* started;
  } both{&thread, &started};
  ASSERT_OK(thread.start(
      "ego", stack.memory(),
      [](void* argument) noexcept {
        const auto* const objects = static_cast<Both*>(argument);
        objects->started->wait(false);
        const takt::Status status = objects->thread->join_until(kNever);
        EXPECT_EQ(status.code(), StatusCode::failed_precondition);
        EXPECT_EQ(status.error_number(), EDEADLK);
      },
      &both));
  started = true;
  started.notify_all();
  EXPECT_OK(thread.join_until(kNever));
}

TEST(Thread, refuses_a_stack_that_is_too_small) {
  Thread thread;
  const auto tiny = stack.memory().first(takt::platform::page_bytes() + 4096);
  const takt::Status status = thread.start("tiny", tiny, Gate::wait, nullptr);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(status.error_number(), EINVAL);
  EXPECT_EQ(std::string_view(status.text()).substr(0, 39),
            "thread 'tiny': stack of 4096 bytes, nee");
  EXPECT_FALSE(thread.joinable());
}

TEST(Thread, must_be_joined_before_it_is_destroyed) {
  EXPECT_ABORT(
      [] {
        Gate gate;
        Thread thread;
        EXPECT_OK(thread.start("left", stack.memory(), Gate::wait, &gate));
      },
      "a Thread must be joined");
}

TEST(Thread, blocks_all_signals_but_its_own_faults) {
  if (takt::test::is_emulated()) SKIP("qemu-user keeps the signal mask to itself");
  sigset_t mask_before;
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &mask_before), 0);
  std::uint64_t blocked = 0;
  Thread thread;
  ASSERT_OK(thread.start(
      "signals", stack.memory(),
      [](void* result) noexcept {
        const auto status = takt::platform::read_thread_status(takt::platform::thread_id());
        EXPECT_OK(status);
        if (status.ok()) *static_cast<std::uint64_t*>(result) = status->blocked_signals;
      },
      &blocked));
  ASSERT_OK(thread.join_until(kNever));
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    const bool is_fault = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
                          signal == SIGILL || signal == SIGTRAP || signal == SIGSYS;
    const bool is_unblockable = signal == SIGKILL || signal == SIGSTOP;
    const bool is_glibcs = signal >= 32 && signal < SIGRTMIN;
    const bool is_blocked = (blocked >> (signal - 1) & 1) != 0;
    EXPECT_EQ(is_blocked, !is_fault && !is_unblockable && !is_glibcs, "signal %d", signal);
  }
  // The creator's own mask is as before.
  sigset_t mask_after;
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &mask_after), 0);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    EXPECT_EQ(::sigismember(&mask_before, signal), ::sigismember(&mask_after, signal));
  }
}

TEST(ThreadId, is_the_kernels_and_differs_between_threads) {
  const std::int32_t own = takt::platform::thread_id();
  EXPECT_EQ(own, ::gettid());
  EXPECT_EQ(takt::platform::thread_id(), own);
  std::int32_t other = 0;
  Thread thread;
  ASSERT_OK(thread.start(
      "id", stack.memory(),
      [](void* result) noexcept {
        *static_cast<std::int32_t*>(result) = takt::platform::thread_id();
        EXPECT_EQ(takt::platform::thread_id(), ::gettid());
      },
      &other));
  ASSERT_OK(thread.join_until(kNever));
  EXPECT_NE(other, 0);
  EXPECT_NE(other, own);
}

}  // namespace
