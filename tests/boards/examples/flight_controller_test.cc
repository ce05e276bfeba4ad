// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/flight_controller.h"

#include <chrono>
#include <cmath>
#include <cstdint>

#include "takt/executor/manual_executor.h"
#include "takt/tests/support/test.h"

namespace takt::examples {
namespace {

using namespace std::chrono_literals;

constexpr LaneId kControl{0}, kTelemetry{1};
constexpr WorkerConfig kWorkers[] = {
    {.name = "control", .lane = kControl, .scheduling = Fifo{.priority = 80}},
    {.name = "telemetry", .lane = kTelemetry}};

struct Flight {
  Flight() {
    EXPECT_OK(controller.add_tasks(executor, {kControl, kTelemetry}));
    EXPECT_OK(executor.start(kWorkers));
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

}  // namespace
}  // namespace takt::examples
