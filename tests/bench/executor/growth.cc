// SPDX-License-Identifier: Apache-2.0
// What a job costs when many wait and when there are many tasks. Jobs post their successors, so one
// worker does all the work and nobody sleeps; the cost is that of post, take and run together. And
// what a timer costs among others: the earliest one expires and is set anew, somewhere among them.
#include <array>
#include <cstdint>
#include <vector>

#include "takt/executor/timer_queue.h"
#include "takt/sync/latch.h"
#include "takt/tests/bench/executor/rows.h"
#include "takt/tests/bench/executor/running.h"

namespace takt::bench {
namespace {

constexpr std::int64_t kJobs = 2'000'000;
constexpr std::uint32_t kManyJobs = 10'000;
constexpr std::uint32_t kManyTasks = 1'000;
constexpr std::uint32_t kManyTimers = 10'000;

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

/// Nanoseconds of an expiry and an insertion where `count` timers wait.
double cost_with_timers(std::uint32_t count) {
  constexpr int kExpiries = 2'000'000;
  std::vector<detail::Timer> timers(count);
  std::vector<std::uint32_t> places(count);
  return measured_at({0, kPriority}, [&] {
    detail::TimerQueue queue;
    queue.attach(timers.data(), places.data());
    std::uint32_t random = 1;
    // Evenly over the time until the last of them is due, as of tasks of all periods.
    const auto delay = [&random, count] {
      random = random * 1'664'525 + 1'013'904'223;  // Numerical Recipes' generator
      return 1 + static_cast<std::int64_t>((std::uint64_t{random} * count) >> 26);
    };
    for (std::uint32_t item = 0; item < count; ++item) queue.set(item, delay());
    const TimePoint begin = now();
    for (int i = 0; i < kExpiries; ++i) {
      const detail::Timer due = queue.front();
      queue.set(due.item, INT64_MAX);
      queue.set(due.item, due.when + delay());
    }
    return static_cast<double>((now() - begin).count()) / kExpiries;
  });
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
  row = "growth: a timer's expiry and insertion";
  if (suite.wants(row)) {
    suite.cost(
        row,
        {{"among 10 timers", {}, [] { return cost_with_timers(10); }},
         {"among 10,000", {{"among 10 timers", 5}}, [] { return cost_with_timers(kManyTimers); }}});
  }
}

}  // namespace takt::bench
