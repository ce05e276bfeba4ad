// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MONITOR_PROMTOOL_H_
#define TAKT_TESTS_MONITOR_PROMTOOL_H_

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "takt/platform/file_writer.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// Whether Prometheus's own tool finds nothing wrong with a text. Without it the case goes on, and
/// counts as skipped.
inline void expect_promtool_accepts(const std::string& text) {
  if (std::system("command -v promtool >/dev/null") != 0) {
    SKIP("no promtool here (boards/takt setup check)");
  }
  const char* directory = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(directory != nullptr ? directory : "/tmp") +
                           "/takt_promtool_" + std::to_string(::getpid()) + ".prom";
  ASSERT_OK(platform::replace_file(path.c_str(), text));
  EXPECT_EQ(std::system(("promtool check metrics < " + path + " >&2").c_str()), 0);
  ::unlink(path.c_str());
}

}  // namespace takt::test

#endif  // TAKT_TESTS_MONITOR_PROMTOOL_H_
