// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_EXAMPLES_FLIGHT_DEPLOYMENT_H_
#define TAKT_BOARDS_EXAMPLES_FLIGHT_DEPLOYMENT_H_

#include <array>
#include <chrono>

#include "takt/boards/examples/flight_controller.h"
#include "takt/executor/analysis.h"

/// Where the flight controller's tasks run, and the proof that each meets its deadline there: of
/// the very workers that start() and the very tasks that add_task() gets.
namespace takt::examples {

inline constexpr FlightController::Lanes kFlightLanes{.control = LaneId{0}, .telemetry = LaneId{1}};

/// On one CPU, on which nothing else has a real-time priority. Without the right to priorities the
/// program runs as well, for a look at it; it says so, and then nothing is proven.
inline constexpr WorkerConfig kFlightWorkers[] = {
    {.name = "control",
     .lane = kFlightLanes.control,
     .cpus = CpuSet::of(0),
     .scheduling = Fifo{.priority = 80},
     .on_denied = OnDenied::degrade},
    {.name = "telemetry",
     .lane = kFlightLanes.telemetry,
     .cpus = CpuSet::of(0),
     .scheduling = Fifo{.priority = 20},
     .on_denied = OnDenied::degrade},
};

/// The tasks, each with an assumed wake-up latency. Yours is the maximum that cyclictest finds on
/// your board, under its load, at the priority of the worker.
constexpr std::array<DeployedTask, FlightController::kTasks> deployed_flight_tasks() noexcept {
  std::array<DeployedTask, FlightController::kTasks> result{};
  const auto tasks = FlightController::tasks(kFlightLanes);
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    result[task] = deployed(tasks[task], {.release_jitter = std::chrono::microseconds(150)});
  }
  return result;
}
inline constexpr auto kFlightTasks = deployed_flight_tasks();

inline constexpr Deployment kFlightDeployment{.workers = kFlightWorkers, .tasks = kFlightTasks};
static_assert(schedulable(kFlightDeployment));

}  // namespace takt::examples

#endif  // TAKT_BOARDS_EXAMPLES_FLIGHT_DEPLOYMENT_H_
