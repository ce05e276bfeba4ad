// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/flight_controller.h"

#include <chrono>

namespace takt::examples {
namespace {

constexpr double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

ImuReading Airframe::step(double torque, double seconds) noexcept {
  constexpr double kGyroOffset = 0.02;
  constexpr double kNoise = 0.05;
  rate_ += torque * seconds;
  angle_ += rate_ * seconds;
  noise_ = noise_ * 1'664'525 + 1'013'904'223;  // Numerical Recipes' generator
  const double noise = static_cast<double>(noise_ >> 8) / (1 << 23) - 1;
  return {.rate = rate_ + kGyroOffset, .angle = angle_ + kNoise * noise};
}

Status FlightController::add_tasks(Executor& executor, Lanes lanes) noexcept {
  const auto [imu, fusion, loop, telemetry] = tasks(lanes);
  const Result<TaskHandle> added[] = {
      executor.add_task(imu, [this] { read_imu(); }),
      executor.add_task(fusion, [this](const JobContext& job) { fuse(job); }),
      executor.add_task(loop, [this](const JobContext& job) { control(job); }),
      executor.add_task(telemetry, [this] { report(); }),
  };
  for (const Result<TaskHandle>& task : added) {
    if (!task.ok()) return task.status();
  }
  return {};
}

void FlightController::read_imu() noexcept {
  reading_.store(airframe_.step(torque_.load().value, seconds(kImuPeriod)));
}

/// A complementary filter: the gyroscope for what is quick, the accelerometer for what lasts; what
/// the two disagree about for long is the gyroscope's offset. (Mahony, Hamel, Pflimlin 2008)
void FlightController::fuse(const JobContext& job) noexcept {
  constexpr double kTrust = 2.0;     // in the accelerometer, 1/s
  constexpr double kLearning = 0.3;  // of the offset, 1/s²
  const auto [reading, fresh] = reading_.load();
  if (!fresh) return;  // no news: the loop goes on with the last attitude
  // A skipped release leaves a longer step.
  const double step = seconds(kLoopPeriod) * static_cast<double>(1 + job.skipped);
  const double error = reading.angle - estimate_.angle;
  gyro_offset_ -= kLearning * error * step;
  estimate_.rate = reading.rate - gyro_offset_;
  estimate_.angle += (estimate_.rate + kTrust * error) * step;
  estimate_.number = job.index;
  attitude_.store(estimate_);
  telemetry_.store(estimate_);
}

void FlightController::control(const JobContext& job) noexcept {
  constexpr double kStiffness = 40;
  constexpr double kDamping = 12;
  skipped_.fetch_add(job.skipped);
  const Attitude& attitude = attitude_.load().value;
  torque_.store(-kStiffness * attitude.angle - kDamping * attitude.rate);
}

void FlightController::report() noexcept {
  reported_angle_.store(telemetry_.load().value.angle);
  reports_.fetch_add(1);
}

}  // namespace takt::examples
