// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/expect.h"

#include <cstdarg>

namespace takt::test::detail {

void append_context(Message& message, const char* format, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, format);
  message.append("\n  ").format_list(format, arguments);
  va_end(arguments);
}

void add_failure(const char* file, int line, const char* format, ...) noexcept {
  Message message;
  std::va_list arguments;
  va_start(arguments, format);
  message.format_list(format, arguments);
  va_end(arguments);
  report_failure(file, line, message);
}

void skip(const char* file, int line, const char* format, ...) noexcept {
  Message reason;
  std::va_list arguments;
  va_start(arguments, format);
  reason.format_list(format, arguments);
  va_end(arguments);
  report_skip(file, line, reason);
}

}  // namespace takt::test::detail
