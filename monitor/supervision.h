// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_SUPERVISION_H_
#define TAKT_MONITOR_SUPERVISION_H_

#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/time.h"

// The words of supervision, those of AUTOSAR's Watchdog Manager (SWS_WatchdogManager).

namespace takt::inline v0 {

/// What the daemon is doing, as far as supervision goes: each has expectations of its own.
enum class WatchMode : std::uint32_t { startup = 0, normal = 1, degraded = 2 };
inline constexpr std::uint32_t kWatchModes = 3;

/// An expectation for each mode; a mode that is left out has the default, `active` = false.
template <class Expectation>
struct ByMode {
  Expectation startup{};
  Expectation normal{};
  Expectation degraded{};

  /// The same in all modes. Blocks: no. Callable from: anywhere.
  static constexpr ByMode all(const Expectation& expectation) noexcept {
    return {expectation, expectation, expectation};
  }
  constexpr const Expectation& operator[](WatchMode mode) const noexcept {
    switch (mode) {
      case WatchMode::startup:
        return startup;
      case WatchMode::normal:
        return normal;
      default:
        return degraded;
    }
  }
};

/// How one supervised thing is.
enum class LocalState : std::uint32_t {
  ok,           ///< as expected
  failed,       ///< not as expected, within its tolerance
  expired,      ///< beyond it; stays so until Watchdog::reinstate()
  deactivated,  ///< not supervised in this mode
};

/// How all of them are together.
enum class GlobalState : std::uint32_t {
  ok,       ///< nobody has failed
  failed,   ///< somebody has failed, nobody has expired
  expired,  ///< somebody has expired: nothing is fed
  stopped,  ///< for longer than the tolerance: nothing is fed until the next start
};

/// What was found wrong.
enum class Fault : std::uint32_t {
  none,
  too_few_indications,   ///< alive supervision
  too_many_indications,  ///< alive supervision
  checkpoint_early,      ///< deadline supervision
  checkpoint_late,       ///< deadline supervision; or it has not come at all
  deadline_missed,       ///< deadline supervision of a task, by the executor's own count
  wrong_order,           ///< logical supervision
  stuck_in_job,          ///< a worker has been in one job for too long, running or blocked
  starved,               ///< a worker has a reason to run and gets no CPU
  not_running,           ///< a worker has no thread, or its thread has not begun
  monitor_late,          ///< the watchdog itself came too late, too often in succession
  feeding_refused,       ///< device or service manager did not take it
};
inline constexpr std::uint32_t kFaults = 12;
static_assert(static_cast<std::uint32_t>(Fault::feeding_refused) + 1 == kFaults);

/// The three kinds of supervision, each with a tolerance of its own.
enum class Supervision : std::uint32_t { alive = 0, deadline = 1, logical = 2 };
inline constexpr std::uint32_t kSupervisions = 3;

/// How many reference cycles in which a kind of supervision failed are borne: beyond, `expired`.
/// A cycle without fault takes one back.
struct Tolerance {
  std::uint32_t alive = 0;
  std::uint32_t deadline = 0;
  std::uint32_t logical = 0;

  constexpr std::uint32_t operator[](Supervision kind) const noexcept {
    switch (kind) {
      case Supervision::alive:
        return alive;
      case Supervision::deadline:
        return deadline;
      default:
        return logical;
    }
  }
};

/// A glance at the supervised: not before `begin`, not after `end`. What is concluded from it holds
/// whenever in between each of them was read.
struct Look {
  TimePoint begin;
  TimePoint end;
};

/// Time in which the watchdog did not look: from the last glance to a late one. It counts for
/// nobody and against nobody: marks of the time before are moved by as much, so that what has
/// passed since then is less by this.
struct Disturbance {
  TimePoint begin;
  TimePoint end;

  /// Where a mark belongs. Blocks: no. Bound: O(1). Callable from: anywhere.
  constexpr TimePoint moved(TimePoint mark) const noexcept {
    if (mark >= end) return mark;
    return mark <= begin ? mark + (end - begin) : end;
  }
};

/// One thing that one glance showed to be wrong.
struct Finding {
  Fault fault = Fault::none;
  Supervision kind = Supervision::alive;
  std::uint32_t from = 0;   ///< of checkpoints
  std::uint32_t to = 0;     ///< of checkpoints; a worker: the task's or job's number
  bool is_task = false;     ///< of `to`, of a worker
  std::uint64_t count = 0;  ///< indications or faults counted; 0: a late span is open still
  Duration measured{};      ///< how long it took, or takes
};

/// All of them, and whether the reference cycle is over.
struct Findings {
  static constexpr std::uint32_t kDeadlines = 4;  ///< pairs of checkpoints of one entity
  /// All that one glance can show: alive, order, and each deadline early, late and open.
  static constexpr std::uint32_t kCapacity = 2 + 3 * kDeadlines;

  void add(const Finding& finding) noexcept {
    TAKT_CHECK(count < kCapacity, "more findings than a glance can have");
    items[count++] = finding;
  }

  Finding items[kCapacity];
  std::uint32_t count = 0;
  bool cycle_ended = false;
};

/// Names as written in the enumerations. Blocks: no. Callable from: anywhere.
const char* to_string(WatchMode mode) noexcept;
const char* to_string(LocalState state) noexcept;
const char* to_string(GlobalState state) noexcept;
const char* to_string(Fault fault) noexcept;

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_SUPERVISION_H_
