// SPDX-License-Identifier: Apache-2.0
// Descriptors in virtual time: what a job writes at a time is there at that time.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "takt/executor/manual_executor.h"
#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::DescriptorContext;
using takt::DescriptorState;
using takt::Duration;
using takt::LaneId;
using takt::Priority;
using takt::Readiness;
using takt::StatusCode;
using takt::StopMode;
using takt::Text;
using takt::test::Pipe;
using takt::test::Running;
using takt::test::SocketPair;
using takt::test::take_byte;

constexpr takt::ExecutorLimits kLimits{
    .workers = 2, .lanes = 2, .tasks = 1, .timers = 8, .descriptors = 2};
using Manual = takt::ManualExecutor<kLimits>;
constexpr LaneId kGateway{0}, kDevice{1};

/// A lane that watches, and one whose jobs are the other side of the descriptors.
constexpr std::initializer_list<takt::WorkerConfig> kWorkers = {
    {.name = "gateway", .lane = kGateway}, {.name = "device", .lane = kDevice}};

/// At `time` one byte more can be read.
void put_at(Manual& executor, const Pipe& pipe, Duration time) {
  ASSERT_OK(executor.post_at(takt::TimePoint(time), [&pipe] { pipe.put(); }, {.lane = kDevice}));
}

/// What the log says of the gateway's jobs; "fd" for the descriptor's number.
std::string log_of(const Manual& executor, int descriptor) {
  std::string lines;
  const std::string name = "fd " + std::to_string(descriptor);
  for (const takt::ManualEvent& event : executor.events()) {
    if (event.lane != kGateway) continue;
    Text<256> text;
    write_event(text, event, executor.epoch());
    std::string line(text.view());
    if (const std::size_t at = line.find(name); at != std::string::npos) {
      line.replace(at, name.size(), "fd");
    }
    lines += line + '\n';
  }
  return lines;
}

TEST(ManualWatch, an_event_at_a_time) {
  Manual executor;
  Pipe pipe;
  takt::TimePoint release{}, start{};
  ASSERT_OK(
      executor.watch(kGateway, pipe.here, Readiness::readable, [&](const DescriptorContext& job) {
        EXPECT_TRUE(take_byte(job.descriptor));
        EXPECT_EQ(job.ready, Readiness::readable);
        release = job.release;
        start = job.start;
      }));
  executor.set_execution_model([](const takt::ManualJob& job, void*) noexcept {
    return Duration(job.task != nullptr ? 2ms : 0ms);
  });
  const Running running(executor, kWorkers);
  put_at(executor, pipe, 5ms);
  put_at(executor, pipe, 6ms);  // while the first job runs
  executor.run_for(1h);
  EXPECT_EQ(log_of(executor, pipe.here),
            "5ms: fd #0 begins on gateway\n"
            "7ms: fd #0 ends on gateway, 2ms after its release\n"
            "7ms: fd #1 begins on gateway\n"
            "9ms: fd #1 ends on gateway, 2ms after its release\n");
  EXPECT_EQ(release, takt::TimePoint(7ms));
  EXPECT_EQ(start, takt::TimePoint(7ms));
}

TEST(ManualWatch, takes_its_turn_by_priority) {
  Manual executor;
  Pipe low, high;
  std::string order;
  const auto note = [&order](char name) {
    return [&order, name](const DescriptorContext& job) {
      EXPECT_TRUE(take_byte(job.descriptor));
      order += name;
    };
  };
  ASSERT_OK(executor.watch(kGateway, low.here, Readiness::readable, note('l'), Priority::low));
  ASSERT_OK(executor.watch(kGateway, high.here, Readiness::readable, note('h'), Priority::high));
  ASSERT_OK(executor.add_task({.name = "task", .lane = kGateway, .period = 10ms},
                              [&order] { order += 't'; }));
  executor.set_execution_time(1ms);
  const Running running(executor, kWorkers);
  // A storm of what is more important comes first, whatever is ready besides; one of what is less
  // waits for the task.
  for (int byte = 0; byte < 3; ++byte) {
    low.put();
    high.put();
  }
  executor.run_for(9ms);
  EXPECT_EQ(order, "hhhtlll");
}

