// SPDX-License-Identifier: Apache-2.0
// What the analysis refuses, what counts as blocking and jitter, and figures at the ends of the
// range: never "schedulable" by mistake, never an endless loop.
#include <chrono>
#include <cstdint>
#include <vector>

#include "takt/executor/analysis.h"
#include "takt/tests/support/test.h"

namespace takt::test {
namespace {

using namespace std::chrono_literals;

constexpr WorkerConfig fifo_worker(std::uint32_t lane, const CpuSet& cpus, int priority) {
  WorkerConfig config;
  config.lane = static_cast<LaneId>(lane);
  config.cpus = cpus;
  config.scheduling = Fifo{.priority = priority};
  return config;
}
constexpr WorkerConfig with(WorkerConfig config, const Scheduling& scheduling) {
  config.scheduling = scheduling;
  return config;
}
constexpr DeployedTask kTask{.name = "servo", .period = 1ms, .deadline = 800us, .wcet = 100us};
constexpr DeployedTask in_lane(std::uint32_t lane, DeployedTask task = kTask) {
  task.lane = static_cast<LaneId>(lane);
  return task;
}
constexpr WorkerConfig kWorker = fifo_worker(0, CpuSet::of(1), 80);

constexpr AnalysisReason reason(const WorkerConfig& worker, const DeployedTask& task = kTask) {
  return analyse({.workers = {&worker, 1}, .tasks = {&task, 1}}).reason;
}
constexpr Schedulability verdict(const WorkerConfig& worker, const DeployedTask& task = kTask) {
  return analyse({.workers = {&worker, 1}, .tasks = {&task, 1}}).verdict;
}

static_assert(verdict(kWorker) == Schedulability::schedulable);
static_assert(schedulable({}), "nothing misses no deadline");

// What the analysis does not know to bound.
static_assert(reason(fifo_worker(0, CpuSet(), 80)) == AnalysisReason::any_cpu);
static_assert(reason(fifo_worker(0, CpuSet::of(0, 1), 80)) == AnalysisReason::several_cpus);
static_assert(reason(with(kWorker, Other{})) == AnalysisReason::time_sharing);
static_assert(reason(with(kWorker, Batch{})) == AnalysisReason::time_sharing);
static_assert(reason(with(kWorker, Idle{})) == AnalysisReason::time_sharing);
static_assert(verdict(fifo_worker(0, CpuSet(), 80)) == Schedulability::unsupported);
static_assert(verdict(fifo_worker(0, CpuSet::of(0, 1), 80)) == Schedulability::unsupported);
static_assert(verdict(with(kWorker, Other{})) == Schedulability::unsupported);
static_assert(verdict(with(kWorker, RoundRobin{.priority = 7})) == Schedulability::schedulable);

constexpr WorkerConfig kTwoWorkers[] = {kWorker, fifo_worker(0, CpuSet::of(0), 80)};
static_assert(analyse({.workers = kTwoWorkers, .tasks = {&kTask, 1}}).reason ==
              AnalysisReason::several_workers);
static_assert(analyse({.workers = kTwoWorkers, .tasks = {&kTask, 1}}).verdict ==
              Schedulability::unsupported);

// A worker that shares time beside real-time ones: with a task it is unsupported, and so is all.
constexpr WorkerConfig kBesideOther[] = {kWorker, with(fifo_worker(1, CpuSet::of(1), 1), Other{})};
constexpr DeployedTask kBesideOtherTasks[] = {kTask, in_lane(1)};
static_assert(schedulable({.workers = kBesideOther, .tasks = {kBesideOtherTasks, 1}}));
static_assert(analyse({.workers = kBesideOther, .tasks = kBesideOtherTasks}).verdict ==
              Schedulability::unsupported);
static_assert(analyse_task({.workers = kBesideOther, .tasks = kBesideOtherTasks}, 0).verdict ==
              Schedulability::unsupported);

// Figures that can never be right.
constexpr DeployedTask altered(void (*alter)(DeployedTask&)) {
  DeployedTask task = kTask;
  alter(task);
  return task;
}
constexpr AnalysisReason reason_of(void (*alter)(DeployedTask&)) {
  return reason(kWorker, altered(alter));
}
static_assert(reason_of([](DeployedTask& task) { task.period = 0ns; }) ==
              AnalysisReason::bad_period);
static_assert(reason_of([](DeployedTask& task) { task.period = -1ns; }) ==
              AnalysisReason::bad_period);
static_assert(reason_of([](DeployedTask& task) { task.period = Duration::min(); }) ==
              AnalysisReason::bad_period);
static_assert(reason_of([](DeployedTask& task) { task.deadline = -1ns; }) ==
              AnalysisReason::bad_deadline);
static_assert(reason_of([](DeployedTask& task) { task.wcet = 0ns; }) == AnalysisReason::bad_wcet);
static_assert(reason_of([](DeployedTask& task) { task.wcet = Duration::min(); }) ==
              AnalysisReason::bad_wcet);
static_assert(reason_of([](DeployedTask& task) { task.release_jitter = -1ns; }) ==
              AnalysisReason::bad_release_jitter);
static_assert(reason_of([](DeployedTask& task) { task.blocking = -1ns; }) ==
              AnalysisReason::bad_blocking);
static_assert(reason_of([](DeployedTask& task) { task.priority = Priority{4}; }) ==
              AnalysisReason::bad_level);
static_assert(reason_of([](DeployedTask& task) { task.lane = LaneId{1}; }) ==
              AnalysisReason::no_worker);
static_assert(reason(fifo_worker(0, CpuSet::of(0), 0)) == AnalysisReason::bad_worker_priority);
static_assert(reason(fifo_worker(0, CpuSet::of(0), 100)) == AnalysisReason::bad_worker_priority);
static_assert(verdict(fifo_worker(0, CpuSet::of(0), -5)) == Schedulability::invalid);

// Figures at the ends of the range.
constexpr TaskAnalysis analysis_of(void (*alter)(DeployedTask&)) {
  const DeployedTask task = altered(alter);
  return analyse_task({.workers = {&kWorker, 1}, .tasks = {&task, 1}}, 0);
}
static_assert(analysis_of([](DeployedTask& task) { task.wcet = Duration::max(); }).reason ==
              AnalysisReason::overload);
static_assert(analysis_of([](DeployedTask& task) {
                task.wcet = task.period = task.deadline = Duration::max();
              }).verdict == Schedulability::undecided);
static_assert(analysis_of([](DeployedTask& task) { task.blocking = Duration::max(); }).verdict ==
              Schedulability::undecided);
static_assert(analysis_of([](DeployedTask& task) {
                task.release_jitter = Duration::max();
              }).verdict == Schedulability::undecided);
static_assert(analysis_of([](DeployedTask& task) {
                task.release_jitter = Duration::max() - 1ns;
                task.deadline = Duration::max();
              }).verdict == Schedulability::undecided);
static_assert(analysis_of([](DeployedTask& task) {
                task.period = task.deadline = Duration::max();
              }).verdict == Schedulability::schedulable);

// Load of exactly one CPU is schedulable without blocking; a hair more is not.
constexpr DeployedTask kHalf{.period = 2ns, .wcet = 1ns};
constexpr DeployedTask kFull[] = {kHalf, kHalf};
static_assert(schedulable({.workers = {&kWorker, 1}, .tasks = kFull}));
static_assert(analyse_task({.workers = {&kWorker, 1}, .tasks = kFull}, 0).utilisation_millionths ==
              1'000'000);
constexpr DeployedTask kOverfull[] = {kHalf, kHalf, {.period = 1s, .deadline = 1h, .wcet = 1ns}};
static_assert(analyse({.workers = {&kWorker, 1}, .tasks = kOverfull}).verdict !=
              Schedulability::schedulable);

// Blocking: one job of a lower level of the lane, plus what mutexes cost.
constexpr DeployedTask kLevels[] = {
    {.priority = Priority::critical, .period = 10ms, .wcet = 1ms, .blocking = 300us},
    {.priority = Priority::low, .period = 100ms, .wcet = 4ms},
    {.priority = Priority::low, .period = 100ms, .wcet = 2ms},
};
constexpr Deployment kLevelled{.workers = {&kWorker, 1}, .tasks = kLevels};
static_assert(analyse_task(kLevelled, 0).blocking == 4300us);
static_assert(analyse_task(kLevelled, 0).response == 5300us);
static_assert(analyse_task(kLevelled, 0).lateness == -4700us);
static_assert(analyse_task(kLevelled, 1).blocking == 300us, "who waits makes others wait");

// Jitter counts on top of the response, and makes others' releases denser.
constexpr WorkerConfig kTwoLanes[] = {kWorker, fifo_worker(1, CpuSet::of(1), 79)};
constexpr DeployedTask kJittery[] = {
    {.lane = LaneId{0}, .period = 10ms, .wcet = 2ms, .release_jitter = 5ms},
    {.lane = LaneId{1}, .period = 20ms, .wcet = 4ms},
};
static_assert(analyse_task({.workers = kTwoLanes, .tasks = kJittery}, 0).response == 7ms);
static_assert(analyse_task({.workers = kTwoLanes, .tasks = kJittery}, 1).response == 8ms);

// Unbounded jitter of others is no finite interference.
constexpr DeployedTask kUnbounded[] = {
    {.lane = LaneId{0}, .period = 10ms, .wcet = 2ms, .release_jitter = Duration::max()},
    {.lane = LaneId{1}, .period = Duration::max(), .wcet = 4ms},
};
static_assert(analyse_task({.workers = kTwoLanes, .tasks = kUnbounded}, 1).verdict ==
              Schedulability::undecided);

// Another worker of the same priority may run its whole lane empty first.
constexpr WorkerConfig kEqual[] = {kWorker, fifo_worker(1, CpuSet::of(1), 80)};
constexpr WorkerConfig kElsewhere[] = {kWorker, fifo_worker(1, CpuSet::of(0), 80)};
constexpr DeployedTask kPeers[] = {in_lane(0), in_lane(1)};
static_assert(analyse_task({.workers = kEqual, .tasks = kPeers}, 0).response == 200us);
static_assert(analyse_task({.workers = kElsewhere, .tasks = kPeers}, 0).response == 100us);

// A worker that spins: nobody below it has a bound; alone on its CPU it harms nobody.
constexpr WorkerConfig spinning(WorkerConfig config) {
  config.spin = 10us;
  return config;
}
constexpr WorkerConfig kSpinsAbove[] = {spinning(kWorker), fifo_worker(1, CpuSet::of(1), 79)};
constexpr WorkerConfig kSpinsBelow[] = {kWorker, spinning(fifo_worker(1, CpuSet::of(1), 79))};
constexpr WorkerConfig kSpinsElsewhere[] = {spinning(kWorker), fifo_worker(1, CpuSet::of(0), 79)};
constexpr WorkerConfig kSpinsAnywhere[] = {kWorker, fifo_worker(1, CpuSet::of(1), 79),
                                           spinning(fifo_worker(2, CpuSet(), 90))};
static_assert(analyse({.workers = kSpinsAbove, .tasks = kPeers}).reason ==
              AnalysisReason::spinning_worker);
static_assert(analyse({.workers = kSpinsAbove, .tasks = kPeers}).verdict ==
              Schedulability::unsupported);
static_assert(schedulable({.workers = kSpinsBelow, .tasks = kPeers}));
static_assert(schedulable({.workers = kSpinsElsewhere, .tasks = kPeers}));
static_assert(analyse({.workers = kSpinsAnywhere, .tasks = kPeers}).reason ==
              AnalysisReason::spinning_worker);
static_assert(reason(spinning(kWorker)) == AnalysisReason::none);
static_assert(
    reason(spinning(with(kWorker, Deadline{.runtime = 200us, .deadline = 500us, .period = 1ms}))) ==
    AnalysisReason::spinning_worker);

// SCHED_DEADLINE: one task a worker, which the runtime suffices for, before all SCHED_FIFO.
constexpr Scheduling kServer = Deadline{.runtime = 200us, .deadline = 500us, .period = 1ms};
constexpr WorkerConfig kDeadlineWorker = with(kWorker, kServer);
static_assert(verdict(kDeadlineWorker) == Schedulability::schedulable);
static_assert(analyse_task({.workers = {&kDeadlineWorker, 1}, .tasks = {&kTask, 1}}, 0).response ==
              500us);
static_assert(reason(with(kWorker, Deadline{.runtime = 50us, .period = 1ms})) ==
              AnalysisReason::runtime_too_small);
static_assert(reason(with(kWorker, Deadline{.runtime = 200us, .period = 2ms})) ==
              AnalysisReason::too_frequent_for_deadline);
static_assert(reason(with(kWorker, Deadline{.runtime = 200us, .period = 1ms})) ==
              AnalysisReason::deadline_missed);
static_assert(reason(with(kWorker, Deadline{.runtime = 2ms, .period = 1ms})) ==
              AnalysisReason::bad_deadline_parameters);
static_assert(reason(with(fifo_worker(0, CpuSet(), 1), kServer)) == AnalysisReason::any_cpu);
constexpr DeployedTask kWaits = altered([](DeployedTask& task) { task.blocking = 1us; });
static_assert(reason(kDeadlineWorker, kWaits) == AnalysisReason::blocked_deadline_worker);
static_assert(verdict(kDeadlineWorker, kWaits) == Schedulability::unsupported);
constexpr DeployedTask kTwoTasks[] = {kTask, kTask};
static_assert(analyse({.workers = {&kDeadlineWorker, 1}, .tasks = kTwoTasks}).reason ==
              AnalysisReason::shared_deadline_lane);
constexpr WorkerConfig kDeadlineAndFifo[] = {kDeadlineWorker, fifo_worker(1, CpuSet::of(1), 99)};
static_assert(analyse_task({.workers = kDeadlineAndFifo, .tasks = kPeers}, 1).response == 200us);
// A server without a task counts against the others, and has to have a CPU.
constexpr WorkerConfig kTwoServers[] = {
    kDeadlineWorker, with(fifo_worker(1, CpuSet::of(1), 1),
                          Deadline{.runtime = 400us, .deadline = 500us, .period = 1ms})};
static_assert(analyse({.workers = kTwoServers, .tasks = {&kTask, 1}}).reason ==
              AnalysisReason::demand_too_high);
static_assert(analyse({.workers = kTwoServers, .tasks = {&kTask, 1}}).worst.lateness == 100us);
constexpr WorkerConfig kRoamingServer[] = {kDeadlineWorker,
                                           with(fifo_worker(1, CpuSet::of(0, 1), 1), kServer)};
static_assert(analyse({.workers = kRoamingServer, .tasks = {&kTask, 1}}).reason ==
              AnalysisReason::several_cpus);

// The configurations that the executor takes.
constexpr TaskConfig kConfig{.name = "servo", .period = 1ms, .offset = 300us, .wcet = 100us};
constexpr SporadicConfig kSporadic{.name = "can", .min_interarrival = 2ms, .wcet = 50us};
static_assert(deployed(kConfig, {.release_jitter = 20us}).release_jitter == 20us);
static_assert(deployed(kConfig).period == 1ms);
static_assert(deployed(kSporadic, {.blocking = 5us}).blocking == 5us);
static_assert(deployed(kSporadic).period == 2ms);

TEST(AnalysisLimits, a_task_too_many_is_unsupported) {
  std::vector<DeployedTask> tasks(kAnalysisTasks, {.period = 1s, .wcet = 1ns});
  EXPECT_TRUE(schedulable({.workers = {&kWorker, 1}, .tasks = tasks}));
  tasks.push_back(tasks.front());
  const DeploymentAnalysis analysis = analyse({.workers = {&kWorker, 1}, .tasks = tasks});
  EXPECT_TRUE(analysis.verdict == Schedulability::unsupported);
  EXPECT_TRUE(analysis.reason == AnalysisReason::too_many_tasks);
  EXPECT_EQ(analysis.worst.task, kAnalysisTasks);
}

TEST(AnalysisLimits, a_busy_period_without_end_is_cut_off) {
  // Load 1 with blocking: the CPU never idles, and no computation ends by itself.
  const DeployedTask tasks[] = {{.period = 2ns, .wcet = 1ns, .blocking = 1ns}, kHalf};
  const DeploymentAnalysis analysis = analyse({.workers = {&kWorker, 1}, .tasks = tasks});
  EXPECT_TRUE(analysis.verdict == Schedulability::undecided);
  EXPECT_TRUE(analysis.reason == AnalysisReason::too_long);
}

TEST(AnalysisLimits, a_task_that_is_not_there_aborts) {
  EXPECT_ABORT(
      [] {
        static_cast<void>(analyse_task({.workers = {&kWorker, 1}, .tasks = {&kTask, 1}}, 1));
      },
      "no such task");
}

}  // namespace
}  // namespace takt::test
