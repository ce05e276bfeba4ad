// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/this_thread.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "takt/platform/proc_reader.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/platform/give_up_rights.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::Scheduling;
using takt::Status;
using takt::StatusCode;
using namespace takt::platform;  // NOLINT(*-using-namespace): the whole header

TEST(ThisThread, sets_its_name) {
  char name[16] = {};
  set_thread_name("a name that is too long");
  ASSERT_EQ(::prctl(PR_GET_NAME, name, 0, 0, 0), 0);
  EXPECT_EQ(std::string_view(name), "a name that is ");
}

TEST(ThisThread, sets_its_timer_slack) {
  const auto slack = [] { return ::prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0); };
  set_timer_slack(20us);
  if (slack() == 50'000) SKIP("this emulator does not pass the timer slack on");
  EXPECT_EQ(slack(), 20'000);
  set_timer_slack(0ns);  // not the kernel's "default", the least
  EXPECT_EQ(slack(), 1);
  set_timer_slack(-1s);
  EXPECT_EQ(slack(), 1);
}

struct SchedulingCase {
  const char* name;
  Scheduling scheduling;
};
TEST_EACH(ThisThread, takes_a_policy_and_reads_it_back, SchedulingCase{"other", takt::Other{}},
          SchedulingCase{"nice", takt::Other{.nice = 7}},
          SchedulingCase{"favoured", takt::Other{.nice = -5}},
          SchedulingCase{"batch", takt::Batch{}}, SchedulingCase{"idle", takt::Idle{}},
          SchedulingCase{"fifo", takt::Fifo{.priority = 80}},
          SchedulingCase{"lowest", takt::Fifo{.priority = 1}},
          SchedulingCase{"highest", takt::Fifo{.priority = 99}},
          SchedulingCase{"round_robin", takt::RoundRobin{.priority = 10}},
          SchedulingCase{"deadline",
                         takt::Deadline{.runtime = 1ms, .deadline = 5ms, .period = 10ms}}) {
  const Status status = set_scheduling(param.scheduling);
  if (status.code() == StatusCode::permission_denied) SKIP("%s", status.text());
  ASSERT_OK(status);
  const auto now = scheduling();
  ASSERT_OK(now);
  EXPECT_TRUE(*now == param.scheduling);
  const auto stat = read_thread_stat(thread_id());
  ASSERT_OK(stat);
  EXPECT_EQ(stat->policy, static_cast<std::uint32_t>(param.scheduling.policy()));
  EXPECT_EQ(stat->real_time_priority, param.scheduling.priority());
  // A process with SCHED_DEADLINE cannot create threads, which the leak sanitizer does at exit.
  EXPECT_OK(set_scheduling(takt::Other{}));
}

TEST(ThisThread, goes_back_to_time_sharing) {
  for (const Scheduling& wanted :
       {Scheduling(takt::Fifo{.priority = 5}),
        Scheduling(takt::Deadline{.runtime = 1ms, .period = 10ms}), Scheduling(takt::Idle{})}) {
    const Status status = set_scheduling(wanted);
    if (status.code() == StatusCode::permission_denied) SKIP("%s", status.text());
    ASSERT_OK(status);
    ASSERT_OK(set_scheduling(takt::Other{}));
    EXPECT_TRUE(*scheduling() == Scheduling());
  }
}

struct InvalidCase {
  std::string_view name;  // the text
  Scheduling scheduling;
};
TEST_EACH(ThisThread, rejects_invalid_values,
          InvalidCase{"SCHED_FIFO 0: priorities go from 1 to 99", takt::Fifo{.priority = 0}},
          InvalidCase{"SCHED_FIFO 100: priorities go from 1 to 99", takt::Fifo{.priority = 100}},
          InvalidCase{"SCHED_RR -1: priorities go from 1 to 99", takt::RoundRobin{.priority = -1}},
          InvalidCase{"SCHED_OTHER nice -21: nice goes from -20 to 19", takt::Other{.nice = -21}},
          InvalidCase{"SCHED_OTHER nice 20: nice goes from -20 to 19", takt::Other{.nice = 20}},
          InvalidCase{"SCHED_DEADLINE 6ms/5ms/10ms: needs 1024ns <= runtime <= deadline <= period",
                      takt::Deadline{.runtime = 6ms, .deadline = 5ms, .period = 10ms}},
          InvalidCase{"SCHED_DEADLINE 1ms/20ms/10ms: needs 1024ns <= runtime <= deadline <= period",
                      takt::Deadline{.runtime = 1ms, .deadline = 20ms, .period = 10ms}},
          InvalidCase{"SCHED_DEADLINE 1us/1ms/1ms: needs 1024ns <= runtime <= deadline <= period",
                      takt::Deadline{.runtime = 1us, .period = 1ms}},
          InvalidCase{"SCHED_DEADLINE 0ns/0ns/0ns: needs 1024ns <= runtime <= deadline <= period",
                      takt::Deadline{}}) {
  const Status status = set_scheduling(param.scheduling);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()), param.name);
}

