// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_JOB_CONTEXT_H_
#define TAKT_EXECUTOR_JOB_CONTEXT_H_

#include <cstdint>

#include "takt/platform/time.h"

namespace takt::inline v0 {

class Executor;

/// What a job may know of itself. Valid while the job runs. Callable from: that job.
struct JobContext {
  /// When the job became ready: for a task its exact point on the grid epoch + offset + k * period,
  /// for a posted job the time of the call. The clock's origin when time stamps are off.
  TimePoint release;
  /// When it began to run. The clock's origin when time stamps are off, except for tasks.
  TimePoint start;
  /// The absolute deadline; kNever when it has none.
  TimePoint deadline;
  /// For a task: k, the number of this release on its grid. 0 for a posted job.
  std::uint64_t index;
  /// For a task: how many releases were skipped between the previous job and this one.
  std::uint64_t skipped;

  /// Whether the job is asked to return: by stop(StopMode::cancel), or because its task has
  /// Overrun::abort() and the next release has come. Blocks: no.
  bool stop_requested() const noexcept;
  /// The executor's clock. Blocks: no.
  TimePoint now() const noexcept;

  const Executor* executor;  ///< who runs it
  TimePoint abort = kNever;  ///< when it is asked to return
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_JOB_CONTEXT_H_
