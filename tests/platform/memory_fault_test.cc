// SPDX-License-Identifier: Apache-2.0
// What memory and file readers do when the system refuses.
#include <cerrno>
#include <string_view>

#include "takt/platform/file_reader.h"
#include "takt/platform/memory.h"
#include "takt/platform/proc_reader.h"
#include "takt/platform/thread_id.h"
#include "takt/platform/topology.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using takt::Status;
using takt::StatusCode;
using namespace takt::platform;  // NOLINT(*-using-namespace): a good part of it
using takt::test::FaultInjection;
using Times = FaultInjection::Times;

alignas(kLargestPage) std::byte storage[kLargestPage];

TEST_EACH(MemoryFault, a_refused_lock_keeps_its_errno, EPERM, ENOMEM, EAGAIN) {
  const FaultInjection no_lock(SystemCall::mlock, param);
  const Status status = lock_memory(storage);
  EXPECT_EQ(status.error_number(), param);
  EXPECT_TRUE(std::string_view(status.text()).starts_with("cannot lock "));
  const FaultInjection no_locks(SystemCall::mlockall, param);
  EXPECT_EQ(lock_all_memory().error_number(), param);
  const FaultInjection no_unlock(SystemCall::munlock, param);
  EXPECT_EQ(unlock_memory(storage).error_number(), param);
}

TEST(MemoryFault, a_refused_lock_is_explained_without_the_limit) {
  const FaultInjection no_limit(SystemCall::getrlimit, EINVAL, 1, Times::onward);
  const FaultInjection no_lock(SystemCall::mlockall, ENOMEM, 1);
  EXPECT_EQ(std::string_view(lock_all_memory().text()),
            "cannot lock all memory: out of memory, or not accessible");
  const FaultInjection denied(SystemCall::mlockall, EPERM);
  EXPECT_EQ(std::string_view(lock_all_memory().text()), "cannot lock all memory: refused");
}

TEST(MemoryFault, refused_fork_advice_keeps_its_errno) {
  const FaultInjection fault(SystemCall::madvise, ENOMEM, 1, Times::onward);
  EXPECT_EQ(exclude_from_fork(storage).error_number(), ENOMEM);
  EXPECT_EQ(include_in_fork(storage).error_number(), ENOMEM);
}

TEST(MemoryFault, memory_counts_as_mapped_unless_the_kernel_denies_it) {
  {
    const FaultInjection fault(SystemCall::mincore, ENOSYS);
    EXPECT_TRUE(is_mapped(storage));
  }
  const FaultInjection fault(SystemCall::mincore, ENOMEM);
  EXPECT_FALSE(is_mapped(storage));
}

TEST(FileReaderFault, goes_on_after_signals) {
  const FaultInjection open_fault(SystemCall::open, EINTR);
  const FaultInjection read_fault(SystemCall::read, EINTR, 2);
  char buffer[1024];
  EXPECT_OK(read_file("/proc/self/stat", buffer));
  EXPECT_EQ(open_fault.failures(), 1);
  EXPECT_EQ(read_fault.failures(), 1);
}

TEST(FileReaderFault, keeps_the_errno) {
  char buffer[1024];
  {
    const FaultInjection fault(SystemCall::open, EMFILE);
    const auto text = read_file("/proc/self/stat", buffer);
    EXPECT_EQ(text.status().error_number(), EMFILE);
    EXPECT_EQ(text.code(), StatusCode::resource_exhausted);
  }
  // At the first call, and where only the end of the file was left to find.
  for (const unsigned nth : {1U, 2U}) {
    const FaultInjection fault(SystemCall::read, EIO, nth);
    EXPECT_EQ(read_file("/proc/self/stat", buffer).status().error_number(), EIO);
  }
}

TEST(ProcReaderFault, passes_the_errno_on) {
  const FaultInjection fault(SystemCall::open, EACCES, 1, Times::onward);
  char buffer[64];
  EXPECT_EQ(read_thread_stat(thread_id()).status().error_number(), EACCES);
  EXPECT_EQ(read_thread_status(thread_id()).status().error_number(), EACCES);
  EXPECT_EQ(read_scheduler_stat(thread_id()).status().error_number(), EACCES);
  EXPECT_EQ(read_wait_channel(thread_id(), buffer).status().error_number(), EACCES);
  EXPECT_EQ(read_real_time_share().status().error_number(), EACCES);
}

// A thread that ends between open and read.
TEST(ProcReaderFault, a_thread_that_is_just_gone_is_not_found) {
  const FaultInjection fault(SystemCall::read, ESRCH);
  EXPECT_EQ(read_thread_stat(thread_id()).code(), StatusCode::not_found);
}

TEST(TopologyFault, each_unreadable_file_is_an_error) {
  FaultInjection counter(SystemCall::open, EACCES, 1'000'000);
  ASSERT_OK(read_topology());
  const unsigned files = counter.calls();
  ASSERT_GT(files, 4);
  for (unsigned nth = 1; nth <= files; ++nth) {
    const FaultInjection fault(SystemCall::open, EACCES, nth);
    EXPECT_EQ(read_topology().status().error_number(), EACCES, "file %u of %u", nth, files);
  }
}

}  // namespace
