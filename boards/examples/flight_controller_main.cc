// SPDX-License-Identifier: Apache-2.0
// flight_controller [SECONDS]: levels an axis, and says how well its tasks kept their time.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "takt/boards/examples/flight_controller.h"
#include "takt/boards/examples/flight_deployment.h"

namespace {

using namespace std::chrono_literals;
using takt::examples::kFlightLanes;
using takt::examples::kFlightWorkers;

constexpr takt::ExecutorLimits kLimits{.workers = 2,
                                       .lanes = 2,
                                       .jobs_per_lane = 4,
                                       .tasks = takt::examples::FlightController::kTasks};
takt::StaticExecutor<kLimits> executor;
takt::examples::FlightController controller;

void print(const takt::TaskHandle& task) {
  const takt::TaskStats& stats = task.stats();
  std::printf("%-10s %6llu jobs, %llu deadlines missed, %llu releases skipped\n", task.name(),
              static_cast<unsigned long long>(stats.completed.get()),
              static_cast<unsigned long long>(stats.deadline_misses.get()),
              static_cast<unsigned long long>(stats.skipped.get()));
}

}  // namespace

int main(int count, char** arguments) {
  const int seconds = count > 1 ? std::atoi(arguments[1]) : 2;
  if (seconds < 1) {
    std::fprintf(stderr, "usage: flight_controller [SECONDS]\n");
    return 2;
  }
  if (const takt::Status status = controller.add_tasks(executor, kFlightLanes); !status.ok()) {
    return takt::report(status);
  }
  if (const takt::Status status =
          executor.start(kFlightWorkers, {.on_denied = takt::OnDenied::degrade});
      !status.ok()) {
    return takt::report(status);
  }
  for (std::uint32_t worker = 0; worker < executor.worker_count(); ++worker) {
    if (executor.worker_stats(worker).refused_scheduling.get() == 0) continue;
    std::printf("worker '%s' has no real-time priority: nothing is proven\n",
                executor.worker_name(worker));
  }
  takt::platform::sleep_until(takt::deadline_after(std::chrono::seconds(seconds)));
  if (const takt::Status status = executor.stop(takt::StopMode::drain, 1s); !status.ok()) {
    ::_exit(takt::report(status));
  }
  for (std::uint32_t i = 0; i < executor.task_count(); ++i) print(executor.task(i));
  std::printf("angle %.3f rad after %d s\n", controller.reported_angle(), seconds);
  return 0;
}
