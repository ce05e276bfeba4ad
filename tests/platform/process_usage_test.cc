// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/process_usage.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/platform/kernel_count.h"
#include "takt/platform/proc_reader.h"
#include "takt/platform/thread_id.h"
#include "takt/platform/thread_usage.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::platform::process_usage;
using takt::platform::SystemCall;

TEST(ProcessUsage, a_count_of_32_bits_is_never_negative) {
  using takt::platform::detail::kernel_count;
  EXPECT_EQ(kernel_count(std::int32_t{0x7FFF'FFFF}), 0x7FFF'FFFFU);
  EXPECT_EQ(kernel_count(std::int32_t{-0x7FFF'FFFF - 1}), 0x8000'0000U);
  EXPECT_EQ(kernel_count(std::int32_t{-1}), 0xFFFF'FFFFU);
  EXPECT_EQ(kernel_count(std::int64_t{0xFFFF'FFFF}), 0xFFFF'FFFFU);
}

TEST(ProcessUsage, counts_threads_that_have_ended) {
  const auto before = process_usage();
  ASSERT_OK(before);
  std::thread([] {
    const takt::Duration begin = takt::platform::thread_cpu_time().value();
    while (takt::platform::thread_cpu_time().value() - begin < 20ms) continue;
  }).join();
  const auto after = process_usage();
  ASSERT_OK(after);
  // The kernel scales user and system time to its own sum, in microseconds.
  EXPECT_GE(after->user + after->system - before->user - before->system, 19ms);
}

TEST(ProcessUsage, counts_pages_that_are_touched_and_sleeps) {
  constexpr std::size_t kPages = 256;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const memory =
      ::mmap(nullptr, kPages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_TRUE(memory != MAP_FAILED);
  ::madvise(memory, kPages * page, MADV_NOHUGEPAGE);  // not all with one fault
  const auto before = process_usage();
  ASSERT_OK(before);
  for (std::size_t i = 0; i < kPages; ++i) static_cast<volatile char*>(memory)[i * page] = 1;
  const auto touched = process_usage();
  ASSERT_OK(touched);
  for (int sleep = 0; sleep < 20; ++sleep) takt::platform::sleep_until(takt::now() + 1ms);
  const auto slept = process_usage();
  ASSERT_OK(slept);
  EXPECT_GE(touched->minor_faults - before->minor_faults, kPages);
  // A busy machine may have let the time pass before some of them slept.
  EXPECT_GE(slept->voluntary_switches - touched->voluntary_switches, 10U);
  ::munmap(memory, kPages * page);
}

TEST(ProcessUsage, knows_the_peak_of_memory) {
  // More than the kernel's own count may be behind, which it keeps a CPU and adds up now and then.
  std::vector<char> touched(1 << 20, 'x');
  EXPECT_EQ(touched.back(), 'x');
  const auto usage = process_usage();
  const auto status = takt::platform::read_process_status();
  ASSERT_OK(usage);
  ASSERT_OK(status);
  EXPECT_GT(usage->peak_resident_bytes, std::uint64_t{512} * 1024);
  EXPECT_GT(status->peak_resident_kib, 512U);
  EXPECT_GE(status->threads, 1U);
}

// The file of a thread that has ended is there for who has opened it before, and cannot be read.
TEST(ProcReader, says_that_a_thread_ended_between_open_and_read) {
  const takt::test::FaultInjection fault(SystemCall::read, ESRCH);
  const auto stat = takt::platform::read_thread_stat(takt::platform::thread_id());
  EXPECT_EQ(stat.code(), takt::StatusCode::not_found);
  EXPECT_EQ(fault.failures(), 1U);
}

TEST(ProcessUsage, says_what_was_refused) {
  const takt::test::FaultInjection fault(SystemCall::getrusage, EPERM);
  const auto usage = process_usage();
  EXPECT_EQ(usage.code(), takt::StatusCode::permission_denied);
  EXPECT_EQ(usage.status().error_number(), EPERM);
}

}  // namespace
