// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_METRICS_FILE_H_
#define TAKT_BOARDS_RUN_METRICS_FILE_H_

#include <array>
#include <chrono>
#include <cstddef>

#include "takt/boards/run/plan.h"
#include "takt/monitor/sampler.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::run {

/// A file with the figures of a run while it runs, in Prometheus's text format: replaced every
/// kPeriod and at the end, so that a collector never sees a part of it.
/// Callable from: the owner.
class MetricsFile {
 public:
  static constexpr Duration kPeriod = std::chrono::seconds(1);

  MetricsFile() noexcept = default;
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  /// Finds out whether `path`, which must outlive this, could be written; leaves it as it is.
  /// Called once. Blocks: as open(2). Errors: those of AtomicFile::open().
  Status open(const char* path) noexcept;
  bool is_open() const noexcept { return path_ != nullptr; }

  /// What is in the file: see Runner::observe().
  Sampler& sampler() noexcept { return sampler_; }

  /// Writes the file if it is due; the first call does. A failure is reported once, on stderr, and
  /// the next time may succeed.
  /// Blocks: until the disk has it. Errors: see finish().
  void update(TimePoint now) noexcept;

  /// Writes it with the figures at the end. Blocks: as update(). Errors: those of AtomicFile;
  /// resource_exhausted: the text is longer than 1 MiB. The file then holds older figures, or none.
  Status finish(TimePoint now) noexcept;

 private:
  Status write() noexcept;

  const char* path_ = nullptr;
  bool failed_ = false;  // and it was said
  TimePoint next_{};
  // Of two samples one may be under the pen.
  StaticSampler<SamplerLimits{.workers = Plan::kMaxWorkers,
                              .tasks = Plan::kMaxTasks,
                              .lanes = Plan::kMaxLanes,
                              .metrics = 0,
                              .alerts = 0,
                              .history = 2}>
      sampler_;
  std::array<char, std::size_t{1024} * 1024> text_;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_METRICS_FILE_H_
