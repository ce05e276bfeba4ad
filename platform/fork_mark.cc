// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/fork_mark.h"

#include "takt/platform/memory.h"

namespace takt::inline v0::platform {

bool ForkMark::in_child() const noexcept {
  const std::uint32_t current = fork_generation();
  if (current == 0) return false;
  return !is_mapped(this) || generation_ != current;
}

}  // namespace takt::inline v0::platform
