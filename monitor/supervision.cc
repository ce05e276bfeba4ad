// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/supervision.h"

#include <cstddef>

namespace takt::inline v0 {
namespace {

template <class Enumeration, std::size_t kCount>
const char* name_of(Enumeration value, const char* const (&names)[kCount]) noexcept {
  const auto number = static_cast<std::size_t>(value);
  return number < kCount ? names[number] : "unknown";
}

}  // namespace

const char* to_string(WatchMode mode) noexcept {
  static constexpr const char* kNames[] = {"startup", "normal", "degraded"};
  return name_of(mode, kNames);
}

const char* to_string(LocalState state) noexcept {
  static constexpr const char* kNames[] = {"ok", "failed", "expired", "deactivated"};
  return name_of(state, kNames);
}

const char* to_string(GlobalState state) noexcept {
  static constexpr const char* kNames[] = {"ok", "failed", "expired", "stopped"};
  return name_of(state, kNames);
}

const char* to_string(Fault fault) noexcept {
  static constexpr const char* kNames[] = {
      "none",
      "too_few_indications",
      "too_many_indications",
      "checkpoint_early",
      "checkpoint_late",
      "deadline_missed",
      "wrong_order",
      "stuck_in_job",
      "starved",
      "not_running",
      "monitor_late",
      "feeding_refused",
  };
  return name_of(fault, kNames);
}

}  // namespace takt::inline v0
