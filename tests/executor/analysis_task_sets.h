// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_ANALYSIS_TASK_SETS_H_
#define TAKT_TESTS_EXECUTOR_ANALYSIS_TASK_SETS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "takt/executor/deployment.h"
#include "takt/executor/limits.h"
#include "takt/executor/options.h"
#include "takt/tests/executor/schedule_simulator.h"
#include "takt/tests/support/random.h"

// Random task sets for the cross-check of the analysis with the simulator.

namespace takt::test {

/// Uniform in [0, 1).
inline double uniform(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1.0p-53;
}

/// `tasks` utilisations that sum up to `total`, uniform over all such vectors (Bini, Buttazzo,
/// "Measuring the Performance of Schedulability Tests", Real-Time Systems 30, 2005).
inline std::vector<double> uunifast(Random& random, std::size_t tasks, double total) {
  std::vector<double> shares;
  double sum = total;
  for (std::size_t left = tasks - 1; left > 0; --left) {
    const double rest = sum * std::pow(uniform(random), 1.0 / static_cast<double>(left));
    shares.push_back(sum - rest);
    sum = rest;
  }
  shares.push_back(sum);
  return shares;
}

/// Log-uniform from 1 ms to `widest` ms, in whole milliseconds (so that releases coincide) or not.
inline std::int64_t random_period(Random& random, double widest, bool whole) {
  const double exact = 1e6 * std::exp(uniform(random) * std::log(widest));
  const auto nanoseconds = static_cast<std::int64_t>(exact);
  return whole ? nanoseconds / 1'000'000 * 1'000'000 : nanoseconds;
}

/// What is generated.
struct TaskSetOptions {
  std::size_t tasks = 2;
  double utilisation = 0.5;
  double widest_period = 100;  ///< over the narrowest
  std::size_t lanes = 1;
  bool jitter = false;
  bool mutex = false;
  bool equal_priorities = false;
  double least_deadline = 1;  ///< over the period
  double largest_deadline = 1;
  bool sporadic = false;
};

/// A deployment on one CPU and the same for the simulator.
struct TaskSet {
  std::vector<WorkerConfig> workers;
  std::vector<DeployedTask> tasks;
  std::vector<SimulatedTask> simulated;  ///< without releases

  [[nodiscard]] Deployment deployment() const { return {.workers = workers, .tasks = tasks}; }
  [[nodiscard]] std::vector<int> priorities() const {
    std::vector<int> result;
    for (const WorkerConfig& worker : workers) {
      result.push_back(worker.scheduling.priority());
    }
    return result;
  }
  [[nodiscard]] int priority(std::size_t task) const {
    return workers[simulated[task].worker].scheduling.priority();
  }
  /// Whether jobs of `other` may go before those of `task`.
  [[nodiscard]] bool goes_before(std::size_t other, std::size_t task) const {
    if (simulated[other].worker != simulated[task].worker) return priority(other) >= priority(task);
    return simulated[other].level <= simulated[task].level;
  }
  [[nodiscard]] std::int64_t longest_period() const {
    std::int64_t longest = 0;
    for (const DeployedTask& task : tasks) longest = std::max(longest, task.period.count());
    return longest;
  }
};

/// Gives tasks a critical section, and those that may wait for others' the sum as blocking.
inline void add_mutex(Random& random, TaskSet& set) {
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    const std::int64_t wcet = set.tasks[task].wcet.count();
    if (wcet < 10 || random.one_in(3)) continue;
    const std::int64_t length = random.between(1, wcet / 2);
    SimulatedTask& simulated = set.simulated[task];
    simulated.lock_at = random.between(0, wcet - length);
    simulated.unlock_at = simulated.lock_at + length;
  }
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    if (set.simulated[task].unlock_at == 0) continue;
    // One section of each worker of lower priority: a mutex is handed to whoever waits for it.
    std::vector<std::int64_t> longest(set.workers.size(), 0);
    for (std::size_t other = 0; other < set.tasks.size(); ++other) {
      if (set.priority(other) >= set.priority(task)) continue;
      const SimulatedTask& holder = set.simulated[other];
      std::int64_t& section = longest[holder.worker];
      section = std::max(section, holder.unlock_at - holder.lock_at);
    }
    set.tasks[task].blocking =
        Duration(std::accumulate(longest.begin(), longest.end(), std::int64_t{0}));
  }
}

/// Deadline-monotonic over lanes and levels, with the deviations that the options ask for.
inline void place_tasks(Random& random, const TaskSetOptions& options, TaskSet& set) {
  std::sort(set.tasks.begin(), set.tasks.end(),
            [](const DeployedTask& left, const DeployedTask& right) {
              return left.deadline < right.deadline;
            });
  const std::size_t count = set.tasks.size();
  int priority = 80;
  for (std::size_t lane = 0; lane < options.lanes; ++lane) {
    if (lane > 0 && !(options.equal_priorities && random.one_in(2))) --priority;
    WorkerConfig worker;
    worker.lane = static_cast<LaneId>(lane);
    worker.cpus = CpuSet::of(0);
    worker.scheduling = Fifo{.priority = priority};
    set.workers.push_back(worker);
  }
  // Each lane gets at least one task, and neighbours in deadlines.
  std::vector<std::size_t> lane_of(count, 0);
  for (std::size_t task = 0; task < count; ++task) lane_of[task] = task * options.lanes / count;
  std::size_t position = 0;
  for (std::size_t task = 0; task < count; ++task) {
    position = task > 0 && lane_of[task] == lane_of[task - 1] ? position + 1 : 0;
    const auto size =
        static_cast<std::size_t>(std::count(lane_of.begin(), lane_of.end(), lane_of[task]));
    const std::size_t level =
        size <= kPriorityLevels ? position : position * kPriorityLevels / size;
    set.tasks[task].lane = static_cast<LaneId>(lane_of[task]);
    set.tasks[task].priority = static_cast<Priority>(level);
    SimulatedTask simulated;
    simulated.worker = lane_of[task];
    simulated.level = static_cast<unsigned>(level);
    simulated.sporadic = options.sporadic && random.one_in(3);
    set.simulated.push_back(simulated);
  }
}

inline TaskSet random_task_set(Random& random, const TaskSetOptions& options) {
  TaskSet set;
  const bool whole = random.one_in(2);
  for (const double share : uunifast(random, options.tasks, options.utilisation)) {
    DeployedTask task;
    task.period = Duration(random_period(random, options.widest_period, whole));
    const double exact = share * static_cast<double>(task.period.count());
    task.wcet = Duration(std::max<std::int64_t>(1, static_cast<std::int64_t>(exact)));
    const double factor = options.least_deadline +
                          uniform(random) * (options.largest_deadline - options.least_deadline);
    task.deadline =
        Duration(static_cast<std::int64_t>(factor * static_cast<double>(task.period.count())));
    if (options.jitter && random.one_in(2)) {
      const std::int64_t most =
          random.one_in(5) ? task.period.count() * 3 / 2 : task.period.count() / 4;
      task.release_jitter = Duration(random.between(0, most));
    }
    set.tasks.push_back(task);
  }
  place_tasks(random, options, set);
  if (options.mutex) add_mutex(random, set);
  return set;
}

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_ANALYSIS_TASK_SETS_H_
