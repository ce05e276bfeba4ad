// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/check.h"

#include <unistd.h>

#include <cstdlib>

#include "takt/platform/text.h"

namespace takt::inline v0 {

void check_failed(const char* file, int line, const char* condition, const char* message) noexcept {
  Text<512> text;
  text << file << ':' << line << ": check failed: " << condition << ": " << message << '\n';
  // One write, so that lines of several threads do not mix; nothing can be done if it is refused.
  if (::write(STDERR_FILENO, text.c_str(), text.size()) < 0) std::abort();
  std::abort();
}

}  // namespace takt::inline v0
