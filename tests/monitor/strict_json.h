// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MONITOR_STRICT_JSON_H_
#define TAKT_TESTS_MONITOR_STRICT_JSON_H_

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "takt/platform/file_writer.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// Whether a text is strict JSON to somebody else's reader, which takes no NaN either: ours
/// tolerates more. Without python3 it says so and the case goes on.
inline void expect_strict_json(const std::string& text) {
  if (std::system("python3 -c '' >/dev/null 2>&1") != 0) {
    std::fputs("SKIPPED: no python3 here to read strict JSON\n", stderr);
    return;
  }
  const char* directory = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(directory != nullptr ? directory : "/tmp") + "/takt_json_" +
                           std::to_string(::getpid()) + ".json";
  ASSERT_OK(platform::replace_file(path.c_str(), text));
  const std::string read =
      "python3 -c 'import json, sys; json.load(sys.stdin, parse_constant=int)'";
  EXPECT_EQ(std::system((read + " < " + path).c_str()), 0);
  ::unlink(path.c_str());
}

}  // namespace takt::test

#endif  // TAKT_TESTS_MONITOR_STRICT_JSON_H_
