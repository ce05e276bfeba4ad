// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_BACKLOG_POLICY_H_
#define TAKT_EXECUTOR_BACKLOG_POLICY_H_

#include <algorithm>
#include <cstdint>

#include "takt/executor/lane.h"

// How many workers of a lane should be active, from how many jobs wait:
//
//             waiting > grow_above * active, grow_after looks in a row: one more
//   [active: n] <-----------------------------------------------------------> [active: n + 1]
//             nothing waits, shrink_after looks in a row: one less
//
// In between nothing changes and both rows of looks begin anew: that is the hysteresis.

namespace takt::inline v0 {

/// When a lane gets another worker, and when it gives one up.
struct BacklogLimits {
  std::uint32_t minimum = 1;                  ///< active workers at least, 1 or more
  std::uint32_t maximum = Lane::kMaxWorkers;  ///< and at most; those of the lane if it has fewer
  std::uint32_t grow_above = 2;     ///< waiting jobs for each active worker: it takes more of them
  std::uint32_t grow_after = 2;     ///< looks in a row that find so, 1 or more
  std::uint32_t shrink_after = 16;  ///< looks in a row that find nothing waiting, 1 or more
};

/// Decides on numbers alone, without clock, lock and thread. Whoever looks does so at regular
/// intervals: a periodic task on another lane, or the monitor (Executor::adjust_active_workers()).
/// Owned by one thread at a time.
class BacklogPolicy {
 public:
  explicit constexpr BacklogPolicy(const BacklogLimits& limits = {}) noexcept : limits_(limits) {}

  /// One look: of `workers` in the lane `active` may take jobs, and `waiting` jobs wait. Returns
  /// how many workers should be active, at most one more or less, but for the limits. Blocks: no.
  /// Bound: O(1). Callable from: the owner.
  constexpr std::uint32_t look(std::uint32_t workers, std::uint32_t active,
                               std::uint32_t waiting) noexcept {
    const std::uint32_t most = std::max(std::min(limits_.maximum, workers), 1U);
    const std::uint32_t least = std::clamp(limits_.minimum, 1U, most);
    busy_ = waiting > std::uint64_t{limits_.grow_above} * active ? busy_ + 1 : 0;
    quiet_ = waiting == 0 ? quiet_ + 1 : 0;
    if (busy_ >= limits_.grow_after && busy_ != 0) {
      busy_ = 0;
      ++active;
    } else if (quiet_ >= limits_.shrink_after && quiet_ != 0) {
      quiet_ = 0;
      --active;
    }
    return std::clamp(active, least, most);
  }

 private:
  BacklogLimits limits_;
  std::uint32_t busy_ = 0;
  std::uint32_t quiet_ = 0;
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_BACKLOG_POLICY_H_
