// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_SLEEPING_H_
#define TAKT_TESTS_EXECUTOR_SLEEPING_H_

#include <sys/types.h>

#include <cstdio>

#include "takt/tests/support/test.h"

namespace takt::test {

/// Whether the kernel has put this thread of this process to sleep.
inline bool sleeps(pid_t thread) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", static_cast<int>(thread));
  std::FILE* const file = std::fopen(path, "re");
  if (!EXPECT_TRUE(file != nullptr)) return true;
  char state = 0;
  EXPECT_EQ(std::fscanf(file, "%*d (%*[^)]) %c", &state), 1);
  std::fclose(file);
  return state == 'S';
}

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_SLEEPING_H_
