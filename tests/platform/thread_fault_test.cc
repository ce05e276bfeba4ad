// SPDX-License-Identifier: Apache-2.0
// What threads, stacks and a thread's own settings do when the system refuses.
#include <cerrno>
#include <string_view>

#include "takt/platform/stack.h"
#include "takt/platform/thread.h"
#include "takt/platform/thread_usage.h"
#include "takt/tests/platform/static_stack.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::Scheduling;
using takt::Status;
using takt::StatusCode;
using takt::platform::prepare_stack;
using takt::platform::set_affinity;
using takt::platform::set_scheduling;
using takt::platform::SystemCall;
using takt::platform::Thread;
using takt::test::FaultInjection;
using Times = FaultInjection::Times;

takt::test::StaticStack stack;

struct StartCase {
  std::string_view name;  // the text
  SystemCall call;
  int error_number;
  StatusCode code;
};
TEST_EACH(ThreadFault, a_failed_start_says_why_and_leaves_nothing,
          StartCase{"thread 'worker': refused: raise RLIMIT_NPROC, or pids.max of the cgroup",
                    SystemCall::pthread_create, EAGAIN, StatusCode::resource_exhausted},
          StartCase{"thread 'worker': cannot be created", SystemCall::pthread_create, EPERM,
                    StatusCode::permission_denied},
          StartCase{"thread 'worker': cannot be created", SystemCall::pthread_sigmask, EIO,
                    StatusCode::system_error},
          StartCase{"thread 'worker': MADV_DONTFORK refused: raise vm.max_map_count",
                    SystemCall::madvise, ENOMEM, StatusCode::resource_exhausted}) {
  ASSERT_OK(prepare_stack(stack.memory()));
  Thread thread;
  bool ran = false;
  const auto entry = [](void* flag) noexcept { *static_cast<bool*>(flag) = true; };
  {
    const FaultInjection fault(param.call, param.error_number);
    const Status status = thread.start("worker", stack.memory(), entry, &ran);
    EXPECT_EQ(status.code(), param.code);
    EXPECT_EQ(status.error_number(), param.error_number);
    EXPECT_EQ(std::string_view(status.text()), param.name);
  }
  EXPECT_FALSE(thread.joinable());
  EXPECT_FALSE(ran);
  // The next attempt is as good as the first.
  ASSERT_OK(thread.start("worker", stack.memory(), entry, &ran));
  ASSERT_OK(thread.join_until(takt::kNever));
  EXPECT_TRUE(ran);
}

TEST(ThreadFault, a_signal_mask_that_cannot_be_restored_is_fatal) {
  EXPECT_ABORT(
      [] {
        const FaultInjection fault(SystemCall::pthread_sigmask, EINVAL, 2);
        Thread thread;
        static_cast<void>(thread.start(
            "worker", stack.memory(), [](void*) noexcept {}, nullptr));
      },
      "the signal mask cannot be restored");
}

TEST(ThreadFault, a_failed_join_leaves_it_joinable) {
  Thread thread;
  ASSERT_OK(thread.start(
      "worker", stack.memory(), [](void*) noexcept {}, nullptr));
  {
    const FaultInjection fault(SystemCall::pthread_join, EINVAL);
    const Status status = thread.join_until(takt::kNever);
    EXPECT_EQ(status.error_number(), EINVAL);
    EXPECT_EQ(std::string_view(status.text()), "thread 'worker': cannot be joined");
    EXPECT_TRUE(thread.joinable());
  }
  EXPECT_OK(thread.join_until(takt::kNever));
}

TEST(ThreadFault, a_name_that_is_refused_does_no_harm) {
  const FaultInjection fault(SystemCall::prctl, EPERM, 1, Times::onward);
  takt::platform::set_thread_name("name");
  takt::platform::set_timer_slack(1ms);
  EXPECT_EQ(fault.failures(), 2);
}

TEST(StackFault, prepare_tells_what_was_refused) {
  struct {
    SystemCall call;
    int error_number;
    std::string_view text;
  } const cases[] = {
      {SystemCall::mprotect, ENOMEM, "stack: its guard page refused: raise vm.max_map_count"},
      {SystemCall::mprotect, EACCES, "stack: its guard page refused"},
      {SystemCall::madvise, EIO, "stack: MADV_NOHUGEPAGE refused"},
  };
  for (const auto& refused : cases) {
    const FaultInjection fault(refused.call, refused.error_number);
    const Status status = prepare_stack(stack.memory());
    EXPECT_EQ(status.error_number(), refused.error_number);
    EXPECT_EQ(std::string_view(status.text()), refused.text);
  }
}

TEST(StackFault, a_kernel_without_huge_pages_is_fine) {
  const FaultInjection fault(SystemCall::madvise, EINVAL);
  EXPECT_OK(prepare_stack(stack.memory()));
}