/// Three descriptors that are always ready, with jobs of 1 ms, and a task beside them.
struct Storm {
  const char* name;
  Priority task;
  Duration bound;  // of its release jitter
};
TEST_EACH(ManualWatch, a_storm_delays_a_release_by_one_job_of_each_descriptor,
          Storm{"same_level", Priority::normal, 3ms}, Storm{"level_above", Priority::high, 1ms}) {
  // Not a multiple of the jobs: releases come at any point of them.
  constexpr Duration kPeriod = 3'701us;
  constexpr std::uint64_t kReleases = 300;
  constexpr std::size_t kPipes = 3;
  takt::ManualExecutor<takt::ExecutorLimits{.tasks = 1, .descriptors = kPipes}, 0> executor;
  const Pipe pipes[kPipes];
  std::uint64_t storm = 0;
  for (const Pipe& pipe : pipes) {
    ASSERT_OK(executor.watch(LaneId{0}, pipe.there, Readiness::writable, [&storm] { ++storm; }));
  }
  Duration latest{0};
  const auto task = executor.add_task(
      {.name = "task", .priority = param.task, .period = kPeriod},
      [&](const takt::JobContext& job) { latest = std::max(latest, job.start - job.release); });
  ASSERT_OK(task);
  executor.set_execution_model([](const takt::ManualJob& job, void*) noexcept {
    return std::string_view(job.task) == "task" ? Duration(100us) : Duration(1ms);
  });
  const Running running(executor, {{.name = "worker"}});
  executor.run_for(static_cast<std::int64_t>(kReleases) * kPeriod);
  EXPECT_GE(task->stats().completed.get(), kReleases);
  EXPECT_EQ(task->stats().skipped.get(), 0U);
  EXPECT_LE(latest, param.bound);
  EXPECT_EQ(Duration(task->stats().max_release_jitter_ns.get()), latest);
  // It was a storm: releases waited for it, the worker never idled, each descriptor had its turn.
  EXPECT_GT(latest, param.bound - Duration(1ms));
  const Duration passed = executor.now() - executor.epoch();
  EXPECT_GT(Duration(executor.worker_stats(0).busy_ns.get()), passed - Duration(2ms));
  EXPECT_GE(storm, kPipes * kReleases);
}

TEST(ManualWatch, suspend_and_resume) {
  Manual executor;
  Pipe pipe;
  int jobs = 0;
  auto watched = executor.watch(
      kGateway, pipe.here, Readiness::readable,
      [&](const DescriptorContext& job) { jobs += take_byte(job.descriptor) ? 1 : 0; });
  ASSERT_OK(watched);
  const Running running(executor, kWorkers);
  ASSERT_OK(watched->suspend());
  put_at(executor, pipe, 1ms);
  executor.run_for(10ms);
  EXPECT_EQ(jobs, 0);
  ASSERT_OK(watched->resume());
  executor.run_for(1ms);
  EXPECT_EQ(jobs, 1);
  // A pause of the lane: what is ready waits.
  ASSERT_OK(executor.pause(kGateway));
  put_at(executor, pipe, 12ms);
  executor.run_for(10ms);
  EXPECT_EQ(jobs, 1);
  ASSERT_OK(executor.resume(kGateway));
  executor.run_for(1ms);
  EXPECT_EQ(jobs, 2);
}

TEST(ManualWatch, a_hang_up_suspends) {
  Manual executor;
  SocketPair line;
  int jobs = 0;
  auto watched = executor.watch(kGateway, line.here, Readiness::urgent,
                                [&](const DescriptorContext&) { ++jobs; });
  ASSERT_OK(watched);
  const Running running(executor, kWorkers);
  executor.run_for(1ms);
  EXPECT_EQ(jobs, 0);
  line.close_there();
  executor.run_for(1h);
  EXPECT_EQ(jobs, 1);
  EXPECT_EQ(watched->state(), DescriptorState::suspended);
}

TEST(ManualWatch, remove_lets_time_pass_until_the_job_has_ended) {
  Manual executor;
  Pipe pipe;
  auto watched = executor.watch(kGateway, pipe.here, Readiness::readable,
                                [](const DescriptorContext& job) { take_byte(job.descriptor); });
  ASSERT_OK(watched);
  executor.set_execution_time(4ms);
  const Running running(executor, kWorkers);
  pipe.put();
  executor.run_for(1ms);
  EXPECT_EQ(watched->remove_for(2ms).code(), StatusCode::timed_out);
  EXPECT_EQ(executor.now(), takt::TimePoint(3ms));
  ASSERT_OK(watched->remove());
  EXPECT_EQ(executor.now(), takt::TimePoint(4ms));
  EXPECT_EQ(watched->state(), DescriptorState::removed);
  pipe.put();
  executor.run_for(10ms);
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 1U);
}

TEST(ManualWatch, a_stop_cancels_and_a_start_reports_it_anew) {
  Manual executor;
  Pipe pipe;
  int jobs = 0;
  auto watched =
      executor.watch(kGateway, pipe.here, Readiness::readable, [&](const DescriptorContext& job) {
        ++jobs;
        take_byte(job.descriptor);
      });
  ASSERT_OK(watched);
  executor.set_execution_time(4ms);
  ASSERT_OK(executor.start(std::span(kWorkers.begin(), kWorkers.size())));
  ASSERT_OK(executor.post([] {}, {.lane = kGateway}));
  executor.run_for(1ms);
  pipe.put();
  ASSERT_OK(executor.stop(StopMode::cancel, 1s));
  EXPECT_EQ(jobs, 0);
  const Running running(executor, kWorkers);
  executor.run_for(10ms);
  EXPECT_EQ(jobs, 1);
}

}  // namespace
