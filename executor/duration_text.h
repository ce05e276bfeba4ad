// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_DURATION_TEXT_H_
#define TAKT_EXECUTOR_DURATION_TEXT_H_

#include <cstddef>
#include <cstdint>

#include "takt/platform/text.h"
#include "takt/platform/time.h"

namespace takt::inline v0::detail {

/// In the largest unit that shows the value exactly: "1500us", "2s".
inline void write_duration(TextWriter& writer, Duration duration) noexcept {
  std::int64_t value = duration.count();
  const char* const units[] = {"ns", "us", "ms", "s"};
  std::size_t unit = 0;
  while (value != 0 && unit + 1 < sizeof units / sizeof units[0] && value % 1000 == 0) {
    value /= 1000;
    ++unit;
  }
  writer << value << units[unit];
}

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_DURATION_TEXT_H_
