// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_LANE_SOURCE_H_
#define TAKT_MONITOR_LANE_SOURCE_H_

#include <cstdint>

#include "takt/executor/stats.h"

namespace takt::inline v0 {

/// Where a lane of an executor is looked at. A pointer and a function, so that monitor/ need not
/// know the executor and tests can play one. The executor must outlive it.
/// Blocks: no. Callable from: any thread, as everything here.
class LaneSource {
 public:
  /// A lane at one instant; all of them figures.
  struct Look {
    std::uint32_t waiting = 0;
    std::uint32_t active_workers = 0;
    std::uint64_t rejected = 0;
    std::uint64_t dropped = 0;
  };
  using Read = Look (*)(const void* context, LaneId lane) noexcept;

  constexpr LaneSource() noexcept = default;
  constexpr LaneSource(const void* context, LaneId lane, Read read) noexcept
      : context_(context), read_(read), lane_(lane) {}

  /// A lane, which must exist, of any kind of executor.
  template <class AnyExecutor>
  static constexpr LaneSource of(const AnyExecutor& watched, LaneId lane) noexcept {
    return {&watched, lane, [](const void* context, LaneId number) noexcept {
              const auto& observed = *static_cast<const AnyExecutor*>(context);
              const LaneStats& stats = observed.lane_stats(number);
              return Look{.waiting = observed.waiting_jobs(number),
                          .active_workers = observed.active_workers(number),
                          .rejected = stats.rejected.get(),
                          .dropped = stats.dropped.get()};
            }};
  }

  bool valid() const noexcept { return read_ != nullptr; }
  LaneId lane() const noexcept { return lane_; }
  /// Bound: O(jobs of the lane).
  Look look() const noexcept { return read_(context_, lane_); }

  /// The same lane of the same executor, whoever made them.
  friend constexpr bool operator==(const LaneSource& a, const LaneSource& b) noexcept {
    return a.context_ == b.context_ && a.lane_ == b.lane_;
  }

 private:
  const void* context_ = nullptr;
  Read read_ = nullptr;
  LaneId lane_{0};
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_LANE_SOURCE_H_
