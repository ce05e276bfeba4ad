// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/fixed_priority.h"

#include "takt/platform/this_thread.h"

namespace takt::inline v0::platform::detail {

constinit thread_local std::int32_t cached_fixed_priority = kPriorityUnknown;

std::int32_t read_fixed_priority() noexcept {
  const Result<Scheduling> now = scheduling();
  if (!now.ok()) return 0;  // asked again next time
  cached_fixed_priority = fixed_priority_of(*now);
  return cached_fixed_priority;
}

}  // namespace takt::inline v0::platform::detail
