// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_PROCESS_USAGE_H_
#define TAKT_PLATFORM_PROCESS_USAGE_H_

#include <cstdint>

#include "takt/platform/result.h"
#include "takt/platform/time.h"

namespace takt::inline v0::platform {

/// What the kernel has counted for this process since its start, over all its threads, those that
/// have ended included (getrusage(2)).
struct ProcessUsage {
  Duration user{};
  Duration system{};
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::uint64_t peak_resident_bytes = 0;
};

/// Without opening a file; peak_resident_bytes is as large as /proc/self/status has it.
/// Blocks: no. Bound: one system call, O(threads) in the kernel. Callable from: any thread.
/// Errors: those of getrusage(2).
Result<ProcessUsage> process_usage() noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_PROCESS_USAGE_H_
