// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_EXAMPLES_CAMERA_PIPELINE_H_
#define TAKT_BOARDS_EXAMPLES_CAMERA_PIPELINE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "takt/executor/executor.h"
#include "takt/executor/resource_pool.h"
#include "takt/sync/latest_value.h"

namespace takt::examples {

/// A picture, 8 bits a pixel.
struct Frame {
  static constexpr std::size_t kWidth = 64;
  static constexpr std::size_t kHeight = 48;

  std::uint64_t number = 0;
  TimePoint taken;
  std::array<std::uint8_t, kWidth * kHeight> pixels{};
};

/// Where the bright spot of a frame is, in pixels.
struct Target {
  double x = 0;
  double y = 0;
  std::uint64_t frame = 0;
  std::int64_t taken_ns = 0;  ///< of the executor's clock
};

/// What stands in for a camera: takes frame `number`, a bright spot that goes round.
void expose(Frame& frame, std::uint64_t number) noexcept;
/// Where the spot is in that frame.
double spot_x(std::uint64_t number) noexcept;
double spot_y(std::uint64_t number) noexcept;

/// A camera, a detector and what steers after it:
///
///     capture, 30/s --Frame--> [detect: newest frames only] --Target--> steer, 20/s
///
/// The detector may be slower than the camera. Each frame is a job of the vision lane, posted with
/// WhenFull::drop_oldest: a full lane gives up the oldest frame that waits, so the camera never
/// waits and what is looked at is never older than the lane is deep. Frames lie in a pool and
/// travel as leases: a job that is dropped gives its frame back as one that has run does.
class CameraPipeline {
 public:
  struct Lanes {
    LaneId control;  ///< capture and steer
    LaneId vision;   ///< detection alone, with one worker and kJobsPerLane slots
  };

  static constexpr std::uint32_t kTasks = 2;
  /// One frame that is looked at, and two that wait.
  static constexpr std::uint32_t kJobsPerLane = 3;
  /// And one that is being filled.
  static constexpr std::size_t kFrames = kJobsPerLane + 1;

  /// Each detection sleeps for `longer`, in place of a detector that has more to do than this one.
  explicit CameraPipeline(Duration longer = Duration(0)) noexcept : longer_(longer) {}

  /// Adds the tasks. Callable from: any thread, once.
  Status add_tasks(Executor& executor, Lanes lanes) noexcept;

  // Figures. Callable from: any thread.
  std::uint64_t captured() const noexcept { return captured_.load(); }
  std::uint64_t detected() const noexcept { return detected_.load(); }
  /// Frames that found no place, which must not happen.
  std::uint64_t refused() const noexcept { return refused_.load(); }
  /// Where the steering saw the spot last, in which frame, and how old that was then.
  double steered_to() const noexcept { return steered_to_.load(); }
  std::uint64_t steered_by() const noexcept { return steered_by_.load(); }
  Duration age() const noexcept { return Duration(age_ns_.load()); }
  ResourcePoolStats frames() const noexcept { return frames_.stats(); }

 private:
  using Frames = ResourcePool<Frame, kFrames>;

  void capture(const JobContext& job) noexcept;
  void detect(const Frame& frame) noexcept;
  void steer(const JobContext& job) noexcept;

  const Duration longer_;
  Executor* executor_ = nullptr;
  LaneId vision_{0};
  Frames frames_;
  LatestValue<Target> target_;
  std::atomic<std::uint64_t> captured_{0};
  std::atomic<std::uint64_t> detected_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<double> steered_to_{0};
  std::atomic<std::uint64_t> steered_by_{0};
  std::atomic<std::int64_t> age_ns_{0};
};

}  // namespace takt::examples

#endif  // TAKT_BOARDS_EXAMPLES_CAMERA_PIPELINE_H_
