// SPDX-License-Identifier: Apache-2.0
// What a job costs when many wait and when there are many tasks. Jobs post their successors, so one
// worker does all the work and nobody sleeps; the cost is that of post, take and run together.
#include <array>

#include "takt/sync/latch.h"
#include "takt/tests/bench/executor/rows.h"
#include "takt/tests/bench/executor/running.h"

namespace takt::bench {
namespace {

constexpr std::int64_t kJobs = 2'000'000;
constexpr std::uint32_t kManyJobs = 10'000;
constexpr std::uint32_t kManyTasks = 1'000;

/// Jobs that each post one more, until kJobs have run.
class Chain {
 public:
  explicit Chain(Executor& executor) : executor_(executor) {}

  /// Keeps `queued` jobs waiting. Nanoseconds a job, read in the worker.
  double run(std::uint32_t queued) {
    post([this] {
      loaded_.wait();
      begin_ = now();
    });
    for (std::uint32_t i = 0; i < queued; ++i) post([this] { step(); });
    loaded_.count_down();
    over_.wait();
    return static_cast<double>((end_ - begin_).count()) / kJobs;
  }

 private:
  void step() {
    if (++ran_ < kJobs) {
      post([this] { step(); });
    } else if (ran_ == kJobs) {
      end_ = now();
      over_.count_down();
    }
  }

  template <class Job>
  void post(Job job) {
    const Status posted = executor_.post(job);
    TAKT_CHECK(posted.ok(), posted.text());
  }

  Executor& executor_;
  Latch loaded_{1};
  Latch over_{1};
  std::int64_t ran_ = 0;  // the worker's, like the times
  TimePoint begin_{};
  TimePoint end_{};
};

double cost_of_chain(Executor& executor, std::uint32_t queued) {
  const std::array workers{worker_at({1, kPriority})};
  // Before the executor, whose end runs what still waits.
  Chain chain(executor);
  const Running runs(executor, workers, false);
  return chain.run(queued);
}

double cost_with_queued(std::uint32_t queued) {
  static StaticExecutor<ExecutorLimits{.workers = 1, .jobs_per_lane = kManyJobs + 2}> executor;
  return cost_of_chain(executor, queued);
}

/// Two executors of the same size; `executor` gets its tasks once. They never become due.
template <std::uint32_t kTasks>
double cost_with_tasks() {
  static StaticExecutor<ExecutorLimits{.workers = 1, .tasks = kManyTasks}> executor;
  static const bool kAdded = [] {
    for (std::uint32_t i = 0; i < kTasks; ++i) {
      const auto task = executor.add_task(
          {.name = "idle", .period = std::chrono::hours(1), .offset = std::chrono::hours(1)},
          [] {});
      TAKT_CHECK(task.ok(), "benchmark: no room for a task");
    }
    return true;
  }();
  static_cast<void>(kAdded);
  return cost_of_chain(executor, 1);
}

}  // namespace

void growth_rows(Suite& suite) {
  const char* row = "growth: a job among queued jobs";
  if (suite.wants(row)) {
    suite.cost(
        row, {{"1 queued", {}, [] { return cost_with_queued(1); }},
              {"10,000 queued", {{"1 queued", 1.3}}, [] { return cost_with_queued(kManyJobs); }}});
  }
  row = "growth: a posted job beside tasks";
  if (suite.wants(row)) {
    suite.cost(row, {{"1 task", {}, &cost_with_tasks<1>},
                     {"1,000 tasks", {{"1 task", 1.3}}, &cost_with_tasks<kManyTasks>}});
  }
}

}  // namespace takt::bench
