// SPDX-License-Identifier: Apache-2.0
// Published task sets with published response times.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "takt/executor/analysis.h"
#include "takt/tests/support/test.h"

namespace takt::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr WorkerConfig worker(std::uint32_t lane, int priority) {
  WorkerConfig config;
  config.lane = static_cast<LaneId>(lane);
  config.cpus = CpuSet::of(0);
  config.scheduling = Fifo{.priority = priority};
  return config;
}

template <class Unit>
constexpr DeployedTask task(std::uint32_t lane, Priority level, std::int64_t period,
                            std::int64_t deadline, std::int64_t wcet) {
  DeployedTask result;
  result.lane = static_cast<LaneId>(lane);
  result.priority = level;
  result.period = Unit(period);
  result.deadline = Unit(deadline);
  result.wcet = Unit(wcet);
  return result;
}

constexpr WorkerConfig kOneLane[] = {worker(0, 80)};
constexpr WorkerConfig kThreeLanes[] = {worker(0, 80), worker(1, 79), worker(2, 78)};

constexpr Duration response(const Deployment& deployment, std::size_t task) {
  return analyse_task(deployment, task).response;
}

// Davis, Burns, Bril, Lukkien, "Controller Area Network (CAN) schedulability analysis: Refuted,
// revisited and revised", Real-Time Systems 35, 2007: the analysis in use until then
// found 3 ms for message C, whose second instance takes 3.5 ms and misses its deadline.
constexpr DeployedTask kCanMessages[] = {
    task<microseconds>(0, Priority::critical, 2500, 2500, 1000),
    task<microseconds>(0, Priority::high, 3500, 3250, 1000),
    task<microseconds>(0, Priority::normal, 3500, 3250, 1000),
};
constexpr Deployment kCan{.workers = kOneLane, .tasks = kCanMessages};
static_assert(response(kCan, 0) == milliseconds(2));
static_assert(response(kCan, 1) == milliseconds(3));
static_assert(response(kCan, 2) == microseconds(3500));
static_assert(analyse_task(kCan, 2).job == 1);
static_assert(analyse_task(kCan, 2).busy_period == milliseconds(7));
static_assert(!schedulable(kCan));
static_assert(analyse(kCan).failing == 1);
static_assert(analyse(kCan).worst.task == 2);
static_assert(analyse(kCan).worst.lateness == microseconds(250));

// Lehoczky, "Fixed priority scheduling of periodic task sets with arbitrary deadlines", RTSS 1990:
// the responses of the second task in its busy period are 114, 102, 116, 104, 118, 106, 94.
constexpr DeployedTask kArbitraryDeadlines[] = {
    task<nanoseconds>(0, Priority::normal, 70, 70, 26),
    task<nanoseconds>(1, Priority::normal, 100, 118, 62),
};
constexpr Deployment kLehoczky{.workers = kThreeLanes, .tasks = kArbitraryDeadlines};
static_assert(response(kLehoczky, 1) == nanoseconds(118));
static_assert(analyse_task(kLehoczky, 1).job == 4);
static_assert(analyse_task(kLehoczky, 1).busy_period == nanoseconds(694));
static_assert(schedulable(kLehoczky));

// Liu, Layland, "Scheduling Algorithms for Multiprogramming in a Hard-Real-Time Environment",
// Journal of the ACM 20, 1973: periods 2 and 5, execution times 1 and 1. With the first
// task ahead the second may take 2, but no more; with the second ahead neither may take more.
constexpr Deployment liu_layland(std::span<const DeployedTask> tasks) {
  return {.workers = kThreeLanes, .tasks = tasks};
}
constexpr DeployedTask kShortFirst[] = {task<nanoseconds>(0, Priority::normal, 2, 0, 1),
                                        task<nanoseconds>(1, Priority::normal, 5, 0, 2)};
constexpr DeployedTask kShortFirstTooMuch[] = {task<nanoseconds>(0, Priority::normal, 2, 0, 1),
                                               task<nanoseconds>(1, Priority::normal, 5, 0, 3)};
constexpr DeployedTask kLongFirst[] = {task<nanoseconds>(1, Priority::normal, 2, 0, 1),
                                       task<nanoseconds>(0, Priority::normal, 5, 0, 1)};
