// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/fault_injection.h"

#include <errno.h>

#include <atomic>
#include <list>
#include <thread>
#include <vector>

#include "takt/platform/file_reader.h"
#include "takt/tests/support/test.h"

namespace {

using takt::platform::injected_fault;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using Times = FaultInjection::Times;

TEST(FaultInjection, fails_the_nth_call) {
  EXPECT_EQ(injected_fault(SystemCall::mlock), 0);
  const FaultInjection fault(SystemCall::mlock, EPERM, 3);
  EXPECT_EQ(injected_fault(SystemCall::mlock), 0);
  EXPECT_EQ(injected_fault(SystemCall::mlock), 0);
  EXPECT_EQ(injected_fault(SystemCall::mlock), EPERM);
  EXPECT_EQ(injected_fault(SystemCall::mlock), 0);
  EXPECT_EQ(fault.calls(), 4);
  EXPECT_EQ(fault.failures(), 1);
}

TEST(FaultInjection, fails_the_nth_call_and_all_later_ones) {
  const FaultInjection fault(SystemCall::mlock, EPERM, 2, Times::onward);
  EXPECT_EQ(injected_fault(SystemCall::mlock), 0);
  EXPECT_EQ(injected_fault(SystemCall::mlock), EPERM);
  EXPECT_EQ(injected_fault(SystemCall::mlock), EPERM);
  EXPECT_EQ(fault.failures(), 2);
}

TEST(FaultInjection, leaves_other_calls_alone) {
  const FaultInjection fault(SystemCall::mlock, EPERM);
  EXPECT_EQ(injected_fault(SystemCall::munlock), 0);
  EXPECT_EQ(fault.calls(), 0);
}

TEST(FaultInjection, ends_with_the_object) {
  { const FaultInjection fault(SystemCall::mlock, EPERM); }
  EXPECT_EQ(injected_fault(SystemCall::mlock), 0);
}

TEST(FaultInjection, several_at_once) {
  const FaultInjection first(SystemCall::mlock, EPERM, 1, Times::onward);
  const FaultInjection other(SystemCall::munlock, ENOMEM);
  {
    const FaultInjection younger(SystemCall::mlock, EAGAIN);
    EXPECT_EQ(injected_fault(SystemCall::mlock), EAGAIN);
    EXPECT_EQ(injected_fault(SystemCall::mlock), EPERM);
    EXPECT_EQ(injected_fault(SystemCall::munlock), ENOMEM);
    EXPECT_EQ(younger.calls(), 2);
    EXPECT_EQ(younger.failures(), 1);
  }
  EXPECT_EQ(first.calls(), 2);
  EXPECT_EQ(first.failures(), 1);
}

TEST(FaultInjection, counts_over_threads) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 1000;
  const FaultInjection fault(SystemCall::mlock, EPERM, 2500);
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int index = 0; index < kThreads; ++index) {
    threads.emplace_back([&failures] {
      for (int call = 0; call < kCalls; ++call) {
        failures += injected_fault(SystemCall::mlock) == EPERM ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(fault.calls(), kThreads * kCalls);
  EXPECT_EQ(failures.load(), 1);
  EXPECT_EQ(fault.failures(), 1);
}

TEST(FaultInjection, reaches_a_function_of_the_platform) {
  char buffer[8192];
  EXPECT_OK(takt::platform::read_file("/proc/self/stat", buffer));
  const FaultInjection fault(SystemCall::open, EMFILE);
  const auto refused = takt::platform::read_file("/proc/self/stat", buffer);
  EXPECT_EQ(refused.code(), takt::StatusCode::resource_exhausted);
  EXPECT_EQ(refused.status().error_number(), EMFILE);
  EXPECT_OK(takt::platform::read_file("/proc/self/stat", buffer));
}

TEST(FaultInjection, refuses_too_many) {
  EXPECT_ABORT(
      [] {
        std::list<FaultInjection> faults;
        for (int count = 0; count < 100; ++count) {
          faults.emplace_back(SystemCall::mlock, EPERM);
        }
      },
      "FaultInjection: too many at once");
}

}  // namespace
