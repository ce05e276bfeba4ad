// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/time.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "takt/platform/check.h"
#include "takt/platform/fault.h"
#include "takt/platform/kernel_time.h"
#include "takt/platform/raw_call.h"

namespace takt::inline v0::platform {
namespace {

/// One absolute clock_nanosleep on the monotonic clock; returns 0 or the errno.
int sleep_once(const detail::KernelTime& deadline) noexcept {
  if (const int error = injected_fault(SystemCall::clock_nanosleep)) return error;
#ifdef SYS_clock_nanosleep_time64
  static std::atomic<std::uint32_t> time64_missing{0};
  // relaxed: the flag stands alone; a stale 0 only repeats the attempt.
  if (time64_missing.load(std::memory_order_relaxed) == 0) {
    int error = injected_fault(SystemCall::clock_nanosleep_time64);
    if (error == 0) {
      error = detail::raw_call(SYS_clock_nanosleep_time64, CLOCK_MONOTONIC, TIMER_ABSTIME,
                               &deadline, nullptr)
                  .error;
      // relaxed: see the load above.
      if (error == ENOSYS) time64_missing.store(1, std::memory_order_relaxed);
    }
    if (error != ENOSYS) return error;
  }
#endif
#ifdef SYS_clock_nanosleep
  if constexpr (sizeof(long) == 8) {
    return detail::raw_call(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr)
        .error;
  } else {
    const detail::OldKernelTime old_deadline = detail::to_old_kernel_time(deadline);
    return detail::raw_call(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &old_deadline,
                            nullptr)
        .error;
  }
#else
  return ENOSYS;
#endif
}

}  // namespace

void sleep_until(TimePoint deadline) noexcept {
  const detail::KernelTime kernel_deadline = detail::to_kernel_time(deadline);
  int error = 0;
  do {
    error = sleep_once(kernel_deadline);
  } while (error == EINTR || (error == 0 && deadline == kNever));
  // A sleep that the system refuses (a seccomp filter, say) must not turn into a release too early.
  TAKT_CHECK(error == 0, "clock_nanosleep was refused");
}

}  // namespace takt::inline v0::platform