constexpr DeployedTask kLongFirstTooMuch[] = {task<nanoseconds>(1, Priority::normal, 2, 0, 1),
                                              task<nanoseconds>(0, Priority::normal, 5, 0, 2)};
static_assert(schedulable(liu_layland(kShortFirst)));
static_assert(!schedulable(liu_layland(kShortFirstTooMuch)));
static_assert(schedulable(liu_layland(kLongFirst)));
static_assert(!schedulable(liu_layland(kLongFirstTooMuch)));

// Burns, Wellings, "Real-Time Systems and Programming Languages": response times 3, 6 and 20 of
// tasks with periods 7, 12 and 20.
constexpr DeployedTask kTextbook[] = {
    task<nanoseconds>(0, Priority::normal, 7, 0, 3),
    task<nanoseconds>(1, Priority::normal, 12, 0, 3),
    task<nanoseconds>(2, Priority::normal, 20, 0, 5),
};
constexpr Deployment kBurnsWellings{.workers = kThreeLanes, .tasks = kTextbook};
static_assert(response(kBurnsWellings, 0) == nanoseconds(3));
static_assert(response(kBurnsWellings, 1) == nanoseconds(6));
static_assert(response(kBurnsWellings, 2) == nanoseconds(20));
static_assert(schedulable(kBurnsWellings));

// Wang, Saksena, "Scheduling Fixed-Priority Tasks with Preemption Threshold", RTCSA 1999:
// preemptive 20, 40, 115; without preemption 55, 75, 75. Neither meets the deadlines 50, 80, 100.
constexpr DeployedTask kPreemptive[] = {
    task<nanoseconds>(0, Priority::normal, 70, 50, 20),
    task<nanoseconds>(1, Priority::normal, 80, 80, 20),
    task<nanoseconds>(2, Priority::normal, 200, 100, 35),
};
constexpr DeployedTask kNonPreemptive[] = {
    task<nanoseconds>(0, Priority::critical, 70, 50, 20),
    task<nanoseconds>(0, Priority::high, 80, 80, 20),
    task<nanoseconds>(0, Priority::normal, 200, 100, 35),
};
constexpr Deployment kWangSaksenaPreemptive{.workers = kThreeLanes, .tasks = kPreemptive};
constexpr Deployment kWangSaksenaNonPreemptive{.workers = kThreeLanes, .tasks = kNonPreemptive};
static_assert(response(kWangSaksenaPreemptive, 0) == nanoseconds(20));
static_assert(response(kWangSaksenaPreemptive, 1) == nanoseconds(40));
static_assert(response(kWangSaksenaPreemptive, 2) == nanoseconds(115));
static_assert(response(kWangSaksenaNonPreemptive, 0) == nanoseconds(55));
static_assert(response(kWangSaksenaNonPreemptive, 1) == nanoseconds(75));
static_assert(response(kWangSaksenaNonPreemptive, 2) == nanoseconds(75));

// The same tasks mixed, which their thresholds cannot express as such but their recurrences give:
// the first task preempts the lane of the other two. By hand: the third starts at 20 + 20 and would
// end at 75, the release at 70 adds 20; the second waits for the third too.
constexpr DeployedTask kMixed[] = {
    task<nanoseconds>(0, Priority::normal, 70, 50, 20),
    task<nanoseconds>(1, Priority::high, 80, 95, 20),
    task<nanoseconds>(1, Priority::normal, 200, 100, 35),
};
constexpr Deployment kWangSaksenaMixed{.workers = kThreeLanes, .tasks = kMixed};
static_assert(response(kWangSaksenaMixed, 0) == nanoseconds(20));
static_assert(response(kWangSaksenaMixed, 1) == nanoseconds(95));
static_assert(response(kWangSaksenaMixed, 2) == nanoseconds(95));
static_assert(schedulable(kWangSaksenaMixed));

