// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/alert.h"

#include <cstring>
#include <utility>

namespace takt::inline v0::detail {

void Alert::set(const AlertConfig& config) noexcept {
  config_ = config;
  std::strncpy(name_, config.name, kAlertNameBytes - 1);
  config_.name = name_;
}

bool Alert::is_beyond(double value) const noexcept {
  return config_.when == AlertWhen::above ? value > config_.threshold : value < config_.threshold;
}

bool Alert::is_back(double value) const noexcept {
  return config_.when == AlertWhen::above ? value <= config_.threshold - config_.hysteresis
                                          : value >= config_.threshold + config_.hysteresis;
}

void Alert::judge(std::optional<double> value, TimePoint time, Duration period) noexcept {
  const AlertState before = state();
  const Duration since_last = time - std::exchange(judged_, time);
  if (before == AlertState::raised) {
    if (value.has_value() && is_back(*value)) change(AlertState::quiet, *value, time);
    return;
  }
  if (!value.has_value() || !is_beyond(*value)) {
    // relaxed, here and below: see state().
    state_.store(AlertState::quiet, std::memory_order_relaxed);
    return;
  }
  if (before == AlertState::quiet) {
    since_ = time;
  } else if (since_last > 2 * period) {  // late by a period at least: some were left out
    since_ += since_last - period;
  }
  if (time - since_ >= config_.duration) {
    change(AlertState::raised, *value, time);
  } else {
    state_.store(AlertState::pending, std::memory_order_relaxed);
  }
}

void Alert::change(AlertState state, double value, TimePoint time) noexcept {
  state_.store(state, std::memory_order_relaxed);
  const bool raised = state == AlertState::raised;
  if (raised) raises_.add();
  if (config_.on_change == nullptr) return;
  config_.on_change({.name = name_,
                     .raised = raised,
                     .value = value,
                     .threshold = config_.threshold,
                     .time = time,
                     .argument = config_.argument});
}

}  // namespace takt::inline v0::detail
