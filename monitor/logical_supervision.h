// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_LOGICAL_SUPERVISION_H_
#define TAKT_MONITOR_LOGICAL_SUPERVISION_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "takt/executor/stats.h"
#include "takt/monitor/supervision.h"
#include "takt/sync/env.h"

// One word that the reporter and the watchdog share, where the reporter is:
//
//   bits 0-4   the checkpoint that it reached last, or kBegin. Set by reach().
//   bit 5      kAnywhere: the next one may be any. Set by start_anywhere(), cleared by reach().
//   bits 6-31  how many steps were wrong, modulo 2^26. Raised by reach().
//
// The watchdog changes the word by an RMW, and the reporter counts a wrong step by CAS: it was
// wrong before start_anywhere(), which forgets it, or it is none, as the next one may be any. A
// right step is a load and a store; it may overwrite a kAnywhere that comes in between, being in
// the graph. The step is shown in a word of its own, with the count that it made: a glance has both
// or none.

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
    if ((successors_[before & kPlace] >> checkpoint & 1U) != 0) {
      at_.store((before & kCount) | checkpoint, std::memory_order_relaxed);
    } else {
      leave_graph(before, checkpoint);
    }
  }

  /// The next checkpoint may be any; what has been wrong is forgotten, also where the reporter has
  /// not yet shown it. Blocks: no. Bound: wait-free. Callable from: the watchdog.
  void start_anywhere() noexcept {
    // relaxed: the word alone says what came before.
    seen_ = at_.fetch_or(kAnywhere, std::memory_order_relaxed) & kCount;
  }

  /// What has newly been wrong. With `forgiven` it is forgotten.
  /// Blocks: no. Bound: wait-free. Callable from: the watchdog.
  void judge(bool forgiven, Findings& findings) noexcept;

 private:
  static constexpr std::uint32_t kPlace = kCheckpoints;
  static constexpr std::uint32_t kAnywhere = kCheckpoints + 1;
  static constexpr std::uint32_t kOneWrong = kAnywhere << 1U;
  static constexpr std::uint32_t kCount = ~(kOneWrong - 1);
  static_assert((kPlace & kAnywhere) == 0, "places fill their bits");

  /// A step that is not in the graph, unless any is right.
  void leave_graph(std::uint32_t before, std::uint32_t checkpoint) noexcept {
    const std::uint32_t wrong = ((before & kCount) + kOneWrong) | checkpoint;
    // relaxed: as in reach(). Fails when start_anywhere() came meanwhile.
    if ((before & kAnywhere) == 0 &&
        at_.compare_exchange_strong(before, wrong, std::memory_order_relaxed,
                                    std::memory_order_relaxed)) {
      step_.set(std::uint64_t{before & kPlace} << 32U | wrong);
    } else {
      at_.store((before & kCount) | checkpoint, std::memory_order_relaxed);
    }
  }

  std::uint32_t successors_[kPlace + 1] = {};  // bit n: checkpoint n may follow
  typename Env::template Atomic<std::uint32_t> at_{kCheckpoints};
  BasicCounter<Env> step_;  // the last wrong one: from where, and at_ behind it
  std::uint32_t seen_ = 0;  // of the count; the watchdog's
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
}

template <class Env>
void BasicLogicalSupervision<Env>::judge(bool forgiven, Findings& findings) noexcept {
  const std::uint64_t step = step_.get();
  const auto word = static_cast<std::uint32_t>(step);
  // What was forgotten may be ahead of what is shown: by a step that is being reported, or by those
  // of reporters that were ended amid one.
  constexpr std::uint32_t kMostUnshown = kOneWrong * 1024;
  if (seen_ - (word & kCount) <= kMostUnshown) return;
  if (!forgiven) {
    findings.add({.fault = Fault::wrong_order,
                  .kind = Supervision::logical,
                  .from = static_cast<std::uint32_t>(step >> 32U),
                  .to = word & kPlace,
                  .count = ((word & kCount) - seen_) / kOneWrong});
  }
  seen_ = word & kCount;
}

using LogicalSupervision = BasicLogicalSupervision<ThreadEnv>;
extern template class BasicLogicalSupervision<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_LOGICAL_SUPERVISION_H_
