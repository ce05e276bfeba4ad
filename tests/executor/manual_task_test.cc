// SPDX-License-Identifier: Apache-2.0
// Tasks in virtual time: what is released when, to the nanosecond.
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "takt/executor/manual_executor.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::DeadlineMiss;
using takt::Duration;
using takt::JobContext;
using takt::LaneId;
using takt::ManualExecutor;
using takt::ManualJob;
using takt::Overrun;
using takt::StatusCode;
using takt::TaskState;
using takt::TimePoint;
using takt::test::Running;

constexpr takt::ExecutorLimits kLimits{.workers = 2, .lanes = 2, .tasks = 4, .histograms = 1};

/// "#3@40+2" for each job: its number, its release in ms after the epoch, what was skipped before.
class Jobs {
 public:
  auto recorder() {
    return [this](const JobContext& job) {
      const Duration release = job.release - job.executor->epoch();
      text_ += (text_.empty() ? "#" : " #") + std::to_string(job.index) + '@' +
               std::to_string(release / 1ms);
      if (job.skipped != 0) text_ += '+' + std::to_string(job.skipped);
      if (job.stop_requested()) text_ += '!';
    };
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// The jobs 1 and 2 of a task of 10 ms take 25 and 12 ms, others 1 ms.
Duration two_long_jobs(const ManualJob& job, void*) noexcept {
  return job.index == 1 ? Duration(25ms) : job.index == 2 ? Duration(12ms) : Duration(1ms);
}

struct Policy {
  const char* name;
  Overrun overrun;
  const char* jobs;
  std::uint64_t overruns;
  std::uint64_t skipped;
};

// Job 1 runs from 10 to 35 ms, over the releases at 20 and 30 ms.
TEST_EACH(ManualTask, each_overrun_policy_to_the_nanosecond,
          // The next job is number 4 at 40 ms.
          Policy{"skip", Overrun::skip(), "#0@0 #1@10 #4@40+2 #5@50 #6@60", 2, 2},
          // Number 2 from 35 to 47, number 3 to 48, number 4 to 49: the phase is kept.
          Policy{"catch_up_3", Overrun::catch_up(3), "#0@0 #1@10 #2@20 #3@30 #4@40 #5@50 #6@60", 3,
                 0},
          Policy{"catch_up_1", Overrun::catch_up(1), "#0@0 #1@10 #3@30+1 #4@40 #5@50 #6@60", 2, 1},
          // Number 2 is released at 35 and runs to 47, number 3 at 47: a new phase.
          Policy{"slip", Overrun::slip(), "#0@0 #1@10 #2@35 #3@47 #4@57", 2, 0},
          Policy{"abort", Overrun::abort(), "#0@0 #1@10! #3@30+1 #4@40 #5@50 #6@60", 2, 1}) {
  ManualExecutor<kLimits> executor;
  Jobs jobs;
  const auto task = executor.add_task({.name = "task", .period = 10ms, .overrun = param.overrun},
                                      jobs.recorder());
  ASSERT_OK(task);
  executor.set_execution_model(&two_long_jobs);
  // The second worker sees the releases that come while the first is in a job.
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  executor.run_for(62ms);
  EXPECT_EQ(jobs.text(), param.jobs);
  EXPECT_EQ(task->stats().overruns.get(), param.overruns);
  EXPECT_EQ(task->stats().skipped.get(), param.skipped);
}

TEST_EACH(ManualTask, one_worker_decides_the_same_at_its_job_boundaries,
          Policy{"skip", Overrun::skip(), "#0@0 #1@10 #4@40+2 #5@50 #6@60", 2, 2},
          Policy{"catch_up_1", Overrun::catch_up(1), "#0@0 #1@10 #3@30+1 #4@40 #5@50 #6@60", 2, 1},
          Policy{"slip", Overrun::slip(), "#0@0 #1@10 #2@35 #3@47 #4@57", 2, 0},
          Policy{"abort", Overrun::abort(), "#0@0 #1@10! #3@30+1 #4@40 #5@50 #6@60", 2, 1}) {
  ManualExecutor<kLimits> executor;
  Jobs jobs;
  const auto task = executor.add_task({.name = "task", .period = 10ms, .overrun = param.overrun},
                                      jobs.recorder());
  ASSERT_OK(task);
  executor.set_execution_model(&two_long_jobs);
  const Running running(executor, {{.name = "one"}});
  executor.run_for(62ms);
  EXPECT_EQ(jobs.text(), param.jobs);
  EXPECT_EQ(task->stats().overruns.get(), param.overruns);
  EXPECT_EQ(task->stats().skipped.get(), param.skipped);
}

TEST(ManualTask, sporadic_releases_keep_their_distance) {
  ManualExecutor<kLimits> executor;
  Jobs jobs;
  auto task = executor.add_sporadic_task({.name = "event", .min_interarrival = 10ms, .pending = 2},
                                         jobs.recorder());
  ASSERT_OK(task);
  executor.set_execution_time(15ms);
  const Running running(executor, {{.name = "worker"}});
  executor.run_for(3ms);
  ASSERT_OK(task->release());  // at 3, ends at 18
  executor.run_for(1ms);
  ASSERT_OK(task->release());  // for 13, ends at 33
  ASSERT_OK(task->release());  // for 23
  EXPECT_EQ(task->release().code(), StatusCode::resource_exhausted);
  executor.run_for(96ms);
  EXPECT_EQ(jobs.text(), "#0@3 #1@13 #2@23");
  ASSERT_OK(task->release());
  executor.run_for(100ms);
  EXPECT_EQ(jobs.text(), "#0@3 #1@13 #2@23 #3@100");
  EXPECT_EQ(task->stats().refused.get(), 1U);
  EXPECT_EQ(task->stats().max_response_ns.get(), 25'000'000U);  // 23 to 48
}

TEST(ManualTask, a_job_releases_the_next) {
  ManualExecutor<kLimits> executor;
  Jobs jobs;
  auto second =
      executor.add_sporadic_task({.name = "second", .min_interarrival = 1ms}, jobs.recorder());
  ASSERT_OK(second);
  const auto first =
      executor.add_task({.name = "first", .period = 10ms}, [&] { EXPECT_OK(second->release()); });
  ASSERT_OK(first);
  executor.set_execution_time(*first, 4ms);
  const Running running(executor, {{.name = "worker"}});
  executor.run_for(30ms - 1ns);
  EXPECT_EQ(jobs.text(), "#0@4 #1@14 #2@24");
}

TEST(ManualTask, a_miss_is_told_with_its_figures) {
  ManualExecutor<kLimits> executor;
  struct Told {
    ManualExecutor<kLimits>& executor;
    std::vector<DeadlineMiss> misses;
    std::vector<TimePoint> times;
    std::string order;
  } told{executor, {}, {}, {}};
  const auto task = executor.add_task({.name = "late",
                                       .period = 10ms,
                                       .deadline = 5ms,
                                       .on_miss =
                                           [](const DeadlineMiss& miss) noexcept {
                                             auto& to = *static_cast<Told*>(miss.argument);
                                             to.misses.push_back(miss);
                                             to.times.push_back(to.executor.now());
                                             to.order += 'm';
                                           },
                                       .miss_argument = &told,
                                       .histograms = true},
                                      [&told] { told.order += 'j'; });
  ASSERT_OK(task);
  executor.set_execution_model([](const ManualJob& job, void*) noexcept {
    if (job.task == nullptr) return Duration(0);
    return job.index == 2 ? Duration(5ms) + 1ns : Duration(5ms);
  });
  const Running running(executor, {{.name = "worker"}});
  executor.run_for(22ms);
  ASSERT_OK(executor.post([&told] { told.order += 'p'; }));  // waits for the end of number 2
  executor.run_for(28ms - 1ns);
  ASSERT_EQ(told.misses.size(), 1U);
  const DeadlineMiss& miss = told.misses[0];
  EXPECT_EQ(miss.index, 2U);
  EXPECT_EQ(miss.finish, miss.deadline + 1ns);
  EXPECT_EQ(miss.deadline, executor.epoch() + 25ms);
  // At the end of the job, before anything else.
  EXPECT_EQ(told.times[0], miss.finish);
  EXPECT_EQ(told.order, "jjjmpjj");
  EXPECT_EQ(task->stats().deadline_misses.get(), 1U);
  EXPECT_EQ(task->stats().histograms.load()->response_time.max(), 5'000'001U);
  EXPECT_EQ(task->stats().histograms.load()->release_jitter.max(), 0U);
}

TEST(ManualTask, a_budget_counts_execution_and_not_preemption) {
  ManualExecutor<kLimits> executor;
  const auto high = executor.add_task({.name = "high", .lane = LaneId{0}, .period = 10ms}, [] {});
  const auto low =
      executor.add_task({.name = "low", .lane = LaneId{1}, .period = 40ms, .budget = 8ms}, [] {});
  ASSERT_OK(high);
  ASSERT_OK(low);
  executor.set_execution_model([](const ManualJob& job, void*) noexcept {
    if (job.lane == LaneId{0}) return Duration(5ms);
    return job.index == 1 ? Duration(8ms) + 1ns : Duration(8ms);
  });
  const Running running(
      executor,
      {{.name = "high", .cpus = takt::CpuSet::of(0), .scheduling = takt::Fifo{.priority = 2}},
       {.name = "low",
        .lane = LaneId{1},
        .cpus = takt::CpuSet::of(0),
        .scheduling = takt::Fifo{.priority = 1}}});
  executor.run_for(40ms - 1ns);
  EXPECT_EQ(low->stats().max_response_ns.get(), 18'000'000U);
  EXPECT_EQ(low->stats().budget_overruns.get(), 0U);
  executor.run_for(80ms);
  EXPECT_EQ(low->stats().completed.get(), 3U);
  EXPECT_EQ(low->stats().budget_overruns.get(), 1U);
}

TEST(ManualTask, suspend_resume_set_period_and_remove_act_at_once) {
  ManualExecutor<kLimits> executor;
  Jobs jobs;
  Jobs neighbour;
  auto task = executor.add_task({.name = "task", .period = 10ms}, jobs.recorder());
  const auto other = executor.add_task({.name = "other", .period = 30ms}, neighbour.recorder());
  ASSERT_OK(task);
  ASSERT_OK(other);
  executor.set_execution_time(1ms);
  const Running running(executor, {{.name = "worker"}});
  executor.run_for(15ms);
  ASSERT_OK(task->suspend());
  executor.run_for(30ms);  // 45
  ASSERT_OK(task->resume());
  executor.run_for(10ms);  // 55
  ASSERT_OK(task->set_period(4ms));
  executor.run_for(14ms);  // 69
  EXPECT_EQ(jobs.text(), "#0@0 #1@10 #5@50 #6@60 #7@64 #8@68");
  EXPECT_TRUE(task->state() == TaskState::active);
  ASSERT_OK(task->remove());
  EXPECT_EQ(executor.now(), executor.epoch() + 69ms);
  EXPECT_TRUE(task->state() == TaskState::removed);
  // A late task joins at its next grid point.
  Jobs late;
  const auto joined =
      executor.add_task({.name = "late", .period = 25ms, .offset = 3ms}, late.recorder());
  ASSERT_OK(joined);
  executor.run_until(executor.epoch() + 140ms);
  EXPECT_EQ(late.text(), "#3@78 #4@103 #5@128");
  EXPECT_EQ(neighbour.text(), "#0@0 #1@30 #2@60 #3@90 #4@120");
  // Nor did it begin late: at 0 and 60 ms it waited for one job of the other task.
  EXPECT_EQ(other->stats().max_release_jitter_ns.get(), 1'000'000U);
}

// Whatever is done to the tasks beside it, each of its jobs begins when it is released, or when the
// job that runs then has ended.
TEST(ManualTask, what_is_done_to_others_does_not_delay_a_neighbour) {
  constexpr Duration kPeriod = 10ms, kOthers = 300us;
  ManualExecutor<kLimits> executor;
  const auto neighbour = executor.add_task(
      {.name = "neighbour", .priority = takt::Priority::critical, .period = kPeriod}, [] {});
  auto sporadic = executor.add_sporadic_task({.name = "sporadic", .min_interarrival = 1ms}, [] {});
  auto periodic = executor.add_task({.name = "periodic", .period = 3ms}, [] {});
  ASSERT_OK(neighbour);
  ASSERT_OK(sporadic);
  ASSERT_OK(periodic);
  executor.set_execution_time(kOthers);
  executor.set_execution_time(*neighbour, 1us);
  const Running running(executor, {{.name = "worker"}});
  takt::test::Random random;
  takt::Result<takt::TaskHandle> late{takt::TaskHandle()};
  constexpr int kSteps = 2'000;
  for (int step = 0; step < kSteps; ++step) {
    executor.run_for(std::chrono::microseconds(random.below(2'000)));
    switch (random.below(7)) {
      case 0:
        EXPECT_OK(periodic->suspend());
        break;
      case 1:
        EXPECT_OK(periodic->resume());
        break;
      case 2:
        EXPECT_OK(periodic->set_period(std::chrono::microseconds(1'000 + random.below(9'000))));
        break;
      case 3:
        EXPECT_OK(sporadic->suspend());
        break;
      case 4:
        EXPECT_OK(sporadic->resume());
        break;
      case 5:
        static_cast<void>(sporadic->release());
        break;
      default:
        if (late->valid()) EXPECT_OK(late->remove());
        late = executor.add_task(
            {.name = "late", .period = std::chrono::microseconds(1'000 + random.below(9'000))},
            [] {});
        ASSERT_OK(late);
    }
  }
  executor.run_for(kPeriod);
  const auto periods = static_cast<std::uint64_t>((executor.now() - executor.epoch()) / kPeriod);
  EXPECT_GE(neighbour->stats().completed.get(), periods);
  EXPECT_LE(neighbour->stats().completed.get(), periods + 1);
  EXPECT_EQ(neighbour->stats().skipped.get(), 0U);
  EXPECT_GT(neighbour->stats().max_release_jitter_ns.get(), 0U);
  EXPECT_LE(Duration(neighbour->stats().max_release_jitter_ns.get()), kOthers);
}

TEST(ManualTask, remove_lets_time_pass_until_the_job_has_ended) {
  ManualExecutor<kLimits> executor;
  Jobs jobs;
  auto task = executor.add_task({.name = "task", .period = 10ms}, jobs.recorder());
  ASSERT_OK(task);
  executor.set_execution_time(5ms);
  const Running running(executor, {{.name = "worker"}});
  executor.run_for(12ms);
  EXPECT_EQ(task->remove_for(1ms).code(), StatusCode::timed_out);
  EXPECT_EQ(executor.now(), executor.epoch() + 13ms);
  ASSERT_OK(task->remove());
  EXPECT_EQ(executor.now(), executor.epoch() + 15ms);
  EXPECT_EQ(jobs.text(), "#0@0 #1@10");
}

TEST(ManualTask, a_late_worker_finds_the_billion_releases_that_it_missed) {
  static constexpr std::int64_t kBillion = 1'000'000'000;
  ManualExecutor<kLimits, 0> executor;
  Jobs jobs;
  const auto task = executor.add_task({.name = "task", .period = 1ms}, jobs.recorder());
  ASSERT_OK(task);
  executor.set_execution_model([](const ManualJob& job, void*) noexcept {
    return job.index == 1 ? kBillion * Duration(1ms) + 500us : Duration(0);
  });
  const Running running(executor, {{.name = "worker"}});
  executor.run_for((kBillion + 3) * Duration(1ms));
  EXPECT_EQ(jobs.text(), "#0@0 #1@1 #1000000002@1000000002+1000000000 #1000000003@1000000003");
  EXPECT_EQ(task->stats().overruns.get(), 1'000'000'000U);
}

}  // namespace
