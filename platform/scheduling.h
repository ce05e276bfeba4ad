// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_SCHEDULING_H_
#define TAKT_PLATFORM_SCHEDULING_H_

#include <cstdint>

#include "takt/platform/text.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// The kernel's policies, with its own numbers (sched(7)).
enum class SchedulingPolicy : std::uint32_t {
  other = 0,
  fifo = 1,
  round_robin = 2,
  batch = 3,
  idle = 5,
  deadline = 6,
};

/// The policy's name as in sched(7): "SCHED_FIFO".
/// Blocks: no. Callable from: anywhere.
constexpr const char* to_string(SchedulingPolicy policy) noexcept {
  switch (policy) {
    case SchedulingPolicy::other:
      return "SCHED_OTHER";
    case SchedulingPolicy::fifo:
      return "SCHED_FIFO";
    case SchedulingPolicy::round_robin:
      return "SCHED_RR";
    case SchedulingPolicy::batch:
      return "SCHED_BATCH";
    case SchedulingPolicy::idle:
      return "SCHED_IDLE";
    case SchedulingPolicy::deadline:
      return "SCHED_DEADLINE";
  }
  return "SCHED_?";
}

/// Time sharing; `nice` from -20 (most) to 19 (least).
struct Other {
  int nice = 0;
};
/// Time sharing for work that nobody waits for: as Other, but a wake-up does not preempt.
struct Batch {};
/// Only when nobody else wants the CPU.
struct Idle {};
/// Fixed priority from 1 to 99 (most); runs until it blocks or a higher one wakes.
struct Fifo {
  int priority = 1;
};
/// As Fifo, but threads of the same priority take turns.
struct RoundRobin {
  int priority = 1;
};
/// Earliest deadline first with a constant-bandwidth server: `runtime` within each `period`, done
/// by `deadline` after its beginning. A deadline or period of 0 means: the other's value.
struct Deadline {
  Duration runtime{};
  Duration deadline{};
  Duration period{};
};

/// How the kernel schedules a thread: a policy and its parameters. Implicit from each policy's
/// struct, so that `.scheduling = takt::Fifo{.priority = 80}` reads as it should. The values are
/// checked where they are applied (set_scheduling), since a configuration may come from a file.
/// Blocks: no. Bound: O(1). Callable from: the owner.
class Scheduling {
 public:
  constexpr Scheduling() noexcept = default;
  constexpr Scheduling(Other other) noexcept : nice_(other.nice) {}  // NOLINT(*-explicit-*)
  constexpr Scheduling(Batch) noexcept                               // NOLINT(*-explicit-*)
      : policy_(SchedulingPolicy::batch) {}
  constexpr Scheduling(Idle) noexcept : policy_(SchedulingPolicy::idle) {}  // NOLINT(*-explicit-*)
  constexpr Scheduling(Fifo fifo) noexcept                                  // NOLINT(*-explicit-*)
      : policy_(SchedulingPolicy::fifo), priority_(fifo.priority) {}
  constexpr Scheduling(RoundRobin round_robin) noexcept  // NOLINT(*-explicit-*)
      : policy_(SchedulingPolicy::round_robin), priority_(round_robin.priority) {}
  constexpr Scheduling(Deadline deadline) noexcept  // NOLINT(*-explicit-*)
      : policy_(SchedulingPolicy::deadline),
        runtime_(deadline.runtime),
        deadline_(deadline.deadline == Duration::zero() ? deadline.period : deadline.deadline),
        period_(deadline.period == Duration::zero() ? deadline.deadline : deadline.period) {}

  constexpr SchedulingPolicy policy() const noexcept { return policy_; }
  /// Fifo, RoundRobin or Deadline: ahead of everything that shares time.
  constexpr bool is_real_time() const noexcept {
    return policy_ == SchedulingPolicy::fifo || policy_ == SchedulingPolicy::round_robin ||
           policy_ == SchedulingPolicy::deadline;
  }
  /// 1 to 99 for Fifo and RoundRobin, else 0.
  constexpr int priority() const noexcept { return priority_; }
  /// For Other, else 0.
  constexpr int nice() const noexcept { return nice_; }
  /// For Deadline, else 0.
  constexpr Duration runtime() const noexcept { return runtime_; }
  constexpr Duration deadline() const noexcept { return deadline_; }
  constexpr Duration period() const noexcept { return period_; }

  friend constexpr bool operator==(const Scheduling&, const Scheduling&) noexcept = default;

  /// Writes "SCHED_OTHER", "SCHED_OTHER nice -5", "SCHED_FIFO 80" or "SCHED_DEADLINE 1ms/5ms/10ms"
  /// (runtime, deadline, period).
  friend TextWriter& operator<<(TextWriter& writer, const Scheduling& scheduling) noexcept {
    scheduling.write(writer);
    return writer;
  }

 private:
  void write(TextWriter& writer) const noexcept;

  SchedulingPolicy policy_ = SchedulingPolicy::other;
  int nice_ = 0;
  int priority_ = 0;
  Duration runtime_{};
  Duration deadline_{};
  Duration period_{};
};

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_SCHEDULING_H_
