// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/alive_supervision.h"

namespace takt::inline v0 {

std::uint64_t AliveSupervision::most(const AliveExpectation& expected, Duration longest) noexcept {
  const Duration beyond = longest - expected.window;
  if (beyond <= Duration::zero()) return expected.max;
  // Rounded up: the load of the extra time, spread evenly.
  const double extra = static_cast<double>(expected.max) * static_cast<double>(beyond.count()) /
                       static_cast<double>(expected.window.count());
  return expected.max + static_cast<std::uint64_t>(extra) + 1;
}

void AliveSupervision::exclude(const Disturbance& disturbance, std::uint64_t indications) noexcept {
  const Look look{disturbance.end, disturbance.end};
  if (indications < last_change_.indications) {  // as in judge()
    begin(look, indications);
    return;
  }
  window_.look.end = disturbance.moved(window_.look.end);
  last_change_.look.end = disturbance.moved(last_change_.look.end);
  if (indications != last_change_.indications) last_change_ = {look, indications};
}

void AliveSupervision::judge(const AliveExpectation& expected, const Look& look,
                             std::uint64_t indications, Findings& findings) noexcept {
  // A counter that runs backwards belongs to somebody new (a task in a freed slot).
  if (indications < last_change_.indications) {
    begin(look, indications);
    return;
  }
  if (indications != last_change_.indications) last_change_ = {look, indications};
  const std::uint64_t count = indications - window_.indications;
  // How long the window certainly is, and how long it may be.
  const Duration shortest = look.begin - window_.look.end;
  const Duration longest = look.end - window_.look.begin;
  const bool over = shortest >= expected.window;
  Finding finding{.kind = Supervision::alive, .count = count, .measured = longest};
  if (expected.max != AliveExpectation::kAny && count > most(expected, longest)) {
    finding.fault = Fault::too_many_indications;
  } else if (over &&
             count < expected.min * static_cast<std::uint64_t>(shortest / expected.window)) {
    finding.fault = Fault::too_few_indications;
  } else if (expected.min != 0 && look.begin - last_change_.look.end >= expected.window) {
    finding.fault = Fault::too_few_indications;
    finding.count = 0;
    finding.measured = look.begin - last_change_.look.end;
  }
  if (finding.fault != Fault::none) {
    findings.add(finding);
    begin(look, indications);  // what is wrong for longer is found once a window
  } else if (over) {
    window_ = {look, indications};
  }
  if (over || finding.fault != Fault::none) findings.cycle_ended = true;
}

}  // namespace takt::inline v0