// Audsley, Burns, Richardson, Tindell, Wellings, "Applying new scheduling theory to static priority
// pre-emptive scheduling", Software Engineering Journal 8, 1993, table 3, in microseconds: with
// blocking and jitter. The figures are those with which Brandenburg's response-time-analysis 0.3.2
// cites that table (src/fixed_priority/tests.rs, fp_fnps_rta_audsley).
struct PublishedTask {
  std::int64_t wcet;
  std::int64_t period;
  std::int64_t deadline;
  std::int64_t blocking;
  std::int64_t jitter;
  std::int64_t response;  // after the instant at which it became ready
};
constexpr PublishedTask kAudsley[] = {
    {51, 1'000, 1'000, 0, 0, 51},
    {3'000, 2'000'000, 5'000, 300, 0, 3'504},
    {2'000, 25'000, 25'000, 600, 0, 5'906},
    {5'000, 25'000, 25'000, 900, 0, 11'512},
    {1'000, 40'000, 40'000, 1'350, 0, 13'064},
    {3'000, 50'000, 50'000, 1'350, 0, 16'217},
    {5'000, 50'000, 50'000, 750, 0, 20'821},
    {8'000, 59'000, 59'000, 750, 0, 36'637},
    {9'000, 80'000, 80'000, 1'350, 0, 47'798},
    {2'000, 80'000, 80'000, 450, 0, 48'949},
    {5'000, 100'000, 100'000, 1'050, 0, 99'150},
    {1'000, 200'000, 200'000, 450, 1'000, 99'550},
    {3'000, 200'000, 200'000, 450, 0, 140'641},
    {1'000, 200'000, 200'000, 450, 0, 141'692},
    {1'000, 200'000, 200'000, 1'350, 0, 143'694},
    {3'000, 1'000'000, 1'000'000, 0, 0, 145'446},
    {1'000, 1'000'000, 1'000'000, 0, 0, 146'497},
    {1'000, 1'000'000, 1'000'000, 0, 0, 147'548},
};
constexpr std::size_t kAudsleyTasks = std::size(kAudsley);

/// A lane each, the first one most urgent. `waits(index)`: whether the task's blocking counts.
struct Avionics {
  template <class Waits>
  constexpr explicit Avionics(const Waits& waits) {
    for (std::size_t index = 0; index < kAudsleyTasks; ++index) {
      const PublishedTask& from = kAudsley[index];
      const auto lane = static_cast<std::uint32_t>(index);
      workers[index] = worker(lane, 80 - static_cast<int>(index));
      tasks[index] =
          task<microseconds>(lane, Priority::normal, from.period, from.deadline, from.wcet);
      tasks[index].release_jitter = microseconds(from.jitter);
      if (waits(index)) tasks[index].blocking = microseconds(from.blocking);
    }
  }
  constexpr Deployment deployment() const { return {.workers = workers, .tasks = tasks}; }

  std::array<WorkerConfig, kAudsleyTasks> workers{};
  std::array<DeployedTask, kAudsleyTasks> tasks{};
};

TEST(AnalysisExamples, audsley_1993_with_blocking_and_jitter) {
  for (std::size_t index = 0; index < kAudsleyTasks; ++index) {
    // The paper's figure has in it what those ahead wait for; here theirs would count as well.
    const Avionics avionics([index](std::size_t other) { return other == index; });
    const Duration bound = response(avionics.deployment(), index);
    // Ours counts from the release, which is the jitter earlier.
    EXPECT_EQ((bound - avionics.tasks[index].release_jitter).count(),
              Duration(microseconds(kAudsley[index].response)).count(), "task %zu", index);
  }
  const Avionics avionics([](std::size_t) { return true; });
  EXPECT_TRUE(schedulable(avionics.deployment()));
}

// Brandenburg's response-time-analysis 0.3.2 (src/fixed_priority/tests.rs, fp_fnps_rta_overload),
// its recurrence proven in Bozhko, Brandenburg, "Abstract Response-Time Analysis", ECRTS 2020: 7,
// 17 and 35 with a blocking of 3, and no bound for the last task.
constexpr WorkerConfig kFourLanes[] = {worker(0, 80), worker(1, 79), worker(2, 78), worker(3, 77)};
constexpr auto blocked(DeployedTask task) {
  task.blocking = nanoseconds(3);
  return task;
}
constexpr DeployedTask kFloatingSections[] = {
    blocked(task<nanoseconds>(0, Priority::normal, 12, 0, 4)),
    blocked(task<nanoseconds>(1, Priority::normal, 20, 0, 6)),
    blocked(task<nanoseconds>(2, Priority::normal, 30, 0, 8)),
    task<nanoseconds>(3, Priority::normal, 40, 0, 8),
};
constexpr Deployment kBrandenburg{.workers = kFourLanes, .tasks = kFloatingSections};
static_assert(response(kBrandenburg, 0) == nanoseconds(7));
static_assert(response(kBrandenburg, 1) == nanoseconds(17));
static_assert(response(kBrandenburg, 2) == nanoseconds(35));
static_assert(analyse_task(kBrandenburg, 3).reason == AnalysisReason::overload);

// Prosa, machine-checked (classic/implementation/uni/jitter/fp_rta_example.v): two tasks of one
// priority and a third one below, two of them with a jitter of 1; their bounds after the instant at
// which they become ready are 2, 2 and 3. One priority is here one level of a lane, or two workers.
constexpr auto jittery(DeployedTask task) {
  task.release_jitter = nanoseconds(1);
  return task;
}
constexpr DeployedTask kOneLevel[] = {
    jittery(task<nanoseconds>(0, Priority::normal, 5, 6, 1)),
    task<nanoseconds>(0, Priority::normal, 5, 6, 1),
    jittery(task<nanoseconds>(1, Priority::normal, 6, 6, 1)),
};
constexpr DeployedTask kOneRank[] = {
    jittery(task<nanoseconds>(0, Priority::normal, 5, 6, 1)),
    task<nanoseconds>(1, Priority::normal, 5, 6, 1),
    jittery(task<nanoseconds>(2, Priority::normal, 6, 6, 1)),
};
constexpr WorkerConfig kTwoOfOneRank[] = {worker(0, 80), worker(1, 80), worker(2, 78)};
constexpr bool has_prosas_bounds(const Deployment& prosa) {
  return response(prosa, 0) == nanoseconds(1 + 2) && response(prosa, 1) == nanoseconds(2) &&
         response(prosa, 2) == nanoseconds(1 + 3) && schedulable(prosa);
}
static_assert(has_prosas_bounds({.workers = kThreeLanes, .tasks = kOneLevel}));
static_assert(has_prosas_bounds({.workers = kTwoOfOneRank, .tasks = kOneRank}));

// The same figures at run time, where the compiler has not folded them.
TEST(AnalysisExamples, hold_at_run_time) {
  const volatile std::int64_t unknown = 1;
  DeployedTask messages[] = {kCanMessages[0], kCanMessages[1], kCanMessages[2]};
  for (DeployedTask& message : messages) message.wcet *= std::int64_t{unknown};
  const Deployment deployment{.workers = kOneLane, .tasks = messages};
  EXPECT_EQ(analyse_task(deployment, 0).response.count(), 2'000'000);
  EXPECT_EQ(analyse_task(deployment, 1).response.count(), 3'000'000);
  EXPECT_EQ(analyse_task(deployment, 2).response.count(), 3'500'000);
}

// A larger set still fits into the compilers' limits for constant expressions.
constexpr DeployedTask kFlightController[] = {
    task<microseconds>(0, Priority::critical, 1000, 1000, 120),
    task<microseconds>(0, Priority::high, 2000, 2000, 180),
    task<microseconds>(0, Priority::normal, 4000, 4000, 150),
    task<microseconds>(1, Priority::critical, 5000, 5000, 300),
    task<microseconds>(1, Priority::high, 10000, 10000, 700),
    task<microseconds>(1, Priority::normal, 20000, 20000, 900),
    task<microseconds>(1, Priority::low, 20000, 40000, 1000),
    task<microseconds>(2, Priority::critical, 50000, 50000, 2000),
    task<microseconds>(2, Priority::high, 100000, 100000, 5000),
    task<microseconds>(2, Priority::normal, 100000, 200000, 4000),
    task<microseconds>(2, Priority::normal, 200000, 200000, 7000),
    task<microseconds>(2, Priority::low, 1000000, 1000000, 10000),
};
static_assert(schedulable({.workers = kThreeLanes, .tasks = kFlightController}));

}  // namespace
}  // namespace takt::test
