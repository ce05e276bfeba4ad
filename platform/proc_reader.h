// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_PROC_READER_H_
#define TAKT_PLATFORM_PROC_READER_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "takt/platform/result.h"
#include "takt/platform/time.h"

/// What /proc tells about threads and the process (proc(5)), without allocation. Each file has a
/// parser, a pure function over its text, and a reader; for threads of this process by their id
/// (thread_id()).
///
/// Parsers. Blocks: no. Bound: O(characters). Callable from: anywhere. Errors: not_found a field is
/// missing, invalid_argument it is no number or does not fit; the text names file and field.
///
/// Readers. Blocks: until the kernel wrote the file, microseconds. Needs up to 8 KiB of stack.
/// Callable from: any thread. Errors: as the parsers, and those of read_file; not_found (ENOENT,
/// ESRCH) there is no such thread.
namespace takt::inline v0::platform {

/// Of /proc/self/task/TID/stat.
struct ThreadStat {
  char state = '?';  ///< R running, S sleeping, D uninterruptible, T stopped, Z zombie, …
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;
  std::uint64_t user_ticks = 0;    ///< in units of 1 s / sysconf(_SC_CLK_TCK)
  std::uint64_t system_ticks = 0;  ///< as user_ticks
  std::uint32_t processor = 0;     ///< where it ran last
  std::uint32_t real_time_priority = 0;
  std::uint32_t policy = 0;  ///< as in SchedulingPolicy
};
Result<ThreadStat> parse_thread_stat(std::string_view text) noexcept;
Result<ThreadStat> read_thread_stat(std::int32_t thread_id) noexcept;

/// Of /proc/self/task/TID/status. The memory figures are the whole process's.
struct ThreadStatus {
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::uint64_t resident_kib = 0;
  std::uint64_t locked_kib = 0;
  std::uint64_t threads = 0;
  std::uint64_t blocked_signals = 0;  ///< bit n - 1 is signal n
};
Result<ThreadStatus> parse_thread_status(std::string_view text) noexcept;
Result<ThreadStatus> read_thread_status(std::int32_t thread_id) noexcept;

/// Of /proc/self/status.
struct ProcessStatus {
  std::uint64_t resident_kib = 0;
  std::uint64_t peak_resident_kib = 0;  ///< the most that were ever resident
  std::uint64_t locked_kib = 0;
  std::uint64_t threads = 0;
};
Result<ProcessStatus> parse_process_status(std::string_view text) noexcept;
/// `proc_root` is /proc but in tests; not_found: there is no such file below it.
Result<ProcessStatus> read_process_status(const char* proc_root = "/proc") noexcept;

/// Of /proc/self/task/TID/schedstat, which kernels without CONFIG_SCHED_INFO lack.
struct SchedulerStat {
  Duration running{};        ///< on a CPU
  Duration waiting{};        ///< ready, but another thread had the CPU
  std::uint64_t slices = 0;  ///< how often it was put on a CPU
};
Result<SchedulerStat> parse_scheduler_stat(std::string_view text) noexcept;
Result<SchedulerStat> read_scheduler_stat(std::int32_t thread_id) noexcept;

/// The kernel function in which a thread waits, from /proc/self/task/TID/wchan: a symbol, or empty
/// when it does not wait or the kernel does not tell. Valid as long as `buffer` (64 bytes suffice).
Result<std::string_view> parse_wait_channel(std::string_view text) noexcept;
Result<std::string_view> read_wait_channel(std::int32_t thread_id, std::span<char> buffer) noexcept;

/// How much of each period all real-time threads of a CPU may use together; without limit when
/// `runtime` is negative. From /proc/sys/kernel/sched_rt_{runtime,period}_us.
struct RealTimeShare {
  Duration runtime{};
  Duration period{};
};
/// Parses one of the two files, named `file` in errors: microseconds, perhaps negative.
Result<Duration> parse_microseconds(std::string_view file, std::string_view text) noexcept;
Result<RealTimeShare> read_real_time_share() noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_PROC_READER_H_
