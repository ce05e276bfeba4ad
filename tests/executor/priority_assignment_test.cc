// SPDX-License-Identifier: Apache-2.0
// What is assigned holds; what four levels cannot do, more lanes may.
#include "takt/executor/priority_assignment.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "takt/executor/analysis.h"
#include "takt/tests/executor/analysis_task_sets.h"
#include "takt/tests/support/test.h"

namespace takt::test {
namespace {

using namespace std::chrono_literals;

// One lane suffices, with the urgent task first although it is given last.
constexpr DeployedTask kEasy[] = {{.period = 100ms, .wcet = 3ms},
                                  {.period = 50ms, .deadline = 20ms, .wcet = 2ms},
                                  {.period = 10ms, .deadline = 6ms, .wcet = 1ms}};
constexpr PriorityAssignment kEasyPlan = assign_priorities(kEasy, {.first_lane = LaneId{5}});
static_assert(kEasyPlan.verdict == Schedulability::schedulable);
static_assert(kEasyPlan.lanes == 1);
static_assert(kEasyPlan.tasks[2].lane == LaneId{5});
static_assert(kEasyPlan.tasks[2].worker_priority == 80);

// A long job of a lower level keeps an urgent one waiting at any level: that takes a second lane.
constexpr DeployedTask kLongJob[] = {{.period = 100ms, .wcet = 20ms},
                                     {.period = 10ms, .deadline = 5ms, .wcet = 1ms},
                                     {.period = 20ms, .wcet = 2ms}};
static_assert(assign_priorities(kLongJob).verdict == Schedulability::unschedulable);
static_assert(assign_priorities(kLongJob).reason == AnalysisReason::four_levels_too_few);
constexpr PriorityAssignment kLongJobPlan = assign_priorities(kLongJob, {.lanes = 2});
static_assert(kLongJobPlan.verdict == Schedulability::schedulable);
static_assert(kLongJobPlan.lanes == 2);
static_assert(kLongJobPlan.tasks[1].lane == LaneId{0});
static_assert(kLongJobPlan.tasks[0].lane == LaneId{1});
static_assert(kLongJobPlan.tasks[1].worker_priority > kLongJobPlan.tasks[0].worker_priority);

// Five jobs, each of which has to wait for the ones before it: five levels would do, four do not.
constexpr DeployedTask kStairs[] = {{.period = 100ms, .deadline = 2ms, .wcet = 1ms},
                                    {.period = 100ms, .deadline = 3ms, .wcet = 1ms},
                                    {.period = 100ms, .deadline = 4ms, .wcet = 1ms},
                                    {.period = 100ms, .deadline = 5ms, .wcet = 1ms},
                                    {.period = 100ms, .deadline = 6ms, .wcet = 1ms},
                                    {.period = 100ms, .deadline = 7ms, .wcet = 1ms}};
static_assert(assign_priorities({kStairs, 4}).verdict == Schedulability::schedulable);
static_assert(assign_priorities({kStairs, 5}).verdict == Schedulability::schedulable);
static_assert(assign_priorities(kStairs).reason == AnalysisReason::four_levels_too_few);
static_assert(assign_priorities(kStairs, {.lanes = 2}).verdict == Schedulability::schedulable);

// Nothing helps against too much work, and kernel priorities may run out.
constexpr DeployedTask kTooMuch[] = {{.period = 10ms, .wcet = 6ms}, {.period = 10ms, .wcet = 6ms}};
static_assert(assign_priorities(kTooMuch, {.lanes = 8}).reason == AnalysisReason::lanes_too_few);
static_assert(assign_priorities(kLongJob, {.lanes = 3, .highest_priority = 1}).reason ==
              AnalysisReason::lanes_too_few);

constexpr DeployedTask kNoPeriod[] = {{.period = 10ms, .wcet = 1ms}, {.wcet = 1ms}};
static_assert(assign_priorities(kNoPeriod).reason == AnalysisReason::bad_period);
static_assert(assign_priorities(kNoPeriod).task == 1);
static_assert(assign_priorities({}).verdict == Schedulability::schedulable);
static_assert(assign_priorities(kEasy, {.highest_priority = 100}).reason ==
              AnalysisReason::bad_worker_priority);

/// The deployment that an assignment describes.
struct Applied {
  std::vector<WorkerConfig> workers;
  std::vector<DeployedTask> tasks;

