// SPDX-License-Identifier: Apache-2.0
// start() when the system refuses: it names worker and call, keeps the errno, leaves nothing
// behind, and works the next time. What OnDenied::degrade goes on without, the statistics show.
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "takt/platform/memory.h"
#include "takt/platform/proc_reader.h"
#include "takt/platform/this_thread.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::OnDenied;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Running;

constexpr std::uint32_t kWorkers = 3;
takt::StaticExecutor<takt::ExecutorLimits{.workers = kWorkers, .lanes = kWorkers}> executor;

CpuSet some_cpu() { return CpuSet::of(takt::platform::affinity()->first()); }

/// Returns when the kernel knows none of the workers any more that a failed start() has started.
void wait_until_all_are_gone() {
  for (std::uint32_t worker = 0; worker < executor.worker_count(); ++worker) {
    const auto id = static_cast<std::int32_t>(executor.worker_stats(worker).thread_id.get());
    if (id == 0) continue;  // it never began
    takt::test::wait_until([id] { return !takt::platform::read_thread_stat(id).ok(); });
  }
}

struct Refusal {
  const char* name;
  SystemCall call;
  int error_number;
  unsigned nth;
  StatusCode code;
  std::string_view beginning;  // of the text; the rest depends on limits of the machine
};
// In this order: storage kept from fork; each stack guarded, kept from huge pages; storage,
// executor and each stack locked; each thread created and its stack kept from fork.
TEST_EACH(
    StartFault, fails_and_leaves_nothing,
    Refusal{"fork_exclusion", SystemCall::madvise, EINVAL, 1, StatusCode::invalid_argument,
            "madvise for fork refused"},
    Refusal{"guard_of_the_first", SystemCall::mprotect, ENOMEM, 1, StatusCode::resource_exhausted,
            "worker 'first': stack: its guard page refused: raise vm.max_map_count"},
    Refusal{"guard_of_the_third", SystemCall::mprotect, EACCES, 3, StatusCode::permission_denied,
            "worker 'third': stack: its guard page refused"},
    Refusal{"huge_pages_of_the_second", SystemCall::madvise, EIO, 3, StatusCode::system_error,
            "worker 'second': stack: MADV_NOHUGEPAGE refused"},
    Refusal{"lock_of_the_storage", SystemCall::mlock, ENOMEM, 1, StatusCode::resource_exhausted,
            "start: cannot lock "},
    Refusal{"lock_without_right", SystemCall::mlock, EPERM, 1, StatusCode::permission_denied,
            "start: cannot lock "},
    Refusal{"lock_of_the_executor", SystemCall::mlock, EAGAIN, 2, StatusCode::resource_exhausted,
            "start: cannot lock "},
    Refusal{"lock_of_the_second_stack", SystemCall::mlock, ENOMEM, 4,
            StatusCode::resource_exhausted, "start: cannot lock "},
    Refusal{"first_thread", SystemCall::pthread_create, EAGAIN, 1, StatusCode::resource_exhausted,
            "worker 'first': refused: raise RLIMIT_NPROC, or pids.max"},
    Refusal{"second_thread", SystemCall::pthread_create, EAGAIN, 2, StatusCode::resource_exhausted,
            "worker 'second': refused: raise RLIMIT_NPROC, or pids.max"},
    Refusal{"third_thread", SystemCall::pthread_create, EPERM, 3, StatusCode::permission_denied,
            "worker 'third': cannot be created"},
    Refusal{"fork_exclusion_of_the_third_stack", SystemCall::madvise, ENOMEM, 7,
            StatusCode::resource_exhausted, "worker 'third': MADV_DONTFORK"},
    Refusal{"signal_mask", SystemCall::pthread_sigmask, EIO, 1, StatusCode::system_error,
            "worker 'first': cannot be created"}) {
  const WorkerConfig workers[] = {{.name = "first"}, {.name = "second"}, {.name = "third"}};
  {
    const FaultInjection fault(param.call, param.error_number, param.nth);
    const Status status = executor.start(workers);
    if (fault.failures() == 0) SKIP("refused before: %s", status.text());
    EXPECT_EQ(status.code(), param.code);
    EXPECT_EQ(status.error_number(), param.error_number);
    EXPECT_TRUE(std::string_view(status.text()).starts_with(param.beginning), "%s", status.text());
  }
  EXPECT_FALSE(executor.running());
  wait_until_all_are_gone();
  EXPECT_EQ(executor.post([] {}).code(), StatusCode::failed_precondition);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  const Running running(executor, {{.name = "first"}, {.name = "second"}, {.name = "third"}});
  EXPECT_OK(executor.submit([] {})->wait());
}

