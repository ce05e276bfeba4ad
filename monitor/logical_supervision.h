// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_LOGICAL_SUPERVISION_H_
#define TAKT_MONITOR_LOGICAL_SUPERVISION_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "takt/executor/stats.h"
#include "takt/monitor/supervision.h"

namespace takt::inline v0 {

/// A place in the code that reports being reached: 0 to 30, within its entity.
enum class CheckpointId : std::uint32_t {};
inline constexpr std::uint32_t kCheckpoints = 31;
/// Not a place: where each round begins and ends.
inline constexpr CheckpointId kBegin{kCheckpoints};

/// An edge of the graph of allowed orders. From kBegin: a round may begin there. To kBegin: it may
/// end there.
struct Transition {
  CheckpointId from;
  CheckpointId to;
};

/// Logical supervision: whether checkpoints are reached in an allowed order. The reporter's side
/// follows the graph; after a wrong step it goes on from there, so that one wrong step is one
/// fault.
class LogicalSupervision {
 public:
  /// The allowed orders; none: everything is allowed. Each is checked by the caller to be in range.
  /// Blocks: no. Bound: O(transitions). Callable from: the owner, before anybody reports.
  void allow(std::span<const Transition> transitions) noexcept;

  /// A checkpoint was reached. Blocks: no. Bound: wait-free. Callable from: the reporter.
  void reach(std::uint32_t checkpoint) noexcept {
    // relaxed, all of it: figures of one writer.
    const std::uint32_t before = at_.load(std::memory_order_relaxed);
    at_.store(checkpoint, std::memory_order_relaxed);
    if ((successors_[before] >> checkpoint & 1U) == 0) note(before, checkpoint);
  }

  /// The next checkpoint may be any. Blocks: no. Bound: wait-free. Callable from: the watchdog.
  void start_anywhere() noexcept {
    // relaxed: as in reach(); a step that is being reported meanwhile may win, it is in the graph.
    at_.store(kAnywhere, std::memory_order_relaxed);
  }

  /// What has newly been wrong. With `forgiven` it is forgotten.
  /// Blocks: no. Bound: wait-free. Callable from: the watchdog.
  void judge(bool forgiven, Findings& findings) noexcept;

 private:
  static constexpr std::uint32_t kAnywhere = kCheckpoints + 1;

  void note(std::uint32_t before, std::uint32_t checkpoint) noexcept {
    step_.set(std::uint64_t{before} << 32U | checkpoint);
    wrong_.add();
  }

  std::uint32_t successors_[kAnywhere + 1] = {};  // bit n: checkpoint n may follow
  std::atomic<std::uint32_t> at_{kCheckpoints};
  Counter wrong_;
  Counter step_;  // the last wrong one
  std::uint64_t seen_ = 0;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_LOGICAL_SUPERVISION_H_
