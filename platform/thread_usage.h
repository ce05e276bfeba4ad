// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_THREAD_USAGE_H_
#define TAKT_PLATFORM_THREAD_USAGE_H_

#include <pthread.h>

#include <cstdint>

#include "takt/platform/result.h"
#include "takt/platform/time.h"

namespace takt::inline v0::platform {

/// What the kernel has counted for a thread since its start (getrusage(2)).
struct ThreadUsage {
  Duration user{};
  Duration system{};
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t voluntary_switches = 0;    ///< it waited for something
  std::uint64_t involuntary_switches = 0;  ///< another thread was put in its place
};

/// Of the calling thread, without opening a file.
/// Blocks: no. Bound: one system call. Callable from: any thread. Errors: those of getrusage(2).
Result<ThreadUsage> thread_usage() noexcept;

/// CPU time of the calling thread, user and system, to the nanosecond.
/// Blocks: no. Bound: one system call. Callable from: any thread.
/// Errors: those of clock_gettime(2).
Result<Duration> thread_cpu_time() noexcept;

/// CPU time of another thread, which must not have been joined.
/// Blocks: no. Bound: one system call. Callable from: any thread.
/// Errors: not_found (ESRCH) it has ended; those of clock_gettime(2).
Result<Duration> thread_cpu_time(pthread_t thread) noexcept;

/// The same of a thread of this process by the kernel's id (thread_id.h), also when it has ended.
/// Blocks: no. Bound: one system call. Callable from: any thread.
/// Errors: not_found (ESRCH) there is none; those of clock_gettime(2).
Result<Duration> thread_cpu_time_of(std::int32_t thread_id) noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_THREAD_USAGE_H_
