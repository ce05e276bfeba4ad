// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include "takt/platform/check.h"
#include "takt/tests/boards/virtual_time/contestants.h"

namespace takt::virtual_time {

Figures cyclictest(const Places& places, int samples) {
  const std::string command =
      "cyclictest --quiet --mlockall --threads=1 --nsecs --policy=fifo --affinity=" +
      std::to_string(places.measured.slot) +
      " --priority=" + std::to_string(places.measured.priority) +
      " --interval=" + std::to_string(kInterval / std::chrono::microseconds(1)) +
      " --loops=" + std::to_string(samples) + " 2>&1";
  std::FILE* output = ::popen(command.c_str(), "r");
  TAKT_CHECK(output != nullptr, "cyclictest cannot be started");
  Figures figures;
  bool found = false;
  char line[256];
  while (std::fgets(line, sizeof line, output) != nullptr) {
    long long count = 0, min = 0, average = 0, max = 0;
    if (std::sscanf(line, "T: 0 (%*d) P:%*d I:%*d C:%lld Min:%lld Act:%*d Avg:%lld Max:%lld",
                    &count, &min, &average, &max) == 4) {
      figures = {.samples = count, .min = min, .max = max, .average = static_cast<double>(average)};
      found = true;
    } else {
      std::fputs(line, stderr);
    }
  }
  const int status = ::pclose(output);
  TAKT_CHECK(status == 0 && found, "cyclictest failed, or prints what is not known here");
  return figures;
}

}  // namespace takt::virtual_time
