// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/flight_controller.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "takt/boards/examples/flight_deployment.h"
#include "takt/executor/analysis.h"
#include "takt/executor/manual_executor.h"
#include "takt/tests/support/test.h"

namespace takt::examples {
namespace {

using namespace std::chrono_literals;

struct Flight {
  Flight() {
    EXPECT_OK(controller.add_tasks(executor, kFlightLanes));
    EXPECT_OK(executor.start(kFlightWorkers));
  }
  ~Flight() { EXPECT_OK(executor.stop(StopMode::drain, 1s)); }

  ManualExecutor<ExecutorLimits{
      .workers = 2, .lanes = 2, .jobs_per_lane = 4, .tasks = FlightController::kTasks}>
      executor;
  FlightController controller;
};

TEST(FlightController, levels_the_axis) {
  Flight flight;
  flight.executor.set_execution_time(50us);
  flight.executor.run_for(200ms);
  EXPECT_GT(std::abs(flight.controller.reported_angle()), 0.06);  // on its way
  flight.executor.run_for(4800ms);
  EXPECT_LT(std::abs(flight.controller.reported_angle()), 0.05);
  EXPECT_EQ(flight.controller.reports(), 100);
  EXPECT_EQ(flight.controller.skipped(), 0);
  for (std::uint32_t task = 0; task < FlightController::kTasks; ++task) {
    EXPECT_EQ(flight.executor.task(task).stats().deadline_misses.get(), 0);
  }
}

TEST(FlightController, stays_level_when_jobs_take_too_long_now_and_then) {
  Flight flight;
  flight.executor.set_execution_model([](const ManualJob& job, void*) noexcept {
    return job.index % 97 == 0 ? Duration(3ms) : Duration(50us);
  });
  flight.executor.run_for(10s);
  EXPECT_GT(flight.controller.skipped(), 0);
  EXPECT_LT(std::abs(flight.controller.reported_angle()), 0.05);
}

/// The deployment with jobs that take `times` as long.
constexpr bool schedulable_at(int times) {
  auto tasks = kFlightTasks;
  for (DeployedTask& task : tasks) task.wcet *= times;
  return schedulable({.workers = kFlightWorkers, .tasks = tasks});
}
static_assert(schedulable_at(1));
static_assert(!schedulable_at(3));  // the proof is not for nothing

// What flight_deployment.h proves is what happens where each job takes its worst time.
TEST(FlightController, keeps_the_bounds_that_are_proven) {
  Flight flight;
  const auto tasks = FlightController::tasks(kFlightLanes);
  for (std::uint32_t task = 0; task < FlightController::kTasks; ++task) {
    flight.executor.set_execution_time(flight.executor.task(task), tasks[task].wcet);
  }
  flight.executor.run_for(10s);
  for (std::uint32_t task = 0; task < FlightController::kTasks; ++task) {
    const TaskStats& stats = flight.executor.task(task).stats();
    const TaskAnalysis bound = analyse_task(kFlightDeployment, task);
    EXPECT_GE(stats.max_response_ns.get(), static_cast<std::uint64_t>(tasks[task].wcet.count()));
    EXPECT_LE(stats.max_response_ns.get(), static_cast<std::uint64_t>(bound.response.count()),
              "task %u", task);
    EXPECT_EQ(stats.deadline_misses.get(), 0);
    EXPECT_EQ(stats.skipped.get(), 0);
  }
  EXPECT_LT(std::abs(flight.controller.reported_angle()), 0.05);
}

}  // namespace
}  // namespace takt::examples
