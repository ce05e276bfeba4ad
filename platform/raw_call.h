// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_RAW_CALL_H_
#define TAKT_PLATFORM_RAW_CALL_H_

#include <unistd.h>

#include <cerrno>

#include "takt/platform/fault.h"

/// System calls that leave errno alone. Private to platform/.
namespace takt::inline v0::platform::detail {

/// What a system call gave: a value that is not negative, or the errno.
struct RawResult {
  long value;
  int error;
};

/// Makes a call for which glibc has no function, and leaves the caller's errno as it was: a
/// primitive that waits inside a job must not change what the job sees.
template <class... Arguments>
RawResult raw_call(long number, Arguments... arguments) noexcept {
  const int saved_errno = errno;
  const long value = ::syscall(number, arguments...);
  if (value != -1) return {value, 0};
  const int error = errno;
  errno = saved_errno;
  return {0, error};
}

/// A call of glibc's, which returns -1 and errno, unless a test lets it fail; the caller's errno
/// stays as it was.
template <class Call>
RawResult call_through(SystemCall which, const Call& call) noexcept {
  if (const int error = injected_fault(which)) return {0, error};
  const int saved_errno = errno;
  const long value = call();
  const int error = value < 0 ? errno : 0;
  errno = saved_errno;
  return {value < 0 ? 0 : value, error};
}

}  // namespace takt::inline v0::platform::detail

#endif  // TAKT_PLATFORM_RAW_CALL_H_
