// SPDX-License-Identifier: Apache-2.0
// camera_pipeline [SECONDS [DETECTION_MS]]: follows a spot with a detector that takes so long.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "takt/boards/examples/camera_pipeline.h"

namespace {

using namespace std::chrono_literals;
using takt::examples::CameraPipeline;

constexpr takt::LaneId kControl{0}, kVision{1};
constexpr takt::ExecutorLimits kLimits{.workers = 2,
                                       .lanes = 2,
                                       .jobs_per_lane = CameraPipeline::kJobsPerLane,
                                       .tasks = CameraPipeline::kTasks};
takt::StaticExecutor<kLimits> executor;

int run(int seconds, CameraPipeline& pipeline) {
  const takt::WorkerConfig workers[] = {
      {.name = "control",
       .lane = kControl,
       .scheduling = takt::Fifo{.priority = 60},
       .on_denied = takt::OnDenied::degrade},
      {.name = "vision", .lane = kVision},
  };
  if (const takt::Status status = pipeline.add_tasks(executor, {kControl, kVision}); !status.ok()) {
    return takt::report(status);
  }
  if (const takt::Status status = executor.start(workers, {.on_denied = takt::OnDenied::degrade});
      !status.ok()) {
    return takt::report(status);
  }
  takt::platform::sleep_until(takt::deadline_after(std::chrono::seconds(seconds)));
  if (const takt::Status status = executor.stop(takt::StopMode::cancel, 1s); !status.ok()) {
    ::_exit(takt::report(status));
  }
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("%llu frames captured, %llu looked at, %llu dropped; ", number(pipeline.captured()),
              number(pipeline.detected()), number(executor.lane_stats(kVision).dropped.get()));
  std::printf("what was steered by was %.0f ms old at the end\n",
              std::chrono::duration<double, std::milli>(pipeline.age()).count());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const int seconds = count > 1 ? std::atoi(arguments[1]) : 2;
  const int detection = count > 2 ? std::atoi(arguments[2]) : 50;
  if (seconds < 1 || detection < 0) {
    std::fprintf(stderr, "usage: camera_pipeline [SECONDS [DETECTION_MS]]\n");
    return 2;
  }
  static CameraPipeline pipeline{std::chrono::milliseconds(detection)};
  return run(seconds, pipeline);
}
