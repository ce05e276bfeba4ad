// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/scheduling.h"

namespace takt::inline v0 {
namespace {

/// In the largest unit that shows the value exactly: "1500us", "2s".
void write_duration(TextWriter& writer, Duration duration) noexcept {
  std::int64_t value = duration.count();
  const char* const units[] = {"ns", "us", "ms", "s"};
  std::size_t unit = 0;
  while (value != 0 && unit + 1 < sizeof units / sizeof units[0] && value % 1000 == 0) {
    value /= 1000;
    ++unit;
  }
  writer << value << units[unit];
}

}  // namespace

void Scheduling::write(TextWriter& writer) const noexcept {
  writer << to_string(policy_);
  switch (policy_) {
    case SchedulingPolicy::fifo:
    case SchedulingPolicy::round_robin:
      writer << ' ' << priority_;
      break;
    case SchedulingPolicy::deadline:
      writer << ' ';
      write_duration(writer, runtime_);
      writer << '/';
      write_duration(writer, deadline_);
      writer << '/';
      write_duration(writer, period_);
      break;
    case SchedulingPolicy::other:
      if (nice_ != 0) writer << " nice " << nice_;
      break;
    case SchedulingPolicy::batch:
    case SchedulingPolicy::idle:
      break;
  }
}

}  // namespace takt::inline v0
