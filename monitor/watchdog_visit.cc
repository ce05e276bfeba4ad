// SPDX-License-Identifier: Apache-2.0
// What a watchdog exposes.
#include <cstdint>

#include "takt/monitor/watchdog.h"
#include "takt/platform/text.h"

namespace takt::inline v0 {
namespace {

using detail::FigureInfo;

constexpr FigureInfo kState{"takt_watchdog_state",
                            "0 ok, 1 somebody failed, 2 somebody expired, 3 stopped", "", 1,
                            MetricKind::gauge};
constexpr FigureInfo kMode{"takt_watchdog_mode", "0 startup, 1 normal, 2 degraded", "", 1,
                           MetricKind::gauge};
constexpr FigureInfo kSubjectState{"takt_watchdog_subject_state",
                                   "0 ok, 1 failed, 2 expired, 3 not supervised in this mode", "",
                                   1, MetricKind::gauge};
constexpr FigureInfo kVerdicts{"takt_watchdog_verdicts_total", "What was found wrong, by fault", "",
                               1, MetricKind::counter};
constexpr FigureInfo kFeeds{"takt_watchdog_feeds_total", "How often it was fed", "", 1,
                            MetricKind::counter};
constexpr FigureInfo kRefusedFeeds{"takt_watchdog_refused_feeds_total",
                                   "How often it did not take it", "", 1, MetricKind::counter};
constexpr FigureInfo kGlances{"takt_watchdog_glances_total", "How often the watchdog looked", "", 1,
                              MetricKind::counter};
constexpr FigureInfo kLateGlances{"takt_watchdog_late_glances_total",
                                  "Glances too late to accuse anybody", "", 1, MetricKind::counter};
constexpr FigureInfo kLateness{"takt_watchdog_max_lateness_seconds",
                               "The most that a glance came or lasted beyond its time", "seconds",
                               kNanosecondsPerSecond, MetricKind::gauge};

template <class Enumeration>
std::int64_t number_of(Enumeration value) noexcept {
  return static_cast<std::int64_t>(value);
}

}  // namespace

void Watchdog::visit(MetricVisitor visitor, void* argument) const noexcept {
  detail::MetricVisit visit(visitor, argument);
  visit_itself(visit);
  visit_subjects(visit);
}

void Watchdog::visit_itself(detail::MetricVisit& visit) const noexcept {
  visit.value(kState, {}, number_of(state()));
  visit.value(kMode, {}, number_of(mode()));
  for (std::uint32_t number = 1; number < kFaults; ++number) {
    const auto fault = static_cast<Fault>(number);
    const MetricLabel labels[] = {{.name = "fault", .value = to_string(fault)}};
    visit.counter(kVerdicts, labels, verdict_count(fault));
  }
  for (const bool refused : {false, true}) {
    for (const bool device : {true, false}) {
      const FeedCounts& counts = device ? device_feeds_ : manager_feeds_;
      const MetricLabel labels[] = {
          {.name = "receiver", .value = device ? "device" : "service_manager"}};
      visit.counter(refused ? kRefusedFeeds : kFeeds, labels,
                    (refused ? counts.refused : counts.taken).get());
    }
  }
  visit.counter(kGlances, {}, glances());
  visit.counter(kLateGlances, {}, late_glances());
  visit.value(kLateness, {}, greatest_lateness().count());
}

void Watchdog::visit_subjects(detail::MetricVisit& visit) const noexcept {
  const auto show = [&visit](const char* kind, std::uint32_t number, const auto& subject) {
    Text<12> text;
    text << number;
    const MetricLabel labels[] = {{.name = "kind", .value = kind},
                                  {.name = "name", .value = subject.name()},
                                  {.name = "number", .value = text.c_str()}};
    visit.value(kSubjectState, labels, number_of(subject.state()));
  };
  for (std::uint32_t number = 0; number < entity_count_; ++number) {
    show("entity", number, *storage_.entities[number]);
  }
  for (std::uint32_t number = 0; number < task_count_; ++number) {
    show("task", number, storage_.tasks[number]);
  }
  for (std::uint32_t number = 0; number < worker_count_; ++number) {
    show("worker", number, storage_.workers[number]);
  }
}

}  // namespace takt::inline v0
