// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/status.h"

#include <string.h>
#include <unistd.h>

#include <cerrno>

#include "takt/platform/text.h"

namespace takt::inline v0 {
namespace {

StatusCode code_for_errno(int error_number) noexcept {
  switch (error_number) {
    case EPERM:
    case EACCES:
      return StatusCode::permission_denied;
    case ENOMEM:
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
      return StatusCode::resource_exhausted;
    case ETIMEDOUT:
      return StatusCode::timed_out;
    case ENOENT:
    case ENXIO:
    case ESRCH:
    case ENODEV:
      return StatusCode::not_found;
    case EINVAL:
      return StatusCode::invalid_argument;
    case ENOSYS:
    case EOPNOTSUPP:
      return StatusCode::unsupported;
    case EBUSY:
      return StatusCode::unavailable;
    default:
      return StatusCode::system_error;
  }
}

}  // namespace

const char* to_string(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::ok:
      return "ok";
    case StatusCode::invalid_argument:
      return "invalid_argument";
    case StatusCode::failed_precondition:
      return "failed_precondition";
    case StatusCode::permission_denied:
      return "permission_denied";
    case StatusCode::resource_exhausted:
      return "resource_exhausted";
    case StatusCode::timed_out:
      return "timed_out";
    case StatusCode::cancelled:
      return "cancelled";
    case StatusCode::dropped:
      return "dropped";
    case StatusCode::failed:
      return "failed";
    case StatusCode::not_found:
      return "not_found";
    case StatusCode::unsupported:
      return "unsupported";
    case StatusCode::unavailable:
      return "unavailable";
    case StatusCode::closed:
      return "closed";
    case StatusCode::broken:
      return "broken";
    case StatusCode::owner_died:
      return "owner_died";
    case StatusCode::not_recoverable:
      return "not_recoverable";
    case StatusCode::system_error:
      return "system_error";
  }
  return "unknown";
}

Status::Status(StatusCode code, std::string_view text, int error_number) noexcept
    : code_(code), error_number_(error_number) {
  TextWriter(text_, sizeof text_) << text;
}

Status Status::from_errno(int error_number, std::string_view text) noexcept {
  return {code_for_errno(error_number), text, error_number};
}

int report(const Status& status) noexcept {
  if (status.ok()) return 0;
  Text<256> line;
  line << "takt: " << to_string(status.code()) << ": " << status.text();
  if (status.error_number() != 0) {
    // The _np forms neither allocate nor look at the locale.
    const char* name = ::strerrorname_np(status.error_number());
    const char* description = ::strerrordesc_np(status.error_number());
    line << " (";
    if (name != nullptr) line << name << ": ";
    if (description != nullptr) {
      line << description;
    } else {
      line << "errno " << status.error_number();
    }
    line << ')';
  }
  line << '\n';
  // A closed stderr loses the line, but the exit code still tells.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.c_str(), line.size());
  return 1;
}

}  // namespace takt::inline v0
