// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/features.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "takt/platform/fault.h"
#include "takt/platform/futex.h"
#include "takt/platform/raw_call.h"
#include "takt/platform/thread_id.h"

namespace takt::inline v0::platform {
namespace {

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13  // headers before Linux 5.14
#endif

#ifdef SYS_futex
constexpr long kFutexCall = SYS_futex;
#else
constexpr long kFutexCall = SYS_futex_time64;
#endif

/// Locking a word that the caller owns changes nothing: EDEADLK where the operation exists.
bool has_lock_operation(int operation) noexcept {
  if (injected_fault(SystemCall::futex) != 0) return false;
  const FutexWord owned_by_caller{static_cast<std::uint32_t>(thread_id())};
  return detail::raw_call(kFutexCall, &owned_by_caller, operation, 0, nullptr, nullptr, 0).error ==
         EDEADLK;
}

bool has_lock_pi2() noexcept {
  return injected_fault(SystemCall::futex_lock_pi2) == 0 &&
         has_lock_operation(FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG);
}

bool has_time64() noexcept {
  if constexpr (sizeof(long) == 8) return true;
#ifdef SYS_futex_time64
  if (injected_fault(SystemCall::futex_time64) != 0) return false;
  const FutexWord nobody_waits{0};
  return detail::raw_call(SYS_futex_time64, &nobody_waits, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 0,
                          nullptr, nullptr, 0)
             .error == 0;
#else
  return false;
#endif
}

bool has_membarrier() noexcept {
#ifdef SYS_membarrier
  if (injected_fault(SystemCall::membarrier) != 0) return false;
  const detail::RawResult commands = detail::raw_call(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  return commands.error == 0 && (commands.value & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
#else
  return false;
#endif
}

}  // namespace

bool parse_kernel_release(std::string_view release, std::uint32_t& major,
                          std::uint32_t& minor) noexcept {
  const char* const end = release.data() + release.size();
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  const auto [after_first, first_error] = std::from_chars(release.data(), end, first);
  if (first_error != std::errc() || after_first == end || *after_first != '.') return false;
  const auto [after_second, second_error] = std::from_chars(after_first + 1, end, second);
  if (second_error != std::errc()) return false;
  major = first;
  minor = second;
  return true;
}

Features probe_features() noexcept {
  Features result;
  utsname names;
  if (injected_fault(SystemCall::uname) == 0 && ::uname(&names) == 0) {
    static_assert(sizeof names.release <= sizeof result.kernel_release);
    std::memcpy(result.kernel_release, names.release, sizeof names.release);
    parse_kernel_release(result.kernel_release, result.kernel_major, result.kernel_minor);
  }
  result.pi_futex = has_lock_operation(FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG);
  result.lock_pi2 = has_lock_pi2();
  result.time64 = has_time64();
  result.membarrier = has_membarrier();
  return result;
}

const Features& features() noexcept {
  // Not a static with a dynamic initialiser: its guard would need libstdc++ (__cxa_guard_acquire).
  static constinit Features known;
  static pthread_once_t probed = PTHREAD_ONCE_INIT;
  ::pthread_once(&probed, [] { known = probe_features(); });
  return known;
}

}  // namespace takt::inline v0::platform
