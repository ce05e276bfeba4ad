// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_CHECK_H_
#define TAKT_PLATFORM_CHECK_H_

namespace takt::inline v0 {

/// Writes "file:line: check failed: condition: message" to stderr and aborts. Never returns.
/// Blocks: until stderr took the line. Callable from: any thread, signal handlers included.
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const char* message) noexcept;

}  // namespace takt::inline v0

/// Aborts with `message` when a contract of the caller is broken. Active in every build: NDEBUG
/// changes nothing. For programming errors only; what the system refuses is a Status.
#define TAKT_CHECK(condition, message)                               \
  do {                                                               \
    if (!(condition)) [[unlikely]] {                                 \
      ::takt::check_failed(__FILE__, __LINE__, #condition, message); \
    }                                                                \
  } while (false)

#endif  // TAKT_PLATFORM_CHECK_H_
