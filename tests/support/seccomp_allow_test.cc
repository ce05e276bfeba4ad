// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/seccomp_allow.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/test.h"

namespace {

using takt::test::AllocationGuard;
using takt::test::kSystemCallsAfterStart;
using takt::test::SeccompAllow;

// Volatile: else the compiler may leave out an allocation that nobody uses.
void* volatile block_ = nullptr;

/// Whether seccomp works here, tried where the filter does no harm.
bool seccomp_works() {
  return takt::test::run_in_child([] {
           const SeccompAllow allow(kSystemCallsAfterStart);
           _exit(allow.enforced() ? 0 : 1);
         })
      .exited_with(0);
}

#define SKIP_UNLESS_SECCOMP_WORKS()                                 \
  if (!seccomp_works()) {                                           \
    SKIP("no seccomp filter here: under qemu-user or a sanitizer"); \
  }

TEST(SeccompAllow, passes_the_listed_calls) {
  SKIP_UNLESS_SECCOMP_WORKS();
  const SeccompAllow allow(kSystemCallsAfterStart);
  timespec now{};
  EXPECT_EQ(syscall(__NR_clock_gettime, CLOCK_MONOTONIC, &now), 0);
  EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, nullptr), 0);
}

TEST(SeccompAllow, names_another_call) {
  SKIP_UNLESS_SECCOMP_WORKS();
  EXPECT_ABORT(
      [] {
        const SeccompAllow allow(kSystemCallsAfterStart);
        open("/dev/null", O_RDONLY);
      },
      "SeccompAllow: openat() by thread");
  EXPECT_ABORT(
      [] {
        const SeccompAllow allow(kSystemCallsAfterStart);
        syscall(9999);
      },
      "SeccompAllow: system call 9999()");
}

TEST(SeccompAllow, lets_expectations_report) {
  SKIP_UNLESS_SECCOMP_WORKS();
  const auto child = takt::test::run_in_child([] {
    takt::test::set_report_descriptor(-1);  // the failure is wanted
    const SeccompAllow allow(kSystemCallsAfterStart);
    EXPECT_EQ(1, 2);
  });
  EXPECT_TRUE(child.exited_with(0), "%s", child.output.c_str());
  EXPECT_NE(child.output.find("expected 1 == 2"), std::string::npos);
}

/// A thread that runs before the list is in force, and makes a call that is not on it afterwards.
void call_getppid_in_older_thread(SeccompAllow::Scope scope) {
  std::atomic<int> step{0};
  std::thread thread([&step] {
    step.store(1);
    step.notify_all();
    step.wait(1);
    syscall(__NR_getppid);
    step.store(3);
    step.notify_all();
  });
  step.wait(0);
  // std::atomic::wait yields before it sleeps.
  constexpr long kCalls[] = {__NR_futex, __NR_sched_yield};
  const SeccompAllow allow(kCalls, scope);
  step.store(2);
  step.notify_all();
  step.wait(2);
  _exit(0);
}

TEST(SeccompAllow, binds_the_process_or_the_thread) {
  SKIP_UNLESS_SECCOMP_WORKS();
  EXPECT_ABORT([] { call_getppid_in_older_thread(SeccompAllow::Scope::process); },
               "SeccompAllow: getppid()");
  const auto child = takt::test::run_in_child(
      [] { call_getppid_in_older_thread(SeccompAllow::Scope::calling_thread); });
  EXPECT_TRUE(child.exited_with(0), "%s", child.output.c_str());
}

TEST(SeccompAllow, ends_with_the_object) {
  SKIP_UNLESS_SECCOMP_WORKS();
  { const SeccompAllow allow(kSystemCallsAfterStart); }
  const int descriptor = open("/dev/null", O_RDONLY);
  EXPECT_GE(descriptor, 0);
  EXPECT_EQ(close(descriptor), 0);
  EXPECT_EQ(open("/no/such/file", O_RDONLY), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST(SeccompAllow, works_with_the_allocation_guard) {
  SKIP_UNLESS_SECCOMP_WORKS();
  const auto under_both = [](auto statement) {
    return [statement] {
      AllocationGuard::prepare();
      const SeccompAllow allow(kSystemCallsAfterStart);
      const AllocationGuard guard;
      statement();
    };
  };
  EXPECT_ABORT(under_both([] { block_ = std::malloc(1); }), "AllocationGuard: malloc(1)");
  EXPECT_ABORT(under_both([] { sbrk(4096); }), "SeccompAllow: brk()");
  EXPECT_ABORT(under_both([] { syscall(__NR_getppid); }), "SeccompAllow: getppid()");
  EXPECT_TRUE(takt::test::run_in_child(under_both([] {})).exited_with(0));
}

}  // namespace