struct DenialCase {
  std::string_view name;  // the text
  Scheduling scheduling;
  int error_number;
};
TEST_EACH(ThisThread, says_what_to_grant,
          DenialCase{"SCHED_FIFO 80 denied: grant CAP_SYS_NICE or raise RLIMIT_RTPRIO",
                     takt::Fifo{.priority = 80}, EPERM},
          DenialCase{"SCHED_RR 1 denied: grant CAP_SYS_NICE or raise RLIMIT_RTPRIO",
                     takt::RoundRobin{.priority = 1}, EPERM},
          DenialCase{"SCHED_OTHER nice -5 denied: grant CAP_SYS_NICE or raise RLIMIT_NICE",
                     takt::Other{.nice = -5}, EACCES},
          DenialCase{"SCHED_DEADLINE 1ms/5ms/10ms denied: needs CAP_SYS_NICE and no pinning",
                     takt::Deadline{.runtime = 1ms, .deadline = 5ms, .period = 10ms}, EPERM}) {
  takt::test::run_in_child([&] {
    const rlimit none{0, 0};
    ASSERT_EQ(::setrlimit(RLIMIT_RTPRIO, &none), 0);
    ASSERT_EQ(::setrlimit(RLIMIT_NICE, &none), 0);
    ASSERT_TRUE(takt::test::give_up_rights());
    const Status status = set_scheduling(param.scheduling);
    EXPECT_EQ(status.code(), StatusCode::permission_denied);
    EXPECT_EQ(status.error_number(), param.error_number);
    EXPECT_EQ(std::string_view(status.text()), param.name);
  });
}

TEST(ThisThread, restricts_itself_to_one_cpu_and_back) {
  const auto before = affinity();
  ASSERT_OK(before);
  ASSERT_FALSE(before->empty());
  for (std::size_t cpu = before->first(); cpu < CpuSet::kCapacity; cpu = before->next(cpu)) {
    ASSERT_OK(set_affinity(CpuSet::of(cpu)));
    EXPECT_TRUE(*affinity() == CpuSet::of(cpu));
    EXPECT_EQ(::sched_getcpu(), cpu);
  }
  ASSERT_OK(set_affinity(*before));
  EXPECT_TRUE(*affinity() == *before);
}

TEST(ThisThread, takes_all_cpus_as_no_restriction) {
  const auto before = affinity();
  ASSERT_OK(before);
  ASSERT_OK(set_affinity(CpuSet::of(before->first())));
  ASSERT_OK(set_affinity(CpuSet::all()));
  EXPECT_TRUE(affinity()->contains(*before));
}

TEST(ThisThread, refuses_half_of_an_affinity) {
  const auto before = affinity();
  ASSERT_OK(before);
  if (before->contains(1023)) SKIP("this machine has all the CPUs that a set can name");
  for (const CpuSet& wanted : {CpuSet::of(before->first(), 1023), CpuSet::of(1023)}) {
    const Status status = set_affinity(wanted);
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_EQ(status.error_number(), EINVAL);
    EXPECT_EQ(std::string_view(status.text()), "CPUs 1023 refused: offline or outside the cpuset");
    EXPECT_TRUE(*affinity() == *before);
  }
  EXPECT_EQ(set_affinity(CpuSet()).code(), StatusCode::invalid_argument);
}

}  // namespace