struct Setting {
  const char* name;
  takt::Scheduling scheduling;
  SystemCall call;
  int error_number;
  StatusCode code;
  std::string_view text;
};
TEST_EACH(StartFault, names_the_worker_whose_setting_is_refused,
          Setting{"policy", takt::Fifo{.priority = 80}, SystemCall::sched_setscheduler, EPERM,
                  StatusCode::permission_denied,
                  "worker 'control': SCHED_FIFO 80 denied: grant CAP_SYS_NICE or raise "
                  "RLIMIT_RTPRIO"},
          Setting{"nice", takt::Other{.nice = 1}, SystemCall::setpriority, EACCES,
                  StatusCode::permission_denied,
                  "worker 'control': SCHED_OTHER nice 1 denied: grant CAP_SYS_NICE or raise "
                  "RLIMIT_NICE"},
          Setting{"affinity", takt::Other{}, SystemCall::sched_setaffinity, EPERM,
                  StatusCode::permission_denied,
                  "worker 'control': CPUs 0 refused: SCHED_DEADLINE needs an exclusive cpuset"},
          Setting{"affinity_unreadable", takt::Other{}, SystemCall::sched_getaffinity, EINVAL,
                  StatusCode::invalid_argument,
                  "worker 'control': CPUs 0 refused: offline or outside the cpuset"}) {
  if (some_cpu() != CpuSet::of(0)) SKIP("CPU 0 is not ours here");
  const WorkerConfig workers[] = {
      {.name = "control", .cpus = CpuSet::of(0), .scheduling = param.scheduling}};
  {
    const FaultInjection fault(param.call, param.error_number);
    const Status status = executor.start(workers, kAnyMemory);
    EXPECT_EQ(status.code(), param.code);
    EXPECT_EQ(status.error_number(), param.error_number);
    EXPECT_EQ(std::string_view(status.text()), param.text);
  }
  EXPECT_FALSE(executor.running());
  const Running running(executor, {{.name = "control"}});
  EXPECT_OK(executor.submit([] {})->wait());
}

struct DeadlineRefusal {
  const char* name;
  int error_number;
  StatusCode code;
  std::string_view text;
};
// With cpus: they are all that the thread may run on, which is what the kernel asks for. So the
// configuration is right, and what refuses is the call itself.
TEST_EACH(StartFault, names_the_worker_whose_deadline_is_refused,
          DeadlineRefusal{"no_right_or_pinned", EPERM, StatusCode::permission_denied,
                          "worker 'edf': SCHED_DEADLINE 1ms/5ms/5ms denied: needs CAP_SYS_NICE and "
                          "no pinning"},
          DeadlineRefusal{"no_bandwidth", EBUSY, StatusCode::unavailable,
                          "worker 'edf': SCHED_DEADLINE 1ms/5ms/5ms refused: no bandwidth left on "
                          "these CPUs"}) {
  const auto allowed = takt::platform::affinity();
  ASSERT_OK(allowed);
  for (const CpuSet& cpus : {CpuSet(), *allowed}) {
    const WorkerConfig workers[] = {{.name = "edf",
                                     .cpus = cpus,
                                     .scheduling = takt::Deadline{.runtime = 1ms, .period = 5ms},
                                     .on_denied = OnDenied::fail}};
    const FaultInjection fault(SystemCall::sched_setattr, param.error_number);
    const FaultInjection pinning(SystemCall::sched_setaffinity, EBUSY);
    const Status status = executor.start(workers, kAnyMemory);
    EXPECT_EQ(status.code(), param.code);
    EXPECT_EQ(status.error_number(), param.error_number);
    EXPECT_EQ(std::string_view(status.text()), param.text);
    EXPECT_EQ(fault.failures(), 1);
    EXPECT_EQ(pinning.calls(), 0);  // before the policy it would pin, after it the kernel refuses
    EXPECT_FALSE(executor.running());
  }
}

