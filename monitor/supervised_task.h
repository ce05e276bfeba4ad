// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_SUPERVISED_TASK_H_
#define TAKT_MONITOR_SUPERVISED_TASK_H_

#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/monitor/alive_supervision.h"
#include "takt/monitor/local_supervision.h"
#include "takt/monitor/supervision.h"

namespace takt::inline v0 {

/// What is expected of a task in one mode.
struct TaskExpectation {
  bool active = false;
  AliveExpectation alive{};  ///< of its jobs that ended, well or with an exception
  bool deadlines = true;     ///< whether a missed deadline is a fault (TaskStats::deadline_misses)
  Tolerance tolerance{};
};

/// A task, supervised by the figures that the executor keeps anyway: the job pays nothing. A task
/// that is suspended shows no sign of life: have a mode in which it is not active. The watchdog's.
class SupervisedTask {
 public:
  static constexpr std::size_t kNameBytes = 16;

  /// How it is. Blocks: no. Callable from: any thread.
  LocalState state() const noexcept { return local_.state(); }
  const char* name() const noexcept { return name_; }

 private:
  friend class Watchdog;

  const TaskExpectation& expected() const noexcept { return expected_[mode_]; }
  void begin(WatchMode mode, const Look& look) noexcept {
    mode_ = mode;
    local_.begin(expected().active);
    alive_.begin(look, seen_ended_);
    judged_misses_ = seen_misses_;
  }
  void look() noexcept {
    seen_ended_ = stats_->completed.get() + stats_->failed.get();
    seen_misses_ = stats_->deadline_misses.get();
  }
  /// A late glance; `forgiven`: a missed deadline is not held against it.
  void exclude(const Disturbance& disturbance, bool forgiven) noexcept {
    alive_.exclude(disturbance, seen_ended_);
    if (forgiven) judged_misses_ = seen_misses_;
  }
  void judge(const Look& look, bool settling, Findings& findings) noexcept {
    alive_.judge(expected().alive, look, seen_ended_, findings);
    // Smaller: another task has the slot.
    if (seen_misses_ > judged_misses_ && expected().deadlines && !settling) {
      findings.add({.fault = Fault::deadline_missed,
                    .kind = Supervision::deadline,
                    .count = seen_misses_ - judged_misses_});
    }
    judged_misses_ = seen_misses_;
  }

  const TaskStats* stats_ = nullptr;
  WatchMode mode_ = WatchMode::startup;
  AliveSupervision alive_;
  LocalSupervision local_;
  std::uint64_t seen_ended_ = 0;
  std::uint64_t seen_misses_ = 0;
  std::uint64_t judged_misses_ = 0;
  ByMode<TaskExpectation> expected_;
  char name_[kNameBytes] = {};
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_SUPERVISED_TASK_H_
