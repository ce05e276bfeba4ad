// SPDX-License-Identifier: Apache-2.0
// Random task sets in virtual time: no response exceeds the bound of the analysis, and each job
// ends when the simulator, which shares no code with the executor, says that it does.
#include <algorithm>
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
/// The last lane and its worker are the interrupts that release the sporadic tasks.
constexpr ExecutorLimits kLimits{
    .workers = 5, .lanes = 5, .jobs_per_lane = 2, .tasks = 8, .timers = 1};
constexpr LaneId kInterrupts{4};
constexpr const char* kNames[] = {"0", "1", "2", "3", "4", "5", "6", "7"};

ManualExecutor<kLimits> executor;

/// A set on the executor: how long each job took from its release to its end.
class Play {
 public:
  explicit Play(const TaskSet& set) : set_(set), history_(set.tasks.size()) {
    for (std::size_t task = 0; task < set.tasks.size(); ++task) {
      if (!set.simulated[task].sporadic) continue;
      for (const SimulatedRelease& release : set.simulated[task].releases) {
        arrivals_.push_back({release.nominal, task});
      }
    }
    std::sort(arrivals_.begin(), arrivals_.end(), [](const Arrival& left, const Arrival& right) {
      return left.time != right.time ? left.time < right.time : left.task < right.task;
    });
  }

  void run(std::int64_t horizon) {
    executor.clear_events();
    for (std::size_t task = 0; task < set_.tasks.size(); ++task) handles_.push_back(add(task));
    executor.set_execution_model(
        [](const ManualJob& job, void* self) noexcept {
          return static_cast<const Play*>(self)->execution_of(job);
        },
        this);
    std::vector<WorkerConfig> workers = set_.workers;
    for (std::size_t worker = 0; worker < workers.size(); ++worker) {
      workers[worker].name = kNames[worker];
    }
    workers.push_back({.name = "interrupts",
                       .lane = kInterrupts,
                       .cpus = CpuSet::of(0),
                       .scheduling = Fifo{.priority = 99}});
    EXPECT_OK(executor.start(workers));
    interrupt();
    executor.run_for(Duration(horizon - 1));
    EXPECT_OK(executor.stop(StopMode::cancel, std::chrono::hours(1)));
    for (TaskHandle& task : handles_) EXPECT_OK(task.remove());
  }

  [[nodiscard]] const std::vector<std::int64_t>& history(std::size_t task) const {
    return history_[task];
  }

 private:
  struct Arrival {
    std::int64_t time;
    std::size_t task;
  };

  TaskHandle add(std::size_t number) {
    const DeployedTask& task = set_.tasks[number];
    const auto body = [this, number](const JobContext& job) {
      if (job.executor->running()) {
        history_[number].push_back((job.now() - job.release).count());
      }
    };
    const auto handle =
        set_.simulated[number].sporadic
            ? executor.add_sporadic_task({.name = kNames[number],
                                          .lane = task.lane,
                                          .priority = task.priority,
                                          .min_interarrival = task.period,
                                          .pending = kMaxPendingReleases,
                                          .deadline = task.deadline},
                                         body)
            : executor.add_task(
                  {.name = kNames[number],
                   .lane = task.lane,
                   .priority = task.priority,
                   .period = task.period,
                   .offset = Duration(set_.simulated[number].releases.front().nominal),
                   .deadline = task.deadline,
                   .overrun = Overrun::catch_up(1'000'000)},
                  body);
    EXPECT_OK(handle);
    return *handle;
  }

  /// Releases the sporadic tasks whose time has come, and comes again for the next one.
  void interrupt() {
    const std::int64_t now = (executor.now() - executor.epoch()).count();
    while (arrived_ < arrivals_.size() && arrivals_[arrived_].time <= now) {
      EXPECT_OK(handles_[arrivals_[arrived_++].task].release());
    }
    if (arrived_ == arrivals_.size()) return;
    EXPECT_OK(executor.post_at(executor.epoch() + Duration(arrivals_[arrived_].time),
                               [this] { interrupt(); }, {.lane = kInterrupts}));
  }

  [[nodiscard]] Duration execution_of(const ManualJob& job) const {
    if (job.task == nullptr) return Duration(0);
    const auto task = static_cast<std::size_t>(job.task[0] - '0');
    return Duration(set_.simulated[task].releases[static_cast<std::size_t>(job.index)].execution);
  }

  const TaskSet& set_;
  std::vector<std::vector<std::int64_t>> history_;
  std::vector<TaskHandle> handles_;
  std::vector<Arrival> arrivals_;
  std::size_t arrived_ = 0;
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

/// Makes some tasks sporadic: of those no more releases may wait than there is room for.
void make_sporadic(Random& random, TaskSet& set, const std::vector<Duration>& bounds) {
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    set.simulated[task].sporadic =
        random.one_in(2) && bounds[task] / set.tasks[task].period < kMaxPendingReleases;
  }
}

/// What a run has seen.
struct Counts {
  unsigned long jobs = 0;
  unsigned long bounds = 0;
  unsigned long reached = 0;
  unsigned long compared = 0;
  unsigned long sporadic = 0;
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
    if (set.simulated[task].sporadic) counts.sporadic += seen.size();
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
    make_sporadic(random, set, bounds);
    release_at_random(random, set, horizon, {.longer_gaps = true});
    check(set, bounds, horizon, "sporadic tasks", counts);
  }
  std::printf(
      "%d sets: %lu jobs, %lu of them sporadic, %lu as the simulator's; %lu bounds, "
      "%lu reached\n",
      kSets, counts.jobs, counts.sporadic, counts.compared, counts.bounds, counts.reached);
  EXPECT_GT(counts.compared, counts.jobs / 4);
  EXPECT_GT(counts.bounds, counts.jobs / 4);
  EXPECT_GT(counts.reached, 0UL);
  EXPECT_GT(counts.sporadic, counts.jobs / 20);
}

}  // namespace
}  // namespace takt::test
