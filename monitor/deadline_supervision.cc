// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/deadline_supervision.h"

namespace takt::inline v0 {

void DeadlineSupervision::judge(const DeadlineExpectation& expected, const Look& look,
                                std::uint32_t from, std::uint32_t to, Findings& findings) noexcept {
  Finding finding{.kind = Supervision::deadline, .from = from, .to = to};
  const std::uint64_t early = early_.get();
  const std::uint64_t late = late_.get();
  finding.measured = Duration(static_cast<std::int64_t>(measured_.get()));
  if (early != seen_early_) {
    finding.fault = Fault::checkpoint_early;
    finding.count = early - seen_early_;
    findings.add(finding);
  }
  if (late != seen_late_) {
    finding.fault = Fault::checkpoint_late;
    finding.count = late - seen_late_;
    findings.add(finding);
  }
  seen_early_ = early;
  seen_late_ = late;
  if (expected.max <= Duration::zero()) return;
  // relaxed, here and below: as in close().
  std::uint64_t span = word_.load(std::memory_order_relaxed);
  if ((span & kOpen) == 0) return;
  const Duration takes = look.begin - unpack(span);
  if (takes <= expected.max) return;
  // Accused already: late still, so that no cycle of its is without fault.
  const bool again = (span & kAccused) != 0;
  // Fails when the reporter came meanwhile: then it has counted itself.
  if (!again && !word_.compare_exchange_strong(span, span | kAccused, std::memory_order_relaxed,
                                               std::memory_order_relaxed)) {
    return;
  }
  finding.fault = Fault::checkpoint_late;
  finding.count = again ? 0 : 1;
  finding.measured = takes;
  findings.add(finding);
}

void DeadlineSupervision::move_begin(std::uint64_t span, TimePoint begin,
                                     std::uint64_t flags) noexcept {
  // relaxed: the word is all that is exchanged with the reporter. Fails when the reporter came
  // meanwhile: nothing is open then, or what is open is new.
  static_cast<void>(word_.compare_exchange_strong(span, pack(begin) | kOpen | kMoved | flags,
                                                  std::memory_order_relaxed,
                                                  std::memory_order_relaxed));
}

void DeadlineSupervision::restart(const Look& look) noexcept {
  const std::uint64_t span = word_.load(std::memory_order_relaxed);  // relaxed: see move_begin()
  if ((span & kOpen) != 0) move_begin(span, look.end, 0);
  forget_counted();
}

void DeadlineSupervision::exclude(const Disturbance& disturbance) noexcept {
  const std::uint64_t span = word_.load(std::memory_order_relaxed);  // relaxed: see move_begin()
  if ((span & kOpen) == 0) return;
  const TimePoint began = unpack(span);
  const TimePoint moved = disturbance.moved(began);
  if (moved != began) move_begin(span, moved, span & kAccused);
}

}  // namespace takt::inline v0
