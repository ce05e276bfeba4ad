// SPDX-License-Identifier: Apache-2.0
// What statistics_bench measures is what a worker writes: the same words change.
#include "takt/tests/bench/monitor/job_statistics.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "takt/executor/manual_executor.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::TaskHistograms;
using takt::TaskStats;
using takt::WorkerStats;
using takt::bench::JobStatistics;

constexpr takt::ExecutorLimits kLimits{.workers = 1, .tasks = 1, .histograms = 1};
takt::ManualExecutor<kLimits> executor;
JobStatistics copy;

/// All words of some statistics: a counter that is new is among them.
template <class Stats>
class Words {
 public:
  explicit Words(const Stats& stats) : stats_(&stats) {
    std::memcpy(before_.data(), stats_, kBytes);
  }

  /// The numbers of those that have changed.
  std::vector<std::size_t> changed() const {
    std::array<std::uint64_t, kBytes / 8> now;
    std::memcpy(now.data(), stats_, kBytes);
    std::vector<std::size_t> numbers;
    for (std::size_t number = 0; number < now.size(); ++number) {
      if (now[number] != before_[number]) numbers.push_back(number);
    }
    return numbers;
  }

 private:
  static constexpr std::size_t kBytes = sizeof(Stats) / 8 * 8;

  const void* stats_;
  std::array<std::uint64_t, kBytes / 8> before_;
};

/// The worker's last job before it parks is followed by another one, so that no sleep is in it.
void run_jobs() {
  executor.set_execution_time(2ms);
  const takt::WorkerConfig workers[] = {{.name = "worker"}};
  ASSERT_OK(executor.start(workers));
  ASSERT_OK(executor.post([] {}));
  executor.run_for(1ms);
}

TEST(JobStatistics, are_those_of_a_posted_job) {
  run_jobs();
  ASSERT_OK(executor.post([] {}));
  ASSERT_OK(executor.post([] {}));
  const Words<WorkerStats> worker(executor.worker_stats(0));
  const Words<WorkerStats> copied(copy.worker);
  executor.run_for(2ms);
  copy.note_job(2'000'000, [] {});
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 1U);
  EXPECT_EQ(worker.changed().size(), 3U);
  EXPECT_TRUE(worker.changed() == copied.changed());
  ASSERT_OK(executor.stop(takt::StopMode::cancel, 1s));
}

TEST(JobStatistics, are_those_of_a_tasks_job) {
  const auto servo =
      executor.add_task({.name = "servo", .period = 1h, .offset = 1ms, .histograms = true}, [] {});
  ASSERT_OK(servo);
  const TaskHistograms& histograms = *servo->stats().histograms.load();
  const Words<TaskStats> task(servo->stats());
  const Words<TaskStats> copied(copy.task);
  const Words<TaskHistograms> recorded(histograms);
  const Words<TaskHistograms> copied_histograms(copy.histograms);
  run_jobs();  // behind a posted one, so that it is released late
  executor.run_for(1min);
  copy.note_task(2'000'000);
  copy.note_histograms(2'000'000);
  EXPECT_EQ(servo->stats().completed.get(), 1U);
  EXPECT_EQ(task.changed().size(), 5U);
  EXPECT_TRUE(task.changed() == copied.changed());
  // A bucket and the maximum, of both.
  EXPECT_EQ(recorded.changed().size(), 4U);
  EXPECT_EQ(copied_histograms.changed().size(), 4U);
  ASSERT_OK(executor.stop(takt::StopMode::cancel, 1s));
}

}  // namespace
