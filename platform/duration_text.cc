// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/duration_text.h"

#include <cstddef>

namespace takt::inline v0 {

void write_duration(TextWriter& writer, Duration duration, std::string_view space) noexcept {
  constexpr const char* kUnits[] = {"ns", "us", "ms", "s"};
  Duration::rep value = duration.count();
  std::size_t unit = 0;
  while (value != 0 && unit + 1 < sizeof kUnits / sizeof kUnits[0] && value % 1000 == 0) {
    value /= 1000;
    ++unit;
  }
  writer << value << space << kUnits[unit];
}

}  // namespace takt::inline v0
