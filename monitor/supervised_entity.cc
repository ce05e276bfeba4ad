// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/supervised_entity.h"

#include <algorithm>
#include <cstring>

#include "takt/platform/text.h"

namespace takt::inline v0 {
namespace {

Status refused(const char* name, const char* what) noexcept {
  Text<Status::kTextBytes> text;
  text << "entity '" << (name == nullptr ? "" : name) << "': " << what;
  return {StatusCode::invalid_argument, text.view()};
}

bool is_checkpoint(CheckpointId id) noexcept {
  return static_cast<std::uint32_t>(id) < kCheckpoints;
}

const char* fault_of(const EntityConfig& config, const EntityExpectation& expected,
                     WatchMode mode) noexcept {
  if (!expected.active) return nullptr;
  if (expected.alive.window <= Duration::zero()) return "a mode has no window";
  if (expected.alive.min > expected.alive.max) return "min is above max";
  for (const DeadlineRule& rule : config.deadlines) {
    const DeadlineExpectation& limits = rule.expected[mode];
    if (limits.min < Duration::zero() ||
        (limits.max != Duration::zero() && limits.min > limits.max)) {
      return "a deadline's min is above its max";
    }
  }
  return nullptr;
}

}  // namespace

SupervisedEntity::SupervisedEntity() noexcept = default;

Status SupervisedEntity::configure(const EntityConfig& config) noexcept {
  if (name_[0] != '\0') return refused(config.name, "it is supervised already");
  const std::size_t length = config.name == nullptr ? 0 : ::strnlen(config.name, kNameBytes);
  if (length == 0 || length == kNameBytes) {
    return refused("", "a name has 1 to 15 characters");
  }
  if (!is_checkpoint(config.alive)) return refused(config.name, "no such checkpoint: alive");
  for (const Transition& transition : config.order) {
    if (std::max(transition.from, transition.to) > kBegin) {
      return refused(config.name, "no such checkpoint: order");
    }
  }
  if (config.deadlines.size() > kDeadlines) return refused(config.name, "more than 4 deadlines");
  for (const DeadlineRule& rule : config.deadlines) {
    if (!is_checkpoint(rule.from) || !is_checkpoint(rule.to)) {
      return refused(config.name, "no such checkpoint: deadline");
    }
  }
  for (const WatchMode mode : {WatchMode::startup, WatchMode::normal, WatchMode::degraded}) {
    const char* const fault = fault_of(config, config.expected[mode], mode);
    if (fault != nullptr) return refused(config.name, fault);
  }
  std::memcpy(name_, config.name, length);
  expected_ = config.expected;
  logical_.allow(config.order);
  for (const DeadlineRule& rule : config.deadlines) {
    rules_[rule_count_++].rule = rule;
    timed_ |= 1U << static_cast<std::uint32_t>(rule.from);
    timed_ |= 1U << static_cast<std::uint32_t>(rule.to);
  }
  alive_number_ = static_cast<std::uint32_t>(config.alive);
  return {};
}

void SupervisedEntity::measure(std::uint32_t number, TimePoint at) noexcept {
  const WatchMode mode = this->mode();
  // Ends before beginnings: a rule may begin where another one ends, or where itself does.
  for (Rule& rule : std::span(rules_, rule_count_)) {
    if (static_cast<std::uint32_t>(rule.rule.to) == number) {
      rule.supervision.finish(at, rule.rule.expected[mode]);
    }
  }
  for (Rule& rule : std::span(rules_, rule_count_)) {
    if (static_cast<std::uint32_t>(rule.rule.from) == number) {
      rule.supervision.start(at, rule.rule.expected[mode]);
    }
  }
}

void SupervisedEntity::begin(WatchMode mode, const Look& look) noexcept {
  mode_.store(mode, std::memory_order_relaxed);  // relaxed: see mode()
  // Who has expired may have been restarted, in the midst of a round and of its spans; the new one
  // may be in the midst of its own.
  const bool may_be_new = local_.state() == LocalState::expired;
  local_.begin(expected().active);
  alive_.begin(look, seen_);
  for (Rule& rule : std::span(rules_, rule_count_)) {
    if (may_be_new) {
      rule.supervision.reinstate(judged_at_, look);
    } else {
      rule.supervision.restart(look);
    }
  }
  logical_.start_anywhere();
}

void SupervisedEntity::exclude(const Disturbance& disturbance, bool forgiven) noexcept {
  if (local_.state() == LocalState::expired) return;
  alive_.exclude(disturbance, seen_);
  for (Rule& rule : std::span(rules_, rule_count_)) {
    rule.supervision.exclude(disturbance);
    if (forgiven) rule.supervision.forget_counted();
  }
}

void SupervisedEntity::judge(const Look& look, bool settling, Findings& findings) noexcept {
  const EntityExpectation& expected = this->expected();
  judged_at_ = look.end;
  alive_.judge(expected.alive, look, seen_, findings);
  for (Rule& rule : std::span(rules_, rule_count_)) {
    if (settling) {
      rule.supervision.forget_counted();
      continue;
    }
    rule.supervision.judge(rule.rule.expected[mode()], look,
                           static_cast<std::uint32_t>(rule.rule.from),
                           static_cast<std::uint32_t>(rule.rule.to), findings);
  }
  logical_.judge(!expected.logical, findings);
}

}  // namespace takt::inline v0
