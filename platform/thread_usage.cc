// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/thread_usage.h"

#include <sys/resource.h>
#include <time.h>

#include <cerrno>

#include "takt/platform/fault.h"
#include "takt/platform/kernel_count.h"
#include "takt/platform/kernel_time.h"

namespace takt::inline v0::platform {
namespace {

Status cpu_clock_error(int error) noexcept {
  // The kernel calls the clock of a thread that is gone invalid; the caller asked about a thread.
  return Status::from_errno(error == EINVAL ? ESRCH : error, "the thread's CPU time: not readable");
}

Result<Duration> read_cpu_clock(clockid_t clock) noexcept {
  timespec time{};
  int error = injected_fault(SystemCall::clock_gettime);
  if (error == 0 && ::clock_gettime(clock, &time) != 0) error = errno;
  if (error != 0) return cpu_clock_error(error);
  return Duration(std::int64_t{time.tv_sec} * kNanosecondsPerSecond + time.tv_nsec);
}

}  // namespace

Result<ThreadUsage> thread_usage() noexcept {
  rusage usage{};
  int error = injected_fault(SystemCall::getrusage);
  if (error == 0 && ::getrusage(RUSAGE_THREAD, &usage) != 0) error = errno;
  if (error != 0) return Status::from_errno(error, "the thread's usage: not readable");
  return ThreadUsage{
      .user = detail::to_duration(usage.ru_utime),
      .system = detail::to_duration(usage.ru_stime),
      .minor_faults = detail::kernel_count(usage.ru_minflt),
      .major_faults = detail::kernel_count(usage.ru_majflt),
      .voluntary_switches = detail::kernel_count(usage.ru_nvcsw),
      .involuntary_switches = detail::kernel_count(usage.ru_nivcsw),
  };
}

Result<Duration> thread_cpu_time() noexcept { return read_cpu_clock(CLOCK_THREAD_CPUTIME_ID); }

Result<Duration> thread_cpu_time(pthread_t thread) noexcept {
  clockid_t clock{};
  if (const int error = ::pthread_getcpuclockid(thread, &clock)) return cpu_clock_error(error);
  return read_cpu_clock(clock);
}

Result<Duration> thread_cpu_time_of(std::int32_t thread_id) noexcept {
  // 0 would be the caller's own.
  if (thread_id <= 0) return cpu_clock_error(ESRCH);
  // What pthread_getcpuclockid makes of the id (CPUCLOCK_PERTHREAD_MASK and CPUCLOCK_SCHED in the
  // kernel's posix-timers.h). The kernel refuses threads of other processes.
  constexpr std::uint32_t kOfThread = 4;
  constexpr std::uint32_t kToTheNanosecond = 2;
  const std::uint32_t clock =
      ~static_cast<std::uint32_t>(thread_id) << 3 | kOfThread | kToTheNanosecond;
  return read_cpu_clock(static_cast<clockid_t>(clock));
}

}  // namespace takt::inline v0::platform
