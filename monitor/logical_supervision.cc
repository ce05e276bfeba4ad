// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/logical_supervision.h"

namespace takt::inline v0 {

void LogicalSupervision::allow(std::span<const Transition> transitions) noexcept {
  for (std::uint32_t& mask : successors_) mask = transitions.empty() ? ~0U : 0;
  for (const Transition& transition : transitions) {
    successors_[static_cast<std::uint32_t>(transition.from)] |=
        1U << static_cast<std::uint32_t>(transition.to);
  }
  // Where a round may end, another one may begin.
  constexpr std::uint32_t kRoundEnds = 1U << kCheckpoints;
  for (std::uint32_t& mask : successors_) {
    if ((mask & kRoundEnds) != 0) mask |= successors_[kCheckpoints];
  }
  successors_[kAnywhere] = ~0U;
}

void LogicalSupervision::judge(bool forgiven, Findings& findings) noexcept {
  const std::uint64_t wrong = wrong_.get();
  if (wrong == seen_) return;
  const std::uint64_t step = step_.get();
  if (!forgiven) {
    findings.add({.fault = Fault::wrong_order,
                  .kind = Supervision::logical,
                  .from = static_cast<std::uint32_t>(step >> 32U),
                  .to = static_cast<std::uint32_t>(step),
                  .count = wrong - seen_});
  }
  seen_ = wrong;
}

}  // namespace takt::inline v0
