// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/camera_pipeline.h"

#include <chrono>
#include <cmath>
#include <cstdint>

#include "takt/executor/manual_executor.h"
#include "takt/tests/support/test.h"

namespace takt::examples {
namespace {

using namespace std::chrono_literals;

constexpr LaneId kControl{0}, kVision{1};
constexpr WorkerConfig kWorkers[] = {
    {.name = "control", .lane = kControl, .scheduling = Fifo{.priority = 60}},
    {.name = "vision", .lane = kVision}};

/// The pipeline in virtual time, with a detector that takes so long.
struct Run {
  explicit Run(Duration detection_time) : detection(detection_time) {
    executor.set_execution_model(
        [](const ManualJob& job, void* time) noexcept {
          return job.task == nullptr ? *static_cast<const Duration*>(time) : Duration(1ms);
        },
        &detection);
    EXPECT_OK(pipeline.add_tasks(executor, {kControl, kVision}));
    EXPECT_OK(executor.start(kWorkers));
  }
  /// Whatever became of them, all frames come back.
  ~Run() {
    EXPECT_EQ(pipeline.refused(), 0);
    EXPECT_OK(executor.stop(StopMode::cancel, 1s));
    EXPECT_EQ(pipeline.frames().available, CameraPipeline::kFrames);
    EXPECT_LT(std::abs(pipeline.steered_to() - spot_x(pipeline.steered_by())), 1);
  }

  [[nodiscard]] std::uint64_t dropped() const { return executor.lane_stats(kVision).dropped.get(); }

  Duration detection;
  CameraPipeline pipeline;
  ManualExecutor<ExecutorLimits{.workers = 2,
                                .lanes = 2,
                                .jobs_per_lane = CameraPipeline::kJobsPerLane,
                                .tasks = CameraPipeline::kTasks}>
      executor;
};

TEST(CameraPipeline, a_detector_that_keeps_up_sees_every_frame) {
  Run run(20ms);
  run.executor.run_for(10s);
  EXPECT_EQ(run.pipeline.captured(), 300);
  EXPECT_GE(run.pipeline.detected(), 299);
  EXPECT_EQ(run.dropped(), 0);
  // At most a period old when the next frame's detection ends.
  EXPECT_LE(run.pipeline.age(), 34ms + 21ms + 1ms);
}

// The camera keeps its pace, what is looked at stays new, however long it goes on.
TEST(CameraPipeline, a_slow_detector_sees_the_newest_frames) {
  Run run(100ms);
  std::uint64_t looked_at = 0;
  for (int second = 1; second <= 60; ++second) {
    run.executor.run_for(1s);
    EXPECT_GT(run.pipeline.detected(), looked_at);
    looked_at = run.pipeline.detected();
    // Two waited for at most two periods, then the detection; steered by until the next one ends.
    EXPECT_LE(run.pipeline.age(), 2 * 34ms + 100ms + 100ms + 1ms);
  }
  EXPECT_EQ(run.pipeline.captured(), 1'800);
  EXPECT_GE(looked_at, 590);
  EXPECT_LE(looked_at, 601);
  const std::uint64_t waiting = run.pipeline.captured() - looked_at - run.dropped();
  EXPECT_LE(waiting, CameraPipeline::kJobsPerLane);
  EXPECT_EQ(run.executor.task(0).stats().skipped.get(), 0);
  EXPECT_EQ(run.executor.task(0).stats().deadline_misses.get(), 0);
}

TEST(CameraPipeline, a_hang_of_the_detector_is_not_caught_up) {
  Run run(10ms);
  run.executor.run_for(1s);
  run.detection = 2s;
  run.executor.run_for(2s);
  run.detection = 10ms;
  run.executor.run_for(1s);
  EXPECT_GT(run.dropped(), 50);
  EXPECT_LE(run.pipeline.age(), 34ms + 11ms + 1ms);
}

}  // namespace
}  // namespace takt::examples
