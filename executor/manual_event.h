// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_MANUAL_EVENT_H_
#define TAKT_EXECUTOR_MANUAL_EVENT_H_

#include <cstdint>

#include "takt/executor/limits.h"
#include "takt/platform/text.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// What happens in virtual time.
enum class ManualEventKind : std::uint32_t {
  released,   ///< a release of a task became visible to the workers of its lane
  skipped,    ///< `count` releases of a task got no job
  begun,      ///< a worker took a job and began it
  preempted,  ///< the worker lost its CPU in the middle of the job
  resumed,    ///< and has one again
  ended,      ///< the job returned: now its effects are there
  failed,     ///< the job threw
  missed,     ///< the job that just ended was late, by `count` nanoseconds
  cancelled,  ///< a worker found a waiting job cancelled, by its handle or by a stop
  paused,     ///< a worker takes no more jobs: Executor::pause(), set_active_workers()
  continued,  ///< the worker takes jobs again
};

/// One of them.
struct ManualEvent {
  TimePoint time;
  ManualEventKind kind;
  LaneId lane;          ///< the job's, or the worker's
  std::uint64_t index;  ///< of a task's or descriptor's job: its number; of a posted job: its slot
  TimePoint release;    ///< the job's; not of paused and continued
  std::uint64_t count;  ///< skipped: how many; missed: by how many nanoseconds; else 0
  char task[kNameBytes];    ///< of a descriptor "fd 7"; empty for a posted job, paused, continued
  char worker[kNameBytes];  ///< who runs the job, or is paused; empty for released and skipped
};

/// As written in the enumeration: "begun". Blocks: no. Callable from: anywhere.
const char* to_string(ManualEventKind kind) noexcept;

/// Writes one line without its end, times after `origin`: "1500us: servo #1 begins on control,
/// 500us after its release". Blocks: no. Bound: O(1). Callable from: anywhere.
void write_event(TextWriter& writer, const ManualEvent& event, TimePoint origin) noexcept;

/// Gets each event as it happens. Must not call the executor.
using ManualEventSink = void (*)(const ManualEvent& event, void* argument) noexcept;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_MANUAL_EVENT_H_
