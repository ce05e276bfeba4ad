// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_LOCAL_SUPERVISION_H_
#define TAKT_MONITOR_LOCAL_SUPERVISION_H_

#include <atomic>
#include <cstdint>

#include "takt/monitor/reinstatement.h"
#include "takt/monitor/supervision.h"
#include "takt/platform/time.h"

// The local state of one supervised thing:
//
//                   cycles without fault have made up for all
//            .----------------------------------------------.
//            v                                              |
//          [ok] --a fault--> more than tolerated? --no--> [failed]
//           ^ |                    | yes
//   activate| |deactivate          v
//           | v                [expired] --reinstate--> [ok]
//       [deactivated]
//
// Each kind of supervision counts its failed reference cycles: one more for a cycle with a fault,
// counted as soon as it is found, one less for a cycle without.

namespace takt::inline v0 {

/// The local supervision status of AUTOSAR's Watchdog Manager. Written by the watchdog; anybody
/// reads the state.
class LocalSupervision {
 public:
  /// Blocks: no. Callable from: any thread.
  LocalState state() const noexcept {
    // acquire: pairs with the release of set(): a reader has what the watchdog wrote before, which
    // is not yet the verdict. Watchdog::state() comes after the verdicts.
    return state_.load(std::memory_order_acquire);
  }

  /// Starts over: `ok`, or `deactivated`. Blocks: no. Callable from: the watchdog, as all below.
  void begin(bool active) noexcept {
    for (Tally& tally : tallies_) tally = {};
    reinstatement_.begin();
    set(active ? LocalState::ok : LocalState::deactivated);
  }

  /// A fault of this kind, found at `at`. True: it is the cycle's first one.
  bool fail(Supervision kind, const Tolerance& tolerance, TimePoint at) noexcept {
    Tally& tally = tallies_[static_cast<std::uint32_t>(kind)];
    if (tally.failed_in_cycle || state() == LocalState::expired) return false;
    tally.failed_in_cycle = true;
    ++tally.failed_cycles;
    const bool expired = tally.failed_cycles > tolerance[kind];
    if (expired) reinstatement_.expire(at);
    set(expired ? LocalState::expired : LocalState::failed);
    return true;
  }

  /// Who has expired at this time was restarted. Blocks: no. Bound: wait-free. Callable from: any
  /// thread.
  void reinstate(TimePoint expired) noexcept { reinstatement_.want(expired); }
  /// Whether it is to start over: it has expired, and somebody has said so, or `everybody` was
  /// restarted.
  bool is_reinstated(bool everybody) const noexcept {
    return state() == LocalState::expired && (everybody || reinstatement_.is_wanted());
  }

  /// The reference cycle is over.
  void end_cycle() noexcept {
    bool well = true;
    for (Tally& tally : tallies_) {
      if (!tally.failed_in_cycle && tally.failed_cycles != 0) --tally.failed_cycles;
      tally.failed_in_cycle = false;
      well = well && tally.failed_cycles == 0;
    }
    if (well && state() == LocalState::failed) set(LocalState::ok);
  }

 private:
  struct Tally {
    std::uint32_t failed_cycles = 0;
    bool failed_in_cycle = false;
  };

  // release: see state().
  void set(LocalState state) noexcept { state_.store(state, std::memory_order_release); }

  Tally tallies_[kSupervisions];
  detail::Reinstatement reinstatement_;
  std::atomic<LocalState> state_{LocalState::deactivated};
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_LOCAL_SUPERVISION_H_