TEST(StackFault, release_tells_what_was_refused) {
  ASSERT_OK(prepare_stack(stack.memory()));
  {
    const FaultInjection fault(SystemCall::mprotect, ENOMEM);
    EXPECT_EQ(takt::platform::release_stack(stack.memory()).error_number(), ENOMEM);
  }
  {
    const FaultInjection fault(SystemCall::madvise, EINVAL);
    EXPECT_EQ(std::string_view(takt::platform::release_stack(stack.memory()).text()),
              "stack: MADV_DOFORK refused");
  }
  EXPECT_OK(takt::platform::release_stack(stack.memory()));
}

TEST(StackFault, a_system_without_a_minimum_has_the_posix_one) {
  const FaultInjection fault(SystemCall::sysconf, EINVAL);
  EXPECT_GE(takt::platform::minimum_stack_bytes(), 16 * 1024);
}

struct SchedulingCase {
  std::string_view name;  // the text
  Scheduling scheduling;
  SystemCall call;
  int error_number;
  StatusCode code;
};
TEST_EACH(ThisThreadFault, a_refused_policy_says_what_to_grant,
          SchedulingCase{"SCHED_FIFO 80 denied: grant CAP_SYS_NICE or raise RLIMIT_RTPRIO",
                         takt::Fifo{.priority = 80}, SystemCall::sched_setscheduler, EPERM,
                         StatusCode::permission_denied},
          SchedulingCase{"SCHED_BATCH denied: grant CAP_SYS_NICE or raise RLIMIT_NICE",
                         takt::Batch{}, SystemCall::sched_setscheduler, EPERM,
                         StatusCode::permission_denied},
          SchedulingCase{"SCHED_IDLE refused", takt::Idle{}, SystemCall::sched_setscheduler, EIO,
                         StatusCode::system_error},
          SchedulingCase{"SCHED_OTHER nice -5 denied: grant CAP_SYS_NICE or raise RLIMIT_NICE",
                         takt::Other{.nice = -5}, SystemCall::setpriority, EACCES,
                         StatusCode::permission_denied},
          SchedulingCase{"SCHED_DEADLINE 1ms/5ms/5ms denied: needs CAP_SYS_NICE and no pinning",
                         takt::Deadline{.runtime = 1ms, .period = 5ms}, SystemCall::sched_setattr,
                         EPERM, StatusCode::permission_denied},
          SchedulingCase{"SCHED_DEADLINE 1ms/5ms/5ms refused: no bandwidth left on these CPUs",
                         takt::Deadline{.runtime = 1ms, .period = 5ms}, SystemCall::sched_setattr,
                         EBUSY, StatusCode::unavailable},
          SchedulingCase{"SCHED_DEADLINE 1ms/5ms/5ms refused",
                         takt::Deadline{.runtime = 1ms, .period = 5ms}, SystemCall::sched_setattr,
                         ENOSYS, StatusCode::unsupported}) {
  const FaultInjection fault(param.call, param.error_number);
  const Status status = set_scheduling(param.scheduling);
  EXPECT_EQ(status.code(), param.code);
  EXPECT_EQ(status.error_number(), param.error_number);
  EXPECT_EQ(std::string_view(status.text()), param.name);
}

TEST(ThisThreadFault, a_policy_that_cannot_be_read) {
  const FaultInjection fault(SystemCall::sched_getattr, ENOSYS);
  EXPECT_EQ(takt::platform::scheduling().status().error_number(), ENOSYS);
}

TEST(ThisThreadFault, an_affinity_that_is_refused) {
  const CpuSet cpus = CpuSet::of(takt::platform::affinity()->first());
  struct {
    SystemCall call;
    int error_number;
    unsigned nth;
    std::string_view end;
  } const cases[] = {
      {SystemCall::sched_getaffinity, EINVAL, 1, "refused: offline or outside the cpuset"},
      {SystemCall::sched_setaffinity, EPERM, 1,
       "refused: SCHED_DEADLINE needs an exclusive cpuset"},
      {SystemCall::sched_setaffinity, EBUSY, 1,
       "refused: SCHED_DEADLINE needs an exclusive cpuset"},
      {SystemCall::sched_getaffinity, EINVAL, 2, "refused: offline or outside the cpuset"},
  };
  for (const auto& refused : cases) {
    const FaultInjection fault(refused.call, refused.error_number, refused.nth);
    const Status status = set_affinity(cpus);
    EXPECT_EQ(status.error_number(), refused.error_number);
    EXPECT_TRUE(std::string_view(status.text()).ends_with(refused.end), "%s", status.text());
  }
  const FaultInjection fault(SystemCall::sched_getaffinity, EINVAL);
  EXPECT_EQ(takt::platform::affinity().status().error_number(), EINVAL);
}

TEST(ThreadUsageFault, figures_that_cannot_be_read) {
  const FaultInjection no_usage(SystemCall::getrusage, EFAULT);
  EXPECT_EQ(takt::platform::thread_usage().status().error_number(), EFAULT);
  const FaultInjection no_clock(SystemCall::clock_gettime, EINVAL, 1, Times::onward);
  EXPECT_EQ(takt::platform::thread_cpu_time().code(), StatusCode::not_found);
  EXPECT_EQ(takt::platform::thread_cpu_time(::pthread_self()).code(), StatusCode::not_found);
}

}  // namespace
