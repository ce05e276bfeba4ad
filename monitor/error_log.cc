// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/error_log.h"

#include <algorithm>
#include <optional>

#include "takt/monitor/metric_visit.h"
#include "takt/platform/check.h"
#include "takt/platform/duration_text.h"
#include "takt/platform/thread_id.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {
namespace {

Status refused(std::string_view what, std::size_t number, std::string_view problem) noexcept {
  Text<Status::kTextBytes> text;
  text << "ErrorLog: " << what << ' ' << number << ' ' << problem;
  return {StatusCode::invalid_argument, text.view()};
}

Status no_room(std::size_t wanted, std::string_view what, std::size_t room) noexcept {
  Text<Status::kTextBytes> text;
  text << "ErrorLog: " << wanted << ' ' << what << ", room for " << room;
  return {StatusCode::resource_exhausted, text.view()};
}

}  // namespace

const char* to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
    case Severity::critical:
      return "critical";
  }
  return "unknown";
}

const char* to_string(RecoveryAction action) noexcept {
  switch (action) {
    case RecoveryAction::note:
      return "note";
    case RecoveryAction::retry:
      return "retry";
    case RecoveryAction::reset_device:
      return "reset_device";
    case RecoveryAction::restart_task:
      return "restart_task";
    case RecoveryAction::degrade:
      return "degrade";
    case RecoveryAction::stop:
      return "stop";
  }
  return "unknown";
}

ErrorLog::ErrorLog(std::span<detail::ErrorKindState> kinds, std::span<detail::RuleState> rules,
                   std::span<ErrorEntry> history) noexcept
    : kind_storage_(kinds), rule_storage_(rules), history_storage_(history) {}

Status ErrorLog::configure(std::span<const ErrorKindConfig> kinds,
                           std::span<const RecoveryRule> rules) noexcept {
  constexpr Duration kLeastWindow(8);
  if (kind_count_ != 0) return {StatusCode::failed_precondition, "ErrorLog: configured already"};
  if (kinds.size() > kind_storage_.size()) {
    return no_room(kinds.size(), "kinds", kind_storage_.size());
  }
  if (rules.size() > rule_storage_.size()) {
    return no_room(rules.size(), "rules", rule_storage_.size());
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i].name == nullptr || *kinds[i].name == '\0')
      return refused("kind", i, "has no name");
    for (std::size_t other = 0; other < i; ++other) {
      if (std::string_view(kinds[other].name) == kinds[i].name) {
        return refused("kind", i, "has the name of another one");
      }
    }
    if (kinds[i].window < kLeastWindow) return refused("kind", i, "has a window under 8 ns");
    if (static_cast<std::uint32_t>(kinds[i].severity) >= kSeverities) {
      return refused("kind", i, "has no such severity");
    }
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (static_cast<std::size_t>(rules[i].kind) >= kinds.size()) {
      return refused("rule", i, "is for a kind that is not there");
    }
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    kind_storage_[i].config = kinds[i];
    kind_storage_[i].window.begin(kinds[i].window);
  }
  for (std::size_t i = 0; i < rules.size(); ++i) rule_storage_[i].rule = rules[i];
  kind_count_ = static_cast<std::uint32_t>(kinds.size());
  rule_count_ = static_cast<std::uint32_t>(rules.size());
  return {};
}

Status ErrorLog::add_listener(ErrorListener listener, void* argument, Severity least) noexcept {
  for (Listener& place : listeners_) {
    if (place.call != nullptr) continue;
    place = {.call = listener, .argument = argument, .least = least};
    return {};
  }
  return no_room(kListeners + 1, "listeners", kListeners);
}

detail::ErrorKindState& ErrorLog::kind_of(ErrorKind kind) noexcept {
  const auto number = static_cast<std::size_t>(kind);
  TAKT_CHECK(number < kind_count_, "ErrorLog: no such kind of error was configured");
  return kind_storage_[number];
}

bool ErrorLog::report_at(TimePoint time, ErrorKind kind, std::string_view text,
                         std::int32_t code) noexcept {
  detail::ErrorKindState& state = kind_of(kind);
  ErrorEntry entry;
  entry.time = time;
  entry.kind = kind;
  entry.severity = state.config.severity;
  entry.code = code;
  entry.thread = static_cast<std::uint32_t>(platform::thread_id());
  TextWriter(entry.text, sizeof entry.text) << text;
  state.reported.add();
  const bool recorded = inbox_.try_push(entry);
  if (!recorded) state.unrecorded.add();
  return recorded;
}

std::size_t ErrorLog::step(TimePoint now) noexcept {
  std::size_t count = 0;
  while (count < kInbox) {
    const std::optional<ErrorEntry> entry = inbox_.try_pop();
    if (!entry.has_value()) break;
    take(*entry, now);
    ++count;
  }
  // Those without room count as happening now: a flood fires its rules.
  for (std::uint32_t number = 0; number < kind_count_; ++number) {
    detail::ErrorKindState& state = kind_storage_[number];
    const std::uint64_t unrecorded = state.unrecorded.get();
    if (unrecorded == state.unrecorded_seen) continue;
    ErrorEntry entry;
    entry.time = now;
    entry.kind = ErrorKind{number};
    entry.severity = state.config.severity;
    entry.count = unrecorded - state.unrecorded_seen;
    TextWriter(entry.text, sizeof entry.text) << "more reports than the log had room for";
    state.unrecorded_seen = unrecorded;
    take(entry, now);
    ++count;
  }
  const LockGuard lock(mutex_);
  rearm(now);
  return count;
}

