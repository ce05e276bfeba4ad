// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_STATUS_H_
#define TAKT_PLATFORM_STATUS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "takt/platform/version.h"  // first of all: it asks for C++20

namespace takt::inline v0 {

/// The closed list of outcomes. What a caller can act on is a code of its own; the rest is in the
/// errno and the text.
enum class StatusCode : std::uint32_t {
  ok = 0,
  invalid_argument,     ///< a value that can never be right
  failed_precondition,  ///< right in another state: not started, would block on itself, …
  permission_denied,    ///< the system refused a privilege (EPERM, EACCES)
  resource_exhausted,   ///< a fixed capacity or a system limit is used up
  timed_out,            ///< the deadline passed first
  cancelled,            ///< the job was cancelled and never ran
  dropped,              ///< the job was displaced by a newer one
  failed,               ///< the job ended with an exception
  not_found,            ///< no such thing
  unsupported,          ///< this kernel, architecture or build cannot do it
  unavailable,          ///< busy now, may succeed later
  closed,               ///< the queue is closed
  broken,               ///< the barrier is broken
  owner_died,           ///< the lock's owner died; the data need repair
  not_recoverable,      ///< the lock was given up after its owner died
  system_error,         ///< a system call failed in a way that has no code of its own
};

/// The code's name as written in the enumeration, for example "timed_out".
/// Blocks: no. Callable from: anywhere.
const char* to_string(StatusCode code) noexcept;

/// How a call ended: a code, the errno that the system gave (0: none), and a text that names the
/// thing, the call and what to do. Held by value: 104 bytes, of which an ok Status writes and
/// copies 8. Blocks: no. Bound: O(1). Callable from: anywhere, signal handlers included.
class [[nodiscard]] Status {
 public:
  /// Room for the text, its terminating null included.
  static constexpr std::size_t kTextBytes = 96;

  // The text stays unwritten on purpose: a Status that is ok costs no copy of it.
  constexpr Status() noexcept {}  // NOLINT(cppcoreguidelines-pro-type-member-init)
  Status(StatusCode code, std::string_view text, int error_number = 0) noexcept;
  Status(const Status& other) noexcept { assign(other); }  // NOLINT(*-member-init)
  Status& operator=(const Status& other) noexcept {
    if (this != &other) assign(other);
    return *this;
  }
  ~Status() = default;

  /// The Status for a failed system call: EPERM and EACCES become permission_denied, ENOMEM,
  /// EAGAIN, EMFILE, ENFILE and ENOSPC resource_exhausted, ETIMEDOUT timed_out, ENOENT, ENXIO,
  /// ESRCH and ENODEV not_found, EINVAL invalid_argument, ENOSYS and EOPNOTSUPP unsupported,
  /// EBUSY unavailable, everything else system_error.
  static Status from_errno(int error_number, std::string_view text) noexcept;

  bool ok() const noexcept { return code_ == StatusCode::ok; }
  StatusCode code() const noexcept { return code_; }
  /// The errno of the system call that failed; 0 when none did.
  int error_number() const noexcept { return error_number_; }
  /// What happened; empty when ok. Valid as long as this Status.
  const char* text() const noexcept { return ok() ? "" : text_; }

 private:
  void assign(const Status& other) noexcept {
    code_ = other.code_;
    error_number_ = other.error_number_;
    if (!other.ok()) std::memcpy(text_, other.text_, sizeof text_);
  }

  StatusCode code_ = StatusCode::ok;
  int error_number_ = 0;
  char text_[kTextBytes];
};

/// Nothing and 0 when ok; else one line on stderr ("takt: code: text (errno)") and 1, so that
/// `return takt::report(status)` ends main().
/// Blocks: until stderr took the line. Callable from: any thread.
int report(const Status& status) noexcept;

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_STATUS_H_
