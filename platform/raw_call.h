// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_RAW_CALL_H_
#define TAKT_PLATFORM_RAW_CALL_H_

#include <unistd.h>

#include <cerrno>

/// System calls for which glibc has no function. Private to platform/.
namespace takt::inline v0::platform::detail {

/// What a system call gave: a value that is not negative, or the errno.
struct RawResult {
  long value;
  int error;
};

/// Makes the call and leaves the caller's errno as it was: a primitive that waits inside a job
/// must not change what the job sees.
template <class... Arguments>
RawResult raw_call(long number, Arguments... arguments) noexcept {
  const int saved_errno = errno;
  const long value = ::syscall(number, arguments...);
  if (value != -1) return {value, 0};
  const int error = errno;
  errno = saved_errno;
  return {0, error};
}

}  // namespace takt::inline v0::platform::detail

#endif  // TAKT_PLATFORM_RAW_CALL_H_