// Callbacks are called without the lock: they may read, and report.
void ErrorLog::take(const ErrorEntry& entry, TimePoint now) noexcept {
  detail::ErrorKindState& state = kind_of(entry.kind);
  // A time that cannot be is the reporter's mistake, and shall not spoil the window.
  const TimePoint at = std::max(TimePoint{}, std::min(entry.time, now));
  std::uint64_t in_window = 0;
  {
    const LockGuard lock(mutex_);
    // Errors of the past may have left the window, and rules are armed again, before this one.
    rearm(at);
    history_storage_[static_cast<std::size_t>(taken_ % history_storage_.size())] = entry;
    ++taken_;
    by_severity_[static_cast<std::size_t>(entry.severity)] += entry.count;
    state.window.add(at, entry.count);
    in_window = state.window.count(at);
  }
  for (const Listener& listener : listeners_) {
    if (listener.call != nullptr && entry.severity >= listener.least) {
      listener.call(entry, listener.argument);
    }
  }
  std::uint32_t rule = 0;
  for (;;) {
    {
      const LockGuard lock(mutex_);
      rule = next_fired(entry, rule, in_window);
      if (rule == rule_count_) return;
      ++state.recoveries;
    }
    if (recovery_ != nullptr) recovery_(entry, rule_storage_[rule].rule.action, recovery_argument_);
    ++rule;
  }
}

std::uint32_t ErrorLog::next_fired(const ErrorEntry& entry, std::uint32_t from,
                                   std::uint64_t in_window) noexcept {
  for (; from < rule_count_; ++from) {
    detail::RuleState& state = rule_storage_[from];
    if (state.rule.kind != entry.kind || state.fired || in_window < state.rule.threshold) continue;
    state.fired = state.rule.threshold != 0;
    return from;
  }
  return rule_count_;
}

void ErrorLog::rearm(TimePoint now) noexcept {
  for (detail::RuleState& state : rule_storage_.first(rule_count_)) {
    if (!state.fired) continue;
    state.fired = kind_of(state.rule.kind).window.count(now) >= state.rule.threshold;
  }
}

ErrorKindFigures ErrorLog::figures(ErrorKind kind, TimePoint now) noexcept {
  detail::ErrorKindState& state = kind_of(kind);
  const LockGuard lock(mutex_);
  // Reporters go on meanwhile, and what is unrecorded is reported.
  const std::uint64_t unrecorded = state.unrecorded.get();
  return {.name = state.config.name,
          .severity = state.config.severity,
          .reported = std::max(state.reported.get(), unrecorded),
          .unrecorded = unrecorded,
          .in_window = state.window.count(now),
          .window = state.config.window,
          .recoveries = state.recoveries};
}

std::size_t ErrorLog::history(std::span<ErrorEntry> entries) const noexcept {
  const LockGuard lock(mutex_);
  const std::size_t room = history_storage_.size();
  const auto kept = static_cast<std::size_t>(std::min<std::uint64_t>(taken_, room));
  const std::size_t count = std::min(entries.size(), kept);
  for (std::size_t i = 0; i < count; ++i) {
    entries[i] = history_storage_[static_cast<std::size_t>((taken_ - 1 - i) % room)];
  }
  return count;
}

std::uint64_t ErrorLog::taken(Severity severity) const noexcept {
  const LockGuard lock(mutex_);
  return by_severity_[static_cast<std::size_t>(severity)];
}

void ErrorLog::visit(MetricVisitor visitor, void* argument) const noexcept {
  static constexpr detail::FigureInfo kReported{"takt_errors_total", "Errors that were reported",
                                                "", 1, MetricKind::counter};
  static constexpr detail::FigureInfo kUnrecorded{"takt_errors_without_text_total",
                                                  "Errors that found the log's inbox full", "", 1,
                                                  MetricKind::counter};
  detail::MetricVisit visit(visitor, argument);
  for (const bool unrecorded : {false, true}) {
    for (std::uint32_t number = 0; number < kind_count_; ++number) {
      const detail::ErrorKindState& state = kind_storage_[number];
      const MetricLabel labels[] = {
          {.name = "kind", .value = state.config.name},
          {.name = "severity", .value = to_string(state.config.severity)}};
      visit.counter(unrecorded ? kUnrecorded : kReported, labels,
                    (unrecorded ? state.unrecorded : state.reported).get());
    }
  }
}

void ErrorLog::write_summary(TextWriter& out, TimePoint now) noexcept {
  for (std::uint32_t number = 0; number < kind_count_; ++number) {
    const ErrorKindFigures held = figures(ErrorKind{number}, now);
    if (held.reported == 0) continue;
    out << to_string(held.severity) << ' ' << held.name << ": " << held.reported << ", of these "
        << held.in_window << " in the last ";
    write_rounded_duration(out, held.window, " ");
    if (held.recoveries != 0) out << ", recoveries: " << held.recoveries;
    if (held.unrecorded != 0) out << ", without text: " << held.unrecorded;
    out << '\n';
  }
}

}  // namespace takt::inline v0
