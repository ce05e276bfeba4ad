// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/scheduling.h"

#include "takt/platform/duration_text.h"

namespace takt::inline v0 {

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
