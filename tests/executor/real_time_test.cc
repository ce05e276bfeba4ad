// SPDX-License-Identifier: Apache-2.0
// The policies that start() asks for are in force, as the kernel shows them.
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "takt/platform/proc_reader.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/this_thread.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::LaneId;
using takt::OnDenied;
using takt::Scheduling;
using takt::SchedulingPolicy;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::test::kAnyMemory;
using takt::test::kPatience;

constexpr LaneId kLow{0}, kHigh{1};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .lanes = 2, .events_per_worker = 1024}>
    executor;

struct Policy {
  const char* name;
  Scheduling scheduling;
};
TEST_EACH(RealTime, each_policy_is_in_force, Policy{"fifo", takt::Fifo{.priority = 42}},
          Policy{"round_robin", takt::RoundRobin{.priority = 7}}, Policy{"batch", takt::Batch{}},
          Policy{"idle", takt::Idle{}}, Policy{"nice", takt::Other{.nice = 3}},
          Policy{"deadline", takt::Deadline{.runtime = 1ms, .deadline = 5ms, .period = 10ms}}) {
  const WorkerConfig workers[] = {{.name = "worker", .scheduling = param.scheduling}};
  const Status started = executor.start(workers, kAnyMemory);
  if (started.code() == StatusCode::permission_denied) SKIP("%s", started.text());
  ASSERT_OK(started);
  const auto id = static_cast<std::int32_t>(executor.worker_stats(0).thread_id.get());
  const auto stat = takt::platform::read_thread_stat(id);
  EXPECT_OK(stat);
  if (stat.ok()) {
    EXPECT_EQ(stat->policy, static_cast<std::uint32_t>(param.scheduling.policy()));
    EXPECT_EQ(stat->real_time_priority, param.scheduling.priority());
  }
  Scheduling seen;
  auto job = executor.submit([&seen] { seen = *takt::platform::scheduling(); });
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
  EXPECT_TRUE(seen == param.scheduling);
  EXPECT_EQ(executor.worker_stats(0).refused_scheduling.get(), 0);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(RealTime, pinning_a_deadline_worker_is_a_config_error) {
  const auto allowed = takt::platform::affinity();
  ASSERT_OK(allowed);
  if (allowed->count() < 2) SKIP("one CPU: there is nothing to pin");
  const WorkerConfig workers[] = {{.name = "edf",
                                   .cpus = CpuSet::of(allowed->first()),
                                   .scheduling = takt::Deadline{.runtime = 1ms, .period = 10ms}}};
  const Status status = executor.start(workers, kAnyMemory);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()),
            "worker 'edf': cpus with SCHED_DEADLINE need an exclusive cpuset of just these");
}

