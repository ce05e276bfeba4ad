// SPDX-License-Identifier: Apache-2.0
// Random task sets in virtual time: no response exceeds the bound of the analysis, and each job
// ends when the simulator, which shares no code with the executor, says that it does.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "takt/executor/analysis.h"
#include "takt/executor/manual_executor.h"
#include "takt/tests/executor/analysis_patterns.h"
#include "takt/tests/executor/analysis_task_sets.h"
#include "takt/tests/executor/schedule_simulator.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace takt::test {
namespace {

constexpr int kSets = 100;
constexpr ExecutorLimits kLimits{.workers = 4, .lanes = 4, .jobs_per_lane = 1, .tasks = 8};
constexpr const char* kNames[] = {"0", "1", "2", "3", "4", "5", "6", "7"};

ManualExecutor<kLimits> executor;

/// A set on the executor: how long each job took from its release to its end.
class Play {
 public:
  explicit Play(const TaskSet& set) : set_(set), history_(set.tasks.size()) {}

  void run(std::int64_t horizon) {
    executor.clear_events();
    std::vector<TaskHandle> handles;
    for (std::size_t task = 0; task < set_.tasks.size(); ++task) handles.push_back(add(task));
    executor.set_execution_model(
        [](const ManualJob& job, void* self) noexcept {
          return static_cast<const Play*>(self)->execution_of(job);
        },
        this);
    std::vector<WorkerConfig> workers = set_.workers;
    for (std::size_t worker = 0; worker < workers.size(); ++worker) {
      workers[worker].name = kNames[worker];
    }
    EXPECT_OK(executor.start(workers));
    executor.run_for(Duration(horizon - 1));
    EXPECT_OK(executor.stop(StopMode::cancel, std::chrono::hours(1)));
    for (TaskHandle& task : handles) EXPECT_OK(task.remove());
  }

  [[nodiscard]] const std::vector<std::int64_t>& history(std::size_t task) const {
    return history_[task];
  }

 private:
  TaskHandle add(std::size_t number) {
    const DeployedTask& task = set_.tasks[number];
    const auto handle =
        executor.add_task({.name = kNames[number],
                           .lane = task.lane,
                           .priority = task.priority,
                           .period = task.period,
                           .offset = Duration(set_.simulated[number].releases.front().nominal),
                           .deadline = task.deadline,
                           .overrun = Overrun::catch_up(1'000'000)},
                          [this, number](const JobContext& job) {
                            if (job.executor->running())
                              history_[number].push_back((job.now() - job.release).count());
                          });
    EXPECT_OK(handle);
    return *handle;
  }

  [[nodiscard]] Duration execution_of(const ManualJob& job) const {
    const auto task = static_cast<std::size_t>(job.task[0] - '0');
    return Duration(set_.simulated[task].releases[static_cast<std::size_t>(job.index)].execution);
  }

  const TaskSet& set_;
  std::vector<std::vector<std::int64_t>> history_;
};

/// Whether two tasks of a lane share a level: then their order is not the simulator's, which looks
/// at releases that were kept back together with those that come.
bool shares_levels(const TaskSet& set) {
  for (std::size_t one = 0; one < set.tasks.size(); ++one) {
    for (std::size_t other = 0; other < one; ++other) {
      if (set.tasks[one].lane == set.tasks[other].lane &&
          set.tasks[one].priority == set.tasks[other].priority) {
        return true;
      }
    }
  }
  return false;
}

/// What a run has seen.
struct Counts {
  unsigned long jobs = 0;
  unsigned long bounds = 0;
  unsigned long reached = 0;
  unsigned long compared = 0;
};

void check(const TaskSet& set, const std::vector<Duration>& bounds, std::int64_t horizon,
           const char* pattern, Counts& counts) {
  Play play(set);
  play.run(horizon);
  ScheduleSimulator simulator(set.priorities(), set.simulated);
  simulator.run();
  const bool comparable = !shares_levels(set);
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    const std::vector<std::int64_t>& seen = play.history(task);
    counts.jobs += seen.size();
    for (std::size_t job = 0; job < seen.size(); ++job) {
      if (comparable) {
        ++counts.compared;
        ASSERT_EQ(seen[job], simulator.history(task)[job], "%s, task %zu, job %zu", pattern, task,
                  job);
      }
      if (bounds[task] == Duration::max()) continue;
      ++counts.bounds;
      ASSERT_LE(seen[job], bounds[task].count(), "%s, task %zu, job %zu", pattern, task, job);
      if (seen[job] == bounds[task].count()) ++counts.reached;
    }
  }
}

TEST_EACH(ManualAnalysis, no_response_exceeds_its_bound_and_each_is_the_simulators, 1, 2, 3, 4) {
  Random random(static_cast<std::uint64_t>(param) + 500);
  Counts counts;
  for (int round = 0; round < kSets; ++round) {
    TaskSetOptions options;
    options.tasks = static_cast<std::size_t>(random.between(2, 8));
    options.utilisation = 0.4 + 0.55 * uniform(random);
    options.widest_period = 30;
    options.lanes =
        1 + static_cast<std::size_t>(random.below(std::min<std::size_t>(options.tasks, 4)));
    options.equal_priorities = random.one_in(4);
    options.least_deadline = 0.7;
    options.largest_deadline = 3.0;
    TaskSet set = random_task_set(random, options);
    std::vector<Duration> bounds;
    for (std::size_t task = 0; task < set.tasks.size(); ++task) {
      bounds.push_back(analyse_task(set.deployment(), task).response);
    }
    const std::int64_t horizon = 3 * set.longest_period();
    for (std::size_t task = 0; task < set.tasks.size(); ++task) {
      set.simulated[task].releases = releases_at_instant(set.tasks[task], 0, horizon);
    }
    check(set, bounds, horizon, "synchronous", counts);
    release_at_random(random, set, horizon, {});
    check(set, bounds, horizon, "random offsets", counts);
    release_at_random(random, set, horizon, {.shorter_execution = true});
    check(set, bounds, horizon, "random offsets and execution times", counts);
  }
  std::printf("%d sets: %lu jobs, %lu of them as the simulator's; %lu bounds, %lu reached\n", kSets,
              counts.jobs, counts.compared, counts.bounds, counts.reached);
  EXPECT_GT(counts.compared, counts.jobs / 4);
  EXPECT_GT(counts.bounds, counts.jobs / 4);
  EXPECT_GT(counts.reached, 0UL);
}

}  // namespace
}  // namespace takt::test
