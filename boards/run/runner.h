// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_RUNNER_H_
#define TAKT_BOARDS_RUN_RUNNER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/boards/run/figures.h"
#include "takt/boards/run/period_deviation.h"
#include "takt/boards/run/phase_runner.h"
#include "takt/boards/run/plan.h"
#include "takt/boards/run/stop_signal.h"
#include "takt/boards/run/workload.h"
#include "takt/executor/executor.h"
#include "takt/monitor/sampler.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::run {

/// Executes a plan on an executor and takes its figures:
///
///     [new] --start()--> [running] --finish()--> [finished] --stop()--> [stopped]
///
/// One run for each object. Callable from: the thread that owns it, where nothing else is said.
class Runner {
 public:
  /// Of the executor: all of it is reserved at compile time, whatever the file asks for.
  static constexpr ExecutorLimits kLimits{.workers = Plan::kMaxWorkers,
                                          .lanes = Plan::kMaxLanes,
                                          .jobs_per_lane = 1,
                                          .tasks = Plan::kMaxTasks,
                                          .histograms = Plan::kMaxTasks};

  /// The workload and the plan must outlive this.
  Runner(const Workload& workload, const Plan& plan) noexcept : workload_(workload), plan_(plan) {}
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Adds the periodic tasks to `executor`, starts its workers and sets the other tasks going. What
  /// the system refuses is degraded to what it grants, see figures(). The executor has kLimits at
  /// least and is used for nothing else; its destructor comes before this one's. Everything below
  /// is called after start(), though it failed.
  /// Blocks: until the workers run. Errors: those of Executor::add_task, start and post,
  /// eventfd(2).
  Status start(Executor& executor) noexcept;

  /// Has `sampler` observe all workers, tasks and lanes of a successful start(), of the tasks the
  /// periodic ones first.
  /// Blocks: no. Errors: those of Sampler::observe().
  Status observe(Sampler& sampler) noexcept;

  /// The instant from which the run counts. Blocks: no.
  TimePoint epoch() const noexcept { return executor_->epoch(); }

  /// A descriptor that becomes readable when every task has ended by itself; a periodic task never
  /// does. Valid from start() on. Blocks: no.
  int all_ended_descriptor() const noexcept { return all_ended_; }

  /// Ends the tasks that are no periodic ones, and takes the figures of the threads, which are
  /// still there. Blocks: no, beyond reading some files of /proc.
  void finish(RunFigures& figures) noexcept;

  /// Lets the periodic jobs that are under way end, for `grace`, then cuts them short; ends the
  /// workers and takes the figures of the tasks.
  /// Blocks: until the workers have ended or twice `grace`. Errors: timed_out names the stuck
  /// worker.
  Status stop(Duration grace, RunFigures& figures) noexcept;

  struct Progress {
    Duration elapsed{};
    std::uint64_t releases = 0;
    std::uint64_t deadline_misses = 0;
    std::uint64_t overruns = 0;
  };
  /// What all tasks together held so far. Blocks: no.
  Progress progress() const noexcept;

  /// What was refused at start. Blocks: no.
  void read_refusals(RunFigures& figures) const noexcept;

 private:
  struct TaskState {
    TaskHandle handle;   // periodic
    PhaseRunner phases;  // all others
    Counter cpu_ns;      // periodic, as those below; one job of a task runs at a time
    PeriodDeviation period_deviation;
    Duration period{};
    std::span<const EventDescription> events;
  };

  Status add_periodic_task(std::size_t index) noexcept;
  Status start_workers() noexcept;
  bool locks_memory() const noexcept;
  Status post_phases(std::size_t index) noexcept;
  void run_job(TaskState& task, const JobContext& job) noexcept;
  void run_phases(TaskState& task) noexcept;
  const TaskStats& stats_of(std::size_t index) const noexcept;

  const Workload& workload_;
  const Plan& plan_;
  Executor* executor_ = nullptr;
  StopSignal end_;      // of the run: phases end at their next event, sleeps and loads at once
  StopSignal abandon_;  // periodic jobs end although their load is not done
  int all_ended_ = -1;
  std::atomic<std::uint32_t> unfinished_{0};
  std::array<TaskState, Plan::kMaxTasks> tasks_;
  std::array<ThreadFigures, Plan::kMaxWorkers> threads_at_start_{};
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_RUNNER_H_
