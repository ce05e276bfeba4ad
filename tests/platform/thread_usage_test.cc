// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/thread_usage.h"

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "takt/platform/thread_id.h"
#include "takt/platform/time.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::platform::thread_cpu_time;
using takt::platform::thread_usage;

/// Keeps the CPU busy until the thread's own clock has advanced by `duration`.
void consume(Duration duration) {
  const Duration begin = thread_cpu_time().value();
  while (thread_cpu_time().value() - begin < duration) continue;
}

TEST(ThreadUsage, cpu_time_grows_with_work) {
  const auto before = thread_cpu_time();
  ASSERT_OK(before);
  consume(2ms);
  const auto after = thread_cpu_time();
  ASSERT_OK(after);
  EXPECT_GE(*after - *before, 2ms);
}

TEST(ThreadUsage, cpu_time_does_not_grow_with_sleep) {
  const auto before = thread_cpu_time();
  ASSERT_OK(before);
  const takt::TimePoint begin = takt::now();
  takt::platform::sleep_until(begin + 20ms);
  const auto after = thread_cpu_time();
  ASSERT_OK(after);
  EXPECT_LT(*after - *before, takt::now() - begin);
}

TEST(ThreadUsage, reads_a_threads_cpu_time_by_its_id) {
  std::atomic<std::int32_t> id{0};
  std::atomic<bool> open{false};
  std::thread other([&] {
    consume(2ms);
    id = static_cast<std::int32_t>(takt::platform::thread_id());
    id.notify_all();
    open.wait(false);
  });
  id.wait(0);
  const auto time = takt::platform::thread_cpu_time_of(id);
  ASSERT_OK(time);
  EXPECT_GE(*time, 2ms);
  open = true;
  open.notify_all();
  other.join();
  EXPECT_EQ(takt::platform::thread_cpu_time_of(1).code(), takt::StatusCode::not_found);
  EXPECT_EQ(takt::platform::thread_cpu_time_of(0).code(), takt::StatusCode::not_found);
  EXPECT_EQ(takt::platform::thread_cpu_time_of(-1).code(), takt::StatusCode::not_found);
}

TEST(ThreadUsage, reads_another_threads_cpu_time) {
  std::atomic<bool> consumed{false};
  std::atomic<bool> open{false};
  std::thread other([&] {
    consume(2ms);
    consumed = true;
    consumed.notify_all();
    open.wait(false);
  });
  consumed.wait(false);
  const auto time = thread_cpu_time(other.native_handle());
  ASSERT_OK(time);
  EXPECT_GE(*time, 2ms);
  open = true;
  open.notify_all();
  other.join();
}

TEST(ThreadUsage, says_when_the_other_thread_has_ended) {
  std::thread other([] {});
  // Ended, not joined: its clock disappears some time after its last instruction.
  takt::Status status;
  do {
    ::sched_yield();
    status = thread_cpu_time(other.native_handle()).status();
  } while (status.ok());
  EXPECT_EQ(status.code(), takt::StatusCode::not_found);
  other.join();
}

TEST(ThreadUsage, counts_voluntary_switches) {
  const auto before = thread_usage();
  ASSERT_OK(before);
  // A sleep that begins too late is none: the case's time limit ends this if nothing is counted.
  takt::Result<takt::platform::ThreadUsage> after = before;
  while (after->voluntary_switches < before->voluntary_switches + 3) {
    takt::platform::sleep_until(takt::now() + 1ms);
    after = thread_usage();
    ASSERT_OK(after);
  }
  EXPECT_GE(after->involuntary_switches, before->involuntary_switches);
}

TEST(ThreadUsage, is_the_threads_and_not_the_processes) {
  const auto usage_before = thread_usage();
  const auto time_before = thread_cpu_time();
  std::thread([] { consume(50ms); }).join();
  const auto usage = thread_usage();
  const auto time = thread_cpu_time();
  ASSERT_OK(usage_before);
  ASSERT_OK(usage);
  EXPECT_LT(usage->user + usage->system - usage_before->user - usage_before->system, 50ms);
  EXPECT_LT(*time - *time_before, 50ms);
}

}  // namespace
