// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_JOB_H_
#define TAKT_EXECUTOR_JOB_H_

#include <cstdint>

#include "takt/executor/callable.h"
#include "takt/executor/job_word.h"
#include "takt/executor/limits.h"

namespace takt::inline v0::detail {

/// A posted or submitted job of a lane, and where it is kept.
struct JobSlot {
  CallableStorage storage;
  Thunk thunk;
  std::int64_t release_ns;
  std::int64_t deadline_ns;
  JobWord word;
  // Two that fit into one word. Written by whoever owns the slot, or by its one handle:
  Priority level : 2;  // of a job that waits for its time, for one worker, or for another's end
  /// Another job's place among those of all lanes, + 1; 0 for none. In an inbox the one before; of
  /// a job that is kContinued the one that waits for its end.
  std::uint32_t link : 30;

  void set_link(std::uint32_t number) noexcept { link = number & 0x3FFF'FFFFU; }
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_JOB_H_
