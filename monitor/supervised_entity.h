// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_SUPERVISED_ENTITY_H_
#define TAKT_MONITOR_SUPERVISED_ENTITY_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "takt/executor/stats.h"
#include "takt/monitor/alive_supervision.h"
#include "takt/monitor/deadline_supervision.h"
#include "takt/monitor/local_supervision.h"
#include "takt/monitor/logical_supervision.h"
#include "takt/monitor/supervision.h"
#include "takt/platform/check.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// What is expected of an entity in one mode.
struct EntityExpectation {
  bool active = false;
  AliveExpectation alive{};  ///< of the checkpoint EntityConfig::alive; its window is always needed
  bool logical = true;       ///< whether a wrong order counts
  Tolerance tolerance{};
};

/// From one checkpoint to another within [min, max], in each mode. From a checkpoint to the same
/// one: its period, from each time that it is reached to the next.
struct DeadlineRule {
  CheckpointId from{};
  CheckpointId to{};
  ByMode<DeadlineExpectation> expected{};
};

/// A supervised entity. Everything is copied.
struct EntityConfig {
  const char* name = "";                ///< 1 to 15 characters
  CheckpointId alive{0};                ///< whose reaching is an indication
  std::span<const Transition> order{};  ///< empty: no logical supervision
  std::span<const DeadlineRule> deadlines{};
  ByMode<EntityExpectation> expected{};
};

/// Something of the user's that reports where it is: a control loop, a protocol, a start-up. A
/// module takes it by reference and knows nothing of the watchdog. Watchdog::supervise() gives it
/// its expectations; before that, reports mean nothing.
///
/// *The reporter* is whoever calls reached(): one thread at a time, as the jobs of one task are,
/// whichever worker runs them. Two threads need two entities.
class SupervisedEntity {
 public:
  static constexpr std::uint32_t kDeadlines = Findings::kDeadlines;
  static constexpr std::size_t kNameBytes = 16;

  /// Out of line on purpose: not constant-initialised, a static one stays in .bss.
  SupervisedEntity() noexcept;
  SupervisedEntity(const SupervisedEntity&) = delete;
  SupervisedEntity& operator=(const SupervisedEntity&) = delete;

  /// Reports a checkpoint. Reads the clock only where a deadline begins or ends there.
  /// Blocks: no. Bound: wait-free, a few nanoseconds without the clock. Callable from: the
  /// reporter, jobs included. Aborts on a checkpoint that cannot be.
  void reached(CheckpointId checkpoint) noexcept {
    const std::uint32_t number = check(checkpoint);
    note(number);
    if ((timed_ >> number & 1U) != 0) measure(number, now());
  }
  /// The same at a time that is known already, JobContext::start for example, or virtual.
  void reached(CheckpointId checkpoint, TimePoint at) noexcept {
    const std::uint32_t number = check(checkpoint);
    note(number);
    if ((timed_ >> number & 1U) != 0) measure(number, at);
  }

  /// How it is. Blocks: no. Callable from: any thread.
  LocalState state() const noexcept { return local_.state(); }
  const char* name() const noexcept { return name_; }

 private:
  friend class Watchdog;

  struct Rule {
    DeadlineRule rule;
    DeadlineSupervision supervision;
  };

  static std::uint32_t check(CheckpointId checkpoint) noexcept {
    const auto number = static_cast<std::uint32_t>(checkpoint);
    TAKT_CHECK(number < kCheckpoints, "a checkpoint's number is 0 to 30");
    return number;
  }
  void note(std::uint32_t number) noexcept {
    if (number == alive_number_) indications_.add();
    logical_.reach(number);
  }
  void measure(std::uint32_t number, TimePoint at) noexcept;

  // The watchdog's.
  Status configure(const EntityConfig& config) noexcept;
  const EntityExpectation& expected() const noexcept { return expected_[mode()]; }
  WatchMode mode() const noexcept {
    // relaxed: a report just before a change of mode may be judged by either.
    return mode_.load(std::memory_order_relaxed);
  }
  void begin(WatchMode mode, const Look& look) noexcept;
  void look() noexcept { seen_ = indications_.get(); }
  void judge(const Look& look, bool settling, Findings& findings) noexcept;
  /// A late glance; `forgiven`: what the reporter has counted late is not held against it. Who has
  /// expired is judged no more, and begin() goes by what it has begun since then.
  void exclude(const Disturbance& disturbance, bool forgiven) noexcept;

  std::uint32_t alive_number_ = kCheckpoints;  // none
  std::uint32_t timed_ = 0;                    // bit n: a deadline begins or ends at checkpoint n
  std::uint32_t rule_count_ = 0;
  std::atomic<WatchMode> mode_{WatchMode::startup};
  Counter indications_;
  LogicalSupervision logical_;
  Rule rules_[kDeadlines];
  AliveSupervision alive_;
  LocalSupervision local_;
  std::uint64_t seen_ = 0;
  TimePoint judged_at_{};  // when the last glance that judged it ended: who has expired, then
  ByMode<EntityExpectation> expected_;
  char name_[kNameBytes] = {};
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_SUPERVISED_ENTITY_H_
