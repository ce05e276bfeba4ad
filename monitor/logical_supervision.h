// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_LOGICAL_SUPERVISION_H_
#define TAKT_MONITOR_LOGICAL_SUPERVISION_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "takt/executor/stats.h"
#include "takt/monitor/fault_count.h"
#include "takt/monitor/supervision.h"
#include "takt/sync/env.h"

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
template <class Env>
class BasicLogicalSupervision {
 public:
  /// The allowed orders; none: everything is allowed. Each is checked by the caller to be in range.
  /// Blocks: no. Bound: O(transitions). Callable from: the owner, before anybody reports.
  void allow(std::span<const Transition> transitions) noexcept;

  /// A checkpoint was reached. Blocks: no. Bound: wait-free. Callable from: the reporter.
  void reach(std::uint32_t checkpoint) noexcept {
    // relaxed, both: nothing is read by what is found here.
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
  typename Env::template Atomic<std::uint32_t> at_{kCheckpoints};
  BasicFaultCount<Env> wrong_;
  BasicCounter<Env> step_;  // the last wrong one
  std::uint64_t seen_ = 0;
};

template <class Env>
void BasicLogicalSupervision<Env>::allow(std::span<const Transition> transitions) noexcept {
  for (std::uint32_t& mask : successors_) mask = transitions.empty() ? ~0U : 0;
  for (const Transition& transition : transitions) {
    successors_[static_cast<std::uint32_t>(transition.from)] |=
        1U << static_cast<std::uint32_t>(transition.to);
  }
  // Where a round may end, another one may begin.
  constexpr std::uint32_t kRoundEnds = 1U << kCheckpoints;
  for (std::uint32_t& mask : successors_) {
    if ((mask & kRoundEnds) != 0) mask |= successors_[kCheckpoints];
  }
  successors_[kAnywhere] = ~0U;
}

template <class Env>
void BasicLogicalSupervision<Env>::judge(bool forgiven, Findings& findings) noexcept {
  const std::uint64_t wrong = wrong_.get();
  if (wrong == seen_) return;
  const std::uint64_t step = step_.get();
  if (!forgiven) {
    findings.add({.fault = Fault::wrong_order,
                  .kind = Supervision::logical,
                  .from = static_cast<std::uint32_t>(step >> 32U),
                  .to = static_cast<std::uint32_t>(step),
                  .count = wrong - seen_});
  }
  seen_ = wrong;
}

using LogicalSupervision = BasicLogicalSupervision<ThreadEnv>;
extern template class BasicLogicalSupervision<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_LOGICAL_SUPERVISION_H_
