// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_EXAMPLES_FLIGHT_CONTROLLER_H_
#define TAKT_BOARDS_EXAMPLES_FLIGHT_CONTROLLER_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "takt/executor/executor.h"
#include "takt/sync/latest_value.h"

namespace takt::examples {

struct ImuReading {
  double rate = 0;   ///< rad/s, as the gyroscope shows it: off by a constant
  double angle = 0;  ///< rad, as the accelerometer shows it: noisy
};

struct Attitude {
  double angle = 0;          ///< rad
  double rate = 0;           ///< rad/s
  std::uint64_t number = 0;  ///< of the job that estimated it
};

/// One axis of an airframe that a motor turns: what stands in for gyroscope, accelerometer and
/// motor in this example.
class Airframe {
 public:
  /// Turns for one step of `seconds` under `torque`, and is measured.
  ImuReading step(double torque, double seconds) noexcept;
  double angle() const noexcept { return angle_; }

 private:
  double angle_ = 0.4;  // where the wind has put it
  double rate_ = 0;
  std::uint32_t noise_ = 1;
};

/// Four tasks on two lanes:
///
///     imu, 1 ms  --ImuReading-->  fusion, 2 ms  --Attitude-->  control, 2 ms  --torque--> imu
///                                    '-------Attitude-->  telemetry, 50 ms, on a lane of its own
///
/// Values pass through LatestValue: who writes never waits for who reads, and a task that was late
/// finds the newest value rather than a queue of old ones. Each has one writer and one reader, so
/// that fusion publishes the attitude twice.
class FlightController {
 public:
  struct Lanes {
    LaneId control;
    LaneId telemetry;
  };

  static constexpr std::uint32_t kTasks = 4;

  /// Them as add_tasks() adds them, and as the analysis sees them (flight_deployment.h). The wcet
  /// are what a small board never needs; an airframe measures its own and adds a margin.
  static constexpr std::array<TaskConfig, kTasks> tasks(Lanes lanes) noexcept {
    using std::chrono::microseconds;
    // The offsets put a reading before each fusion and a fusion before each control. All three
    // share one worker, so that none preempts another; within the lane the control goes first.
    return {
        {{.name = "imu", .lane = lanes.control, .period = kImuPeriod, .wcet = microseconds(100)},
         {.name = "fusion",
          .lane = lanes.control,
          .period = kLoopPeriod,
          .offset = microseconds(300),
          .wcet = microseconds(200)},
         {.name = "control",
          .lane = lanes.control,
          .priority = Priority::high,
          .period = kLoopPeriod,
          .offset = microseconds(600),
          .deadline = microseconds(1000),
          .wcet = microseconds(100)},
         {.name = "telemetry",
          .lane = lanes.telemetry,
          .period = kTelemetryPeriod,
          .wcet = microseconds(500)}}};
  }

  /// Adds the tasks. Callable from: any thread, once.
  Status add_tasks(Executor& executor, Lanes lanes) noexcept;

  /// The telemetry's newest record. Callable from: any thread.
  double reported_angle() const noexcept { return reported_angle_.load(); }
  std::uint64_t reports() const noexcept { return reports_.load(); }
  /// Releases of the control loop that were skipped. Callable from: any thread.
  std::uint64_t skipped() const noexcept { return skipped_.load(); }

 private:
  static constexpr Duration kImuPeriod = std::chrono::milliseconds(1);
  static constexpr Duration kLoopPeriod = std::chrono::milliseconds(2);
  static constexpr Duration kTelemetryPeriod = std::chrono::milliseconds(50);

  void read_imu() noexcept;
  void fuse(const JobContext& job) noexcept;
  void control(const JobContext& job) noexcept;
  void report() noexcept;

  Airframe airframe_;  // imu's
  LatestValue<double> torque_;
  LatestValue<ImuReading> reading_;
  Attitude estimate_;  // fusion's
  double gyro_offset_ = 0;
  LatestValue<Attitude> attitude_;
  LatestValue<Attitude> telemetry_;
  std::atomic<double> reported_angle_{0};
  std::atomic<std::uint64_t> reports_{0};
  std::atomic<std::uint64_t> skipped_{0};
};

}  // namespace takt::examples

#endif  // TAKT_BOARDS_EXAMPLES_FLIGHT_CONTROLLER_H_
