// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_WORKER_H_
#define TAKT_EXECUTOR_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/executor/directed_jobs.h"
#include "takt/executor/limits.h"
#include "takt/executor/options.h"
#include "takt/executor/stats.h"
#include "takt/executor/virtual_time.h"
#include "takt/platform/thread.h"

namespace takt::inline v0 {

class Executor;

namespace detail {

struct LaneSlot;

/// More than a lane may have.
inline constexpr std::uint32_t kWorkersOfLane = 32;

/// One static thread of an executor, and where it is kept.
struct WorkerSlot {
  WorkerStats stats;
  EventRing events;
  WorkerEvent::Subject subject;  // of the events that it notes now
  std::uint32_t number_in_lane;
  /// For posters and watchers, which may come while start() writes it anew: the number of its lane
  /// times kWorkersOfLane, and its number in the lane.
  std::atomic<std::uint32_t> address;
  DirectedJobs directed;
  platform::Thread thread;
  std::span<std::byte> stack;  // its guard included
  Executor* executor;
  LaneSlot* lane;
  const WorkerConfig* config;  // the caller's, until start() returns; then null
  std::int64_t spin_ns;
  std::int64_t start_ns;        // of the job that it runs
  std::int64_t cpu_start_ns;    // CPU time used before it; for tasks with a budget
  std::int64_t virtual_cpu_ns;  // in virtual time: CPU time used
  bool looked;                  // at its lane's descriptors, just now
  char name[kNameBytes];

  /// Notes an event of the current subject, where there is a ring.
  void note(EventKind kind, std::int64_t time_ns) noexcept {
    if (events.enabled()) events.record({kind, time_ns, subject});
  }
  void note_now(EventKind kind) noexcept {
    if (events.enabled()) events.record({kind, to_ns(now_of(executor)), subject});
  }
};

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_WORKER_H_