// What the kernel asks for, given as cpus: all CPUs of the cpuset.
TEST(RealTime, a_deadline_worker_may_be_given_all_cpus) {
  const auto allowed = takt::platform::affinity();
  ASSERT_OK(allowed);
  const WorkerConfig workers[] = {{.name = "edf",
                                   .cpus = *allowed,
                                   .scheduling = takt::Deadline{.runtime = 1ms, .period = 10ms}}};
  const Status started = executor.start(workers, kAnyMemory);
  // Also where this process is pinned: its CPUs are then not all of the cpuset's.
  if (started.code() == StatusCode::permission_denied) SKIP("%s", started.text());
  ASSERT_OK(started);
  SchedulingPolicy seen = SchedulingPolicy::other;
  auto job = executor.submit([&seen] { seen = takt::platform::scheduling()->policy(); });
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
  EXPECT_TRUE(seen == SchedulingPolicy::deadline);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

// On one CPU the kernel preempts a job of the low worker for one of the high worker: in the middle
// of a post, before that post returns.
TEST(RealTime, a_lane_of_higher_priority_preempts) {
  const CpuSet cpu = CpuSet::of(takt::platform::affinity()->first());
  const WorkerConfig workers[] = {
      {.name = "low", .lane = kLow, .cpus = cpu, .scheduling = takt::Fifo{.priority = 10}},
      {.name = "high", .lane = kHigh, .cpus = cpu, .scheduling = takt::Fifo{.priority = 20}}};
  const Status started = executor.start(workers, kAnyMemory);
  if (started.code() == StatusCode::permission_denied) SKIP("%s", started.text());
  ASSERT_OK(started);
  std::atomic<int> high_jobs{0};
  auto low = executor.submit(
      [&high_jobs] {
        for (int i = 0; i < 100; ++i) {
          EXPECT_OK(executor.post([&high_jobs] { ++high_jobs; }, {.lane = kHigh}));
          EXPECT_EQ(high_jobs.load(), i + 1);
        }
      },
      {.lane = kLow});
  ASSERT_OK(low);
  EXPECT_OK(low->wait());
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

/// When jobs of the worker started and ended.
struct Interval {
  takt::TimePoint start;
  takt::TimePoint end;
};
std::vector<Interval> intervals_of(takt::EventReader& events) {
  std::vector<Interval> jobs;
  while (const auto event = events.next()) {
    if (event->kind() == takt::EventKind::start) jobs.push_back({event->time(), {}});
    if (event->kind() == takt::EventKind::completed) jobs.back().end = event->time();
  }
  EXPECT_EQ(events.lost(), 0);
  return jobs;
}

// The same under load, as others see it: in /proc the low worker waits for the CPU, ready, while a
// job of the high one runs, and is put aside for each of them; in the event rings each of them lies
// within the low worker's one job.
TEST(RealTime, preemption_shows_in_proc_and_in_the_event_rings) {
  constexpr std::uint64_t kJobs = 100;
  takt::EventReader low_events(executor.worker_events(0));
  takt::EventReader high_events(executor.worker_events(1));
  const CpuSet cpu = CpuSet::of(takt::platform::affinity()->first());
  const WorkerConfig workers[] = {
      {.name = "low", .lane = kLow, .cpus = cpu, .scheduling = takt::Fifo{.priority = 10}},
      {.name = "high", .lane = kHigh, .cpus = cpu, .scheduling = takt::Fifo{.priority = 20}}};
  const Status started = executor.start(workers, kAnyMemory);
  if (started.code() == StatusCode::permission_denied) SKIP("%s", started.text());
  ASSERT_OK(started);
  const auto low_id = static_cast<std::int32_t>(executor.worker_stats(0).thread_id.get());
  const auto put_aside = [low_id] {
    return takt::platform::read_thread_status(low_id)->involuntary_switches;
  };
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  auto low = executor.submit(
      [&] {
        before = put_aside();
        for (std::uint64_t i = 0; i < kJobs; ++i) {
          EXPECT_OK(executor.post(
              [low_id] {
                const auto stat = takt::platform::read_thread_stat(low_id);
                EXPECT_OK(stat);
                EXPECT_EQ(stat->state, 'R');
                EXPECT_EQ(stat->real_time_priority, 10);
              },
              {.lane = kHigh}));
        }
        after = put_aside();
      },
      {.lane = kLow});
  ASSERT_OK(low);
  EXPECT_OK(low->wait());
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_GE(after - before, kJobs);
  const std::vector<Interval> outer = intervals_of(low_events);
  const std::vector<Interval> inner = intervals_of(high_events);
  ASSERT_EQ(outer.size(), 1);
  ASSERT_EQ(inner.size(), kJobs);
  for (const Interval& job : inner) {
    EXPECT_GE(job.start, outer[0].start);
    EXPECT_LE(job.end, outer[0].end);
  }
}

TEST(RealTime, degrades_only_where_told) {
  const WorkerConfig workers[] = {
      {.name = "maybe", .scheduling = takt::Fifo{.priority = 1}, .on_denied = OnDenied::degrade}};
  ASSERT_OK(executor.start(workers, kAnyMemory));
  const auto id = static_cast<std::int32_t>(executor.worker_stats(0).thread_id.get());
  const bool refused = executor.worker_stats(0).refused_scheduling.get() != 0;
  const auto stat = takt::platform::read_thread_stat(id);
  EXPECT_OK(stat);
  EXPECT_EQ(stat->policy,
            static_cast<std::uint32_t>(refused ? SchedulingPolicy::other : SchedulingPolicy::fifo));
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

}  // namespace
