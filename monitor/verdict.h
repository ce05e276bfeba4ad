// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_VERDICT_H_
#define TAKT_MONITOR_VERDICT_H_

#include <cstdint>

#include "takt/monitor/supervision.h"
#include "takt/platform/text.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// Whom a verdict is about.
enum class SubjectKind : std::uint32_t { entity, task, worker, watchdog, device, service_manager };

/// What the watchdog found, about whom, and what it made of it.
struct Verdict {
  TimePoint at{};
  SubjectKind kind = SubjectKind::entity;
  char name[16] = {};
  std::uint32_t number = 0;  ///< of its kind, in the order in which they were supervised
  Finding finding{};
  LocalState state = LocalState::ok;     ///< of the subject, from now on
  GlobalState global = GlobalState::ok;  ///< before this verdict counts
};

/// Writes one line: "worker 'control': stuck_in_job, task 3, 120ms: expired"; durations are rounded
/// to three digits, `finding.measured` is exact. Blocks: no. Bound: O(1). Callable from: anywhere.
void write_verdict(TextWriter& writer, const Verdict& verdict) noexcept;

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_VERDICT_H_
