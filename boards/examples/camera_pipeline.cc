// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/camera_pipeline.h"

#include <chrono>
#include <cmath>
#include <numbers>
#include <utility>

#include "takt/platform/time.h"

namespace takt::examples {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFramePeriod = 33'333'333ns;
constexpr Duration kSteeringPeriod = 50ms;
constexpr std::uint8_t kBright = 200;

double angle_of(std::uint64_t number) noexcept {
  constexpr std::uint64_t kFramesARound = 300;
  return 2 * std::numbers::pi * static_cast<double>(number % kFramesARound) / kFramesARound;
}

/// The middle of all bright pixels.
Target find(const Frame& frame) noexcept {
  std::uint64_t count = 0;
  std::uint64_t columns = 0;
  std::uint64_t rows = 0;
  for (std::size_t at = 0; at < frame.pixels.size(); ++at) {
    if (frame.pixels[at] < kBright) continue;
    ++count;
    columns += at % Frame::kWidth;
    rows += at / Frame::kWidth;
  }
  if (count == 0) return {.frame = frame.number, .taken_ns = to_ns(frame.taken)};
  return {.x = static_cast<double>(columns) / static_cast<double>(count),
          .y = static_cast<double>(rows) / static_cast<double>(count),
          .frame = frame.number,
          .taken_ns = to_ns(frame.taken)};
}

}  // namespace

double spot_x(std::uint64_t number) noexcept {
  return Frame::kWidth / 2.0 + Frame::kWidth / 3.0 * std::cos(angle_of(number));
}

double spot_y(std::uint64_t number) noexcept {
  return Frame::kHeight / 2.0 + Frame::kHeight / 3.0 * std::sin(angle_of(number));
}

void expose(Frame& frame, std::uint64_t number) noexcept {
  constexpr double kRadius = 4;
  const double spot[] = {spot_x(number), spot_y(number)};
  frame.number = number;
  for (std::size_t at = 0; at < frame.pixels.size(); ++at) {
    const std::size_t column = at % Frame::kWidth;
    const std::size_t row = at / Frame::kWidth;
    const double x = static_cast<double>(column) - spot[0];
    const double y = static_cast<double>(row) - spot[1];
    frame.pixels[at] = x * x + y * y < kRadius * kRadius ? 255 : 16;
  }
}

Status CameraPipeline::add_tasks(Executor& executor, Lanes lanes) noexcept {
  executor_ = &executor;
  vision_ = lanes.vision;
  const Result<TaskHandle> added[] = {
      executor.add_task({.name = "capture",
                         .lane = lanes.control,
                         .priority = Priority::high,
                         .period = kFramePeriod},
                        [this](const JobContext& job) { capture(job); }),
      executor.add_task({.name = "steer", .lane = lanes.control, .period = kSteeringPeriod},
                        [this](const JobContext& job) { steer(job); }),
  };
  return added[0].ok() ? added[1].status() : added[0].status();
}

void CameraPipeline::capture(const JobContext& job) noexcept {
  Result<Frames::Lease> lease = frames_.try_acquire();
  if (!lease.ok()) {
    refused_.fetch_add(1);
    return;
  }
  Frame& frame = **lease;
  expose(frame, job.index);
  frame.taken = job.release;
  captured_.fetch_add(1);
  const Status posted = executor_->post([this, frame = std::move(*lease)] { detect(*frame); },
                                        {.lane = vision_, .when_full = WhenFull::drop_oldest});
  if (!posted.ok()) refused_.fetch_add(1);  // stopping
}

void CameraPipeline::detect(const Frame& frame) noexcept {
  if (longer_ > Duration(0)) platform::sleep_until(deadline_after(longer_));
  target_.store(find(frame));
  detected_.fetch_add(1);
}

void CameraPipeline::steer(const JobContext& job) noexcept {
  const Target& target = target_.load().value;
  steered_to_.store(target.x);
  steered_by_.store(target.frame);
  age_ns_.store(to_ns(job.now()) - target.taken_ns);
}

}  // namespace takt::examples
