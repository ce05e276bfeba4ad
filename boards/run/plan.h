// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_PLAN_H_
#define TAKT_BOARDS_RUN_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/boards/run/diagnostics.h"
#include "takt/boards/run/workload.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/time.h"

namespace takt::run {

/// How a task is executed, and if not as a periodic task, why.
enum class Form : std::uint8_t {
  periodic,  ///< a periodic task of takt, on a lane that it may share
  // a worker of its own, which executes the phases:
  several_phases,
  finite_loop,
  sleeps,
  no_timer,
  several_timers,
  timer_without_period,
  timer_in_the_middle,
  deadline_policy,
  changes_cpus,
};

/// The form in prose: "timer loop", "sleeps".
const char* to_string(Form form) noexcept;

struct PlannedTask {
  char name[48] = {};  ///< the file's, with "-INSTANCE" where there are several
  const TaskDescription* description = nullptr;
  Form form = Form::periodic;
  std::size_t lane = 0;
  Duration period{};  ///< periodic only, as `offset`
  Duration offset{};

  bool is_periodic() const noexcept { return form == Form::periodic; }
};

struct PlannedLane {
  char name[16] = {};  ///< as long as a thread's name can be
  Scheduling scheduling;
  CpuSet cpus;  ///< empty: all that the process may use
  bool dedicated = false;
  std::size_t tasks = 0;
  std::size_t workers = 0;
};

/// A workload as a deployment on takt. Its pointers lead into the workload.
struct Plan {
  static constexpr std::size_t kMaxTasks = Workload::kMaxInstances;
  static constexpr std::size_t kMaxLanes = kMaxTasks;
  static constexpr std::size_t kMaxWorkers = kMaxTasks;
  static constexpr std::size_t kMaxWorkersPerLane = 31;  ///< executor/lane.h

  std::size_t task_count = 0;
  std::size_t lane_count = 0;
  std::array<PlannedTask, kMaxTasks> task_storage;
  std::array<PlannedLane, kMaxLanes> lane_storage;

  std::span<const PlannedTask> tasks() const noexcept {
    return std::span(task_storage).first(task_count);
  }
  std::span<const PlannedLane> lanes() const noexcept {
    return std::span(lane_storage).first(lane_count);
  }
  std::size_t worker_count() const noexcept;
  std::size_t periodic_count() const noexcept;
  /// A task runs ahead of everything that shares time.
  bool has_real_time() const noexcept;
};

/// Deploys `workload` on the CPUs in `available`: a task whose only phase is one endless timer
/// loop becomes a periodic task; periodic tasks of the same scheduling and CPUs share a lane, which
/// has as many workers as it has tasks, but no more than CPUs (and 31); every other task gets a
/// lane and a worker of its own. A pure function. False after an error, which `diagnostics` then
/// says. Blocks: no. Bound: O(tasks * lanes). Callable from: anywhere.
bool make_plan(const Workload& workload, const CpuSet& available, Plan& plan,
               Diagnostics& diagnostics) noexcept;

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_PLAN_H_
