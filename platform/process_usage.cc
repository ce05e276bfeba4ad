// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/process_usage.h"

#include <sys/resource.h>

#include <cerrno>

#include "takt/platform/fault.h"
#include "takt/platform/kernel_count.h"
#include "takt/platform/kernel_time.h"

namespace takt::inline v0::platform {

Result<ProcessUsage> process_usage() noexcept {
  constexpr std::uint64_t kKibibyte = 1024;
  rusage usage{};
  int error = injected_fault(SystemCall::getrusage);
  if (error == 0 && ::getrusage(RUSAGE_SELF, &usage) != 0) error = errno;
  if (error != 0) return Status::from_errno(error, "the process's usage: not readable");
  return ProcessUsage{
      .user = detail::to_duration(usage.ru_utime),
      .system = detail::to_duration(usage.ru_stime),
      .minor_faults = detail::kernel_count(usage.ru_minflt),
      .major_faults = detail::kernel_count(usage.ru_majflt),
      .voluntary_switches = detail::kernel_count(usage.ru_nvcsw),
      .involuntary_switches = detail::kernel_count(usage.ru_nivcsw),
      .peak_resident_bytes = detail::kernel_count(usage.ru_maxrss) * kKibibyte,
  };
}

}  // namespace takt::inline v0::platform