// Of the two only the right is what degrading is about.
TEST(StartFault, degrades_a_deadline_that_is_denied) {
  const WorkerConfig workers[] = {{.name = "edf",
                                   .cpus = *takt::platform::affinity(),
                                   .scheduling = takt::Deadline{.runtime = 1ms, .period = 5ms},
                                   .on_denied = OnDenied::degrade}};
  {
    const FaultInjection fault(SystemCall::sched_setattr, EBUSY);
    EXPECT_EQ(executor.start(workers, kAnyMemory).error_number(), EBUSY);
  }
  const FaultInjection fault(SystemCall::sched_setattr, EPERM);
  ASSERT_OK(executor.start(workers, kAnyMemory));
  EXPECT_EQ(executor.worker_stats(0).refused_scheduling.get(), EPERM);
  EXPECT_EQ(executor.worker_stats(0).refused_affinity.get(), 0);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

// What the reader has to raise, by how much, or what else would do: the whole text but for the
// bytes, which depend on the machine's pages.
TEST(StartFault, says_what_a_memory_lock_needs) {
  const WorkerConfig workers[] = {{.name = "worker"}};
  const auto text_of = [&workers] {
    const FaultInjection fault(SystemCall::mlock, ENOMEM);
    const Status status = executor.start(workers);
    EXPECT_EQ(fault.failures(), 1);
    EXPECT_EQ(status.error_number(), ENOMEM);
    std::string text(status.text());
    const std::size_t begin = text.find_first_of("0123456789");
    if (begin == std::string::npos) return text;
    const std::size_t end = text.find_first_not_of("0123456789", begin);
    const unsigned long bytes = std::strtoul(text.c_str() + begin, nullptr, 10);
    EXPECT_EQ(bytes % takt::platform::page_bytes(), 0U);
    EXPECT_GT(bytes, 0U);
    return text.replace(begin, end - begin, "N");
  };
  const rlimit limit{.rlim_cur = 12 * 1024, .rlim_max = 12 * 1024};
  ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
  EXPECT_EQ(text_of(),
            "start: cannot lock N bytes: raise RLIMIT_MEMLOCK (12288), or lock_memory = false");
  // No limit that could be raised.
  const FaultInjection fault(SystemCall::getrlimit, EFAULT, 1, FaultInjection::Times::onward);
  EXPECT_EQ(text_of(),
            "start: cannot lock N bytes: out of memory? or StartOptions::lock_memory = false");
}

TEST(StartFault, one_refusal_of_several_workers_stops_all) {
  const FaultInjection fault(SystemCall::sched_setscheduler, EPERM, 2);
  const WorkerConfig worker{.name = "worker", .scheduling = takt::Batch{}};
  const WorkerConfig workers[] = {worker, worker, worker};
  EXPECT_EQ(executor.start(workers, kAnyMemory).code(), StatusCode::permission_denied);
  wait_until_all_are_gone();
}

TEST(StartFault, goes_on_without_priority_where_told) {
  const FaultInjection fault(SystemCall::sched_setscheduler, EPERM, 1,
                             FaultInjection::Times::onward);
  const WorkerConfig workers[] = {
      {.name = "rt", .scheduling = takt::Fifo{.priority = 80}, .on_denied = OnDenied::degrade}};
  ASSERT_OK(executor.start(workers, kAnyMemory));
  EXPECT_EQ(executor.worker_stats(0).refused_scheduling.get(), EPERM);
  EXPECT_EQ(executor.worker_stats(0).refused_affinity.get(), 0);
  EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(StartFault, goes_on_without_affinity_where_told) {
  const WorkerConfig workers[] = {
      {.name = "pinned", .cpus = some_cpu(), .on_denied = OnDenied::degrade}};
  {
    const FaultInjection fault(SystemCall::sched_setaffinity, EPERM);
    ASSERT_OK(executor.start(workers, kAnyMemory));
  }
  EXPECT_EQ(executor.worker_stats(0).refused_affinity.get(), EPERM);
  EXPECT_EQ(executor.worker_stats(0).refused_scheduling.get(), 0);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  // The next start begins with a clean record.
  ASSERT_OK(executor.start(workers, kAnyMemory));
  EXPECT_EQ(executor.worker_stats(0).refused_affinity.get(), 0);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(StartFault, degrades_each_worker_on_its_own) {
  const FaultInjection fault(SystemCall::sched_setscheduler, EPERM, 1,
                             FaultInjection::Times::onward);
  const WorkerConfig workers[] = {
      {.name = "may", .scheduling = takt::Batch{}, .on_denied = OnDenied::degrade},
      {.name = "must", .scheduling = takt::Batch{}}};
  const Status status = executor.start(workers, kAnyMemory);
  EXPECT_EQ(status.code(), StatusCode::permission_denied);
  EXPECT_TRUE(std::string_view(status.text()).starts_with("worker 'must': "), "%s", status.text());
}

TEST(StartFault, goes_on_without_locked_memory_where_told) {
  const WorkerConfig workers[] = {{.name = "first"}, {.name = "second"}};
  for (const unsigned nth : {1U, 2U, 4U}) {
    const FaultInjection fault(SystemCall::mlock, EPERM, nth);
    ASSERT_OK(executor.start(workers, {.on_denied = OnDenied::degrade}));
    if (fault.failures() == 1) EXPECT_EQ(executor.refused_memory_lock(), EPERM);
    EXPECT_OK(executor.submit([] {})->wait());
    EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  }
  ASSERT_OK(executor.start(workers, {.lock_memory = false}));
  EXPECT_EQ(executor.refused_memory_lock(), 0);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

// Degrading is about rights and locks: a stack without guard, or pages that every fork would make
// the workers fault on, are something else.
TEST(StartFault, degrades_nothing_else) {
  const WorkerConfig workers[] = {{.name = "worker", .on_denied = OnDenied::degrade}};
  {
    const FaultInjection fault(SystemCall::madvise, EPERM);
    EXPECT_EQ(executor.start(workers, kAnyMemory).error_number(), EPERM);
  }
  {
    const FaultInjection fault(SystemCall::mprotect, EPERM);
    EXPECT_EQ(executor.start(workers, kAnyMemory).error_number(), EPERM);
  }
  {
    const FaultInjection fault(SystemCall::sched_setaffinity, EBUSY);
    const WorkerConfig pinned[] = {
        {.name = "worker", .cpus = some_cpu(), .on_denied = OnDenied::degrade}};
    EXPECT_EQ(executor.start(pinned, kAnyMemory).error_number(), EBUSY);
  }
}

TEST(StartFault, locks_only_when_asked) {
  const FaultInjection fault(SystemCall::mlock, EPERM, 1, FaultInjection::Times::onward);
  const WorkerConfig workers[] = {{.name = "worker"}};
  ASSERT_OK(executor.start(workers, {.lock_memory = false}));
  EXPECT_EQ(fault.calls(), 0);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(StartFault, a_failed_join_can_be_repeated) {
  const WorkerConfig workers[] = {{.name = "worker"}};
  ASSERT_OK(executor.start(workers, kAnyMemory));
  {
    const FaultInjection fault(SystemCall::pthread_join, EINVAL);
    const Status stopped = executor.stop(StopMode::drain, kPatience);
    EXPECT_EQ(stopped.error_number(), EINVAL);
    EXPECT_EQ(std::string_view(stopped.text()), "worker 'worker': cannot be joined");
  }
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

}  // namespace
