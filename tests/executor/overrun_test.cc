// SPDX-License-Identifier: Apache-2.0
// Jobs that take longer than their period, misses, budgets, under real threads. What is released
// when is release_rule_test.cc's; here the executor has to carry it out.
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::DeadlineMiss;
using takt::JobContext;
using takt::Overrun;
using takt::StopMode;
using takt::TimePoint;
using takt::test::Gate;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .tasks = 2}> executor;

/// What a task's jobs saw, the first held at a gate.
struct Jobs {
  static constexpr std::uint32_t kCapacity = 64;

  void add(const JobContext& job) noexcept {
    const std::uint32_t at = count.load();
    if (at < kCapacity) {
      release[at] = job.release;
      index[at] = job.index;
      skipped[at] = job.skipped;
    }
    count.store(at + 1);
    if (at == 0) gate.pass();
  }

  std::array<TimePoint, kCapacity> release{};
  std::array<std::uint64_t, kCapacity> index{};
  std::array<std::uint64_t, kCapacity> skipped{};
  std::atomic<std::uint32_t> count{0};
  Gate gate;
};

/// Two workers, so that somebody sees the releases that come while the first job is held.
#define TAKT_RUNNING_TWO() const Running running(executor, {{.name = "one"}, {.name = "two"}})

void hold_for_releases(Jobs& jobs, const takt::TaskHandle& task, std::uint64_t overruns) {
  jobs.gate.wait_for_entries();
  wait_until([&] { return task.stats().overruns.get() >= overruns; });
  jobs.gate.open();
}

TEST(Overrun, catch_up_runs_what_was_kept_in_order) {
  Jobs jobs;
  const auto task =
      executor.add_task({.name = "late", .period = 1ms, .overrun = Overrun::catch_up(3)},
                        [&jobs](const JobContext& job) { jobs.add(job); });
  ASSERT_OK(task);
  TAKT_RUNNING_TWO();
  jobs.gate.wait_for_entries();
  // Not those of a start that was late: they were skipped before the first job.
  hold_for_releases(jobs, *task, task->stats().overruns.get() + 6);
  wait_until([&] { return jobs.count.load() >= 5; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_GE(jobs.skipped[1], 3);  // at least 6 came, 3 were kept
  for (std::uint32_t at = 1; at < 5; ++at) {
    EXPECT_EQ(jobs.release[at], executor.epoch() + jobs.index[at] * 1ms);
    EXPECT_EQ(jobs.index[at], jobs.index[at - 1] + 1 + jobs.skipped[at]);
  }
  // What was kept comes without a gap, as long as no other overrun came in between.
  if (task->stats().overruns.get() == task->stats().skipped.get() + 3) {
    EXPECT_EQ(jobs.index[2], jobs.index[1] + 1);
    EXPECT_EQ(jobs.index[3], jobs.index[1] + 2);
  }
  EXPECT_EQ(task->stats().releases.get(), jobs.count.load());
}

TEST(Overrun, slip_counts_from_the_end_of_the_late_job) {
  Jobs jobs;
  const auto task = executor.add_task({.name = "slips", .period = 1ms, .overrun = Overrun::slip()},
                                      [&jobs](const JobContext& job) { jobs.add(job); });
  ASSERT_OK(task);
  TAKT_RUNNING_TWO();
  hold_for_releases(jobs, *task, 1);
  const TimePoint opened = takt::now();
  wait_until([&] { return jobs.count.load() >= 4; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_GT(jobs.release[1], executor.epoch() + 1ms);
  EXPECT_LE(opened - 100ms, jobs.release[1]);
  for (std::uint32_t at = 1; at < 4; ++at) {
    EXPECT_EQ(jobs.index[at], at);
    EXPECT_EQ(jobs.skipped[at], 0);
    EXPECT_GE(jobs.release[at] - jobs.release[at - 1], 1ms);
  }
  EXPECT_EQ(task->stats().skipped.get(), 0);
}

TEST(Overrun, abort_asks_the_job_to_return_when_the_next_release_has_come) {
  std::atomic<std::uint32_t> ended{0};
  std::atomic<std::uint32_t> in_time{0};
  const auto task = executor.add_task(
      {.name = "aborts", .period = 2ms, .overrun = Overrun::abort()}, [&](const JobContext& job) {
        if (!job.stop_requested()) in_time.fetch_add(1);
        while (!job.stop_requested()) {
        }
        EXPECT_GE(takt::now(), job.release + 2ms);
        ended.fetch_add(1);
      });
  ASSERT_OK(task);
  // One worker: nobody else looks at the timer.
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return ended.load() >= 5 && in_time.load() >= 1; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_GE(task->stats().overruns.get(), 4);
}

TEST(Overrun, a_miss_is_told_once_with_its_figures) {
  struct Seen {
    std::atomic<std::uint32_t> count{0};
    DeadlineMiss first{};
    std::atomic<pid_t> ended_on{0};  // the thread of a job that ended and was not told of yet
    std::atomic<std::uint32_t> misplaced{0};
  } seen;
  const auto task = executor.add_task({.name = "misses",
                                       .period = 5ms,
                                       .deadline = 1us,
                                       .on_miss =
                                           [](const DeadlineMiss& miss) noexcept {
                                             auto& to = *static_cast<Seen*>(miss.argument);
                                             if (to.count.load() == 0) to.first = miss;
                                             to.count.fetch_add(1);
                                             // On the worker, behind its job.
                                             const bool here =
                                                 to.ended_on.exchange(0) == ::gettid();
                                             if (!here || takt::now() < miss.finish) ++to.misplaced;
                                           },
                                       .miss_argument = &seen},
                                      [&seen](const JobContext& job) {
                                        if (seen.ended_on.load() != 0) ++seen.misplaced;
                                        while (takt::now() <= job.deadline) {
                                        }
                                        seen.ended_on.store(::gettid());
                                      });
  ASSERT_OK(task);
  TAKT_RUNNING_TWO();
  wait_until([&] { return seen.count.load() >= 2; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(seen.count.load(), task->stats().deadline_misses.get());
  EXPECT_EQ(seen.misplaced.load(), 0);
  EXPECT_EQ(seen.ended_on.load(), 0);
  EXPECT_EQ(std::string_view(seen.first.task), "misses");
  EXPECT_EQ(seen.first.release, executor.epoch() + seen.first.index * 5ms);
  EXPECT_EQ(seen.first.deadline, seen.first.release + 1us);
  EXPECT_GT(seen.first.finish, seen.first.deadline);
}

TEST(Overrun, a_job_that_exceeds_its_budget_is_counted) {
  const auto busy = executor.add_task({.name = "busy", .period = 5ms, .budget = 10us}, [] {
    const auto end = takt::now() + 1ms;
    while (takt::now() < end) {
    }
  });
  const auto modest = executor.add_task({.name = "modest", .period = 5ms, .budget = 10s}, [] {});
  ASSERT_OK(busy);
  ASSERT_OK(modest);
  const Running running(executor, {{.name = "worker"}});
  // Not each: a job that was preempted for the whole millisecond used little.
  wait_until([&] { return busy->stats().budget_overruns.get() >= 1; });
  wait_until([&] { return modest->stats().completed.get() >= 3; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(modest->stats().budget_overruns.get(), 0);
}

}  // namespace