  Applied(const std::vector<DeployedTask>& given, const PriorityAssignment& plan) : tasks(given) {
    for (std::uint32_t lane = 0; lane < plan.lanes; ++lane) {
      WorkerConfig worker;
      worker.lane = static_cast<LaneId>(lane);
      worker.cpus = CpuSet::of(0);
      workers.push_back(worker);
    }
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      const Assignment& place = plan.tasks[task];
      tasks[task].lane = place.lane;
      tasks[task].priority = place.level;
      workers[static_cast<std::size_t>(place.lane)].scheduling =
          Fifo{.priority = place.worker_priority};
    }
  }
  [[nodiscard]] Deployment deployment() const { return {.workers = workers, .tasks = tasks}; }
};

TEST(PriorityAssignment, what_is_assigned_is_schedulable) {
  Random random(1);
  unsigned found[5] = {};
  for (int round = 0; round < 1'000; ++round) {
    TaskSetOptions options;
    options.tasks = static_cast<std::size_t>(random.between(2, 8));
    options.utilisation = 0.4 + 0.5 * uniform(random);
    options.jitter = random.one_in(3);
    options.largest_deadline = 2;
    const TaskSet set = random_task_set(random, options);
    bool before = false;
    for (std::uint32_t lanes = 1; lanes <= 4; ++lanes) {
      const PriorityAssignment plan = assign_priorities(set.tasks, {.lanes = lanes});
      const bool holds = plan.verdict == Schedulability::schedulable;
      ASSERT_TRUE(holds || !before, "round %d: more lanes do not help less", round);
      before = holds;
      if (!holds) continue;
      ++found[lanes];
      ASSERT_LE(plan.lanes, lanes);
      const Applied applied(set.tasks, plan);
      ASSERT_TRUE(schedulable(applied.deployment()), "round %d, %u lanes", round, lanes);
    }
  }
  EXPECT_GT(found[1], 50U);
  EXPECT_GT(found[4], found[1]);
  EXPECT_LT(found[4], 1'000U);
}

/// Whether any of the 4^n levels of one lane will do.
bool some_levels_do(std::vector<DeployedTask> tasks) {
  WorkerConfig worker;
  worker.cpus = CpuSet::of(0);
  worker.scheduling = Fifo{.priority = 80};
  const unsigned all = 1U << (2 * tasks.size());
  for (unsigned levels = 0; levels < all; ++levels) {
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      tasks[task].lane = LaneId{0};
      tasks[task].priority = static_cast<Priority>(levels >> (2 * task) & 3);
    }
    if (schedulable({.workers = {&worker, 1}, .tasks = tasks})) return true;
  }
  return false;
}

TEST(PriorityAssignment, one_lane_is_found_whenever_there_is_one) {
  Random random(2);
  unsigned found = 0;
  for (int round = 0; round < 300; ++round) {
    TaskSetOptions options;
    options.tasks = static_cast<std::size_t>(random.between(2, 5));
    options.utilisation = 0.2 + 0.6 * uniform(random);
    options.widest_period = 10;
    options.jitter = random.one_in(3);
    options.largest_deadline = 2;
    const TaskSet set = random_task_set(random, options);
    const bool holds = assign_priorities(set.tasks).verdict == Schedulability::schedulable;
    ASSERT_EQ(holds, some_levels_do(set.tasks), "round %d", round);
    found += holds ? 1 : 0;
  }
  EXPECT_GT(found, 60U);
  EXPECT_LT(found, 240U);
}

}  // namespace
}  // namespace takt::test
