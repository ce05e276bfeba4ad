// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_KERNEL_TIME_H_
#define TAKT_PLATFORM_KERNEL_TIME_H_

#include <sys/time.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "takt/platform/time.h"

/// How a TimePoint travels to the kernel and to glibc. Private to platform/.
namespace takt::inline v0::platform::detail {

/// The kernel's __kernel_timespec: 64 bits on every architecture, unlike glibc's timespec, which
/// has 32 on 32-bit machines unless the program was built otherwise.
struct KernelTime {
  std::int64_t seconds;
  std::int64_t nanoseconds;
};
static_assert(sizeof(KernelTime) == 16);

/// What 32-bit kernels before 5.1 take instead.
struct OldKernelTime {
  std::int32_t seconds;
  std::int32_t nanoseconds;
};
static_assert(sizeof(OldKernelTime) == 8);

/// The kernel rejects negative times (EINVAL), while a deadline before the clock's origin is only
/// one that has passed: it becomes the origin.
constexpr KernelTime to_kernel_time(TimePoint time) noexcept {
  const std::int64_t nanoseconds = std::max<std::int64_t>(to_ns(time), 0);
  return {nanoseconds / kNanosecondsPerSecond, nanoseconds % kNanosecondsPerSecond};
}

/// Held at the end of 32 bits, which the monotonic clock reaches after 68 years of uptime.
constexpr OldKernelTime to_old_kernel_time(KernelTime time) noexcept {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int32_t>::max();
  return {static_cast<std::int32_t>(std::min(time.seconds, kEnd)),
          static_cast<std::int32_t>(time.nanoseconds)};
}

/// What the wall clock will show when the monotonic one shows `deadline`, as far as one can know
/// before: setting the wall clock makes it wrong.
inline TimePoint wall_clock_at(TimePoint deadline) noexcept {
  timespec wall;
  ::clock_gettime(CLOCK_REALTIME, &wall);
  const TimePoint wall_now =
      from_ns(std::int64_t{wall.tv_sec} * kNanosecondsPerSecond + std::int64_t{wall.tv_nsec});
  const TimePoint monotonic_now = now();
  if (deadline <= monotonic_now) return wall_now;
  return saturating_add(wall_now, deadline - monotonic_now);
}

/// For glibc's calls, held at the end of its time_t.
constexpr timespec to_timespec(TimePoint time) noexcept {
  constexpr std::int64_t kEnd = std::numeric_limits<time_t>::max();
  const KernelTime kernel_time = to_kernel_time(time);
  timespec result{};
  result.tv_sec = static_cast<time_t>(std::min(kernel_time.seconds, kEnd));
  result.tv_nsec = static_cast<decltype(result.tv_nsec)>(kernel_time.nanoseconds);
  return result;
}

/// A CPU time of getrusage(2).
constexpr Duration to_duration(const timeval& time) noexcept {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace takt::inline v0::platform::detail

#endif  // TAKT_PLATFORM_KERNEL_TIME_H_
