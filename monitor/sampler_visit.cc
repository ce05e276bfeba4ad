// SPDX-License-Identifier: Apache-2.0
// What a sampler exposes of its newest sample.
#include <cstdint>
#include <optional>

#include "takt/monitor/sampler.h"
#include "takt/platform/text.h"

namespace takt::inline v0 {
namespace {

using detail::FigureInfo;

constexpr FigureInfo kReleaseJitter{"takt_task_release_jitter_seconds",
                                    "Time from release to start", "seconds", kNanosecondsPerSecond,
                                    MetricKind::histogram};
constexpr FigureInfo kResponseTime{"takt_task_response_seconds", "Time from release to finish",
                                   "seconds", kNanosecondsPerSecond, MetricKind::histogram};
constexpr FigureInfo kRefusedScheduling{"takt_worker_refused_scheduling_errno",
                                        "Why the system refused its policy, 0 where it did not", "",
                                        1, MetricKind::gauge};
constexpr FigureInfo kRefusedAffinity{"takt_worker_refused_affinity_errno",
                                      "Why the system refused its CPUs, 0 where it did not", "", 1,
                                      MetricKind::gauge};
constexpr FigureInfo kAlertRaised{"takt_alert_raised", "Whether the alert is raised", "", 1,
                                  MetricKind::gauge};
constexpr FigureInfo kAlertRaises{"takt_alert_raises_total", "How often the alert was raised", "",
                                  1, MetricKind::counter};
constexpr FigureInfo kSamples{"takt_sampler_samples_total", "Samples taken", "", 1,
                              MetricKind::counter};
constexpr FigureInfo kMissed{"takt_sampler_missed_samples_total",
                             "Samples that were left out because the sampler was late", "", 1,
                             MetricKind::counter};
constexpr FigureInfo kLateness{"takt_sampler_max_lateness_seconds",
                               "The longest time from when a sample was due to when it began",
                               "seconds", kNanosecondsPerSecond, MetricKind::gauge};
constexpr FigureInfo kReadErrors{"takt_sampler_read_errors_total",
                                 "Readings of the system that failed", "", 1, MetricKind::counter};

template <class Stats>
struct FiguresOf;
template <>
struct FiguresOf<WorkerStats> {
  using Type = WorkerFigure;
};
template <>
struct FiguresOf<TaskStats> {
  using Type = TaskFigure;
};
template <>
struct FiguresOf<DescriptorStats> {
  using Type = DescriptorFigure;
};
/// The figures of whatever has these statistics.
template <class Stats>
using FigureOf = typename FiguresOf<Stats>::Type;

/// The labels of a worker, task or descriptor: two of them may be called the same. None while
/// whoever renames it is preempted in the midst of it: figures without a name are nobody's.
class SourceLabels {
 public:
  SourceLabels(const char* label, const SeqLock<detail::SourceName>& name,
               std::uint32_t number) noexcept
      : source_(name), version_(name.version()), name_(name.try_load(kAttempts)) {
    if (!name_.has_value()) return;
    number_ << number;
    labels_[0] = {.name = label, .value = name_->text};
    labels_[1] = {.name = "number", .value = number_.c_str()};
  }
  bool are_readable() const noexcept { return name_.has_value(); }
  /// Whether nobody has been given a name since.
  bool are_current() const noexcept { return source_.version() == version_; }
  /// Whether the newest of so many samples is of who is called so.
  bool are_of(std::uint64_t samples) const noexcept {
    return name_.has_value() && samples > name_->since;
  }
  std::span<const MetricLabel> get() const noexcept { return labels_; }

 private:
  static constexpr unsigned kAttempts = 4;

  const SeqLock<detail::SourceName>& source_;
  std::uint64_t version_;  // of the name or of the one before it
  std::optional<detail::SourceName> name_;
  Text<12> number_;
  MetricLabel labels_[2];
};

}  // namespace

void Sampler::visit(MetricVisitor visitor, void* argument) const noexcept {
  Visit visit(visitor, argument);
  visit_process(visit);
  const std::uint32_t workers = worker_count_.get();
  const std::uint32_t tasks = task_count_.get();
  visit_sources<WorkerStats>(visit, "worker", view_.workers, workers, worker_column(0));
  visit_refusals(visit, workers);
  visit_sources<TaskStats>(visit, "task", view_.tasks, tasks, task_column(0));
  visit_lanes(visit);
  const std::uint32_t descriptors = descriptor_count_.get();
  visit_sources<DescriptorStats>(visit, "descriptor", view_.descriptors, descriptors,
                                 descriptor_column(0));
  visit_histograms(visit);
  visit_alerts(visit);
  visit_itself(visit);
}

std::optional<std::int64_t> Sampler::value_in(std::uint64_t samples,
                                              std::uint32_t column) const noexcept {
  if (samples == 0) return std::nullopt;
  const std::optional<std::int64_t> value = history_.read(samples - 1, column);
  return value == detail::History::kAbsent ? std::nullopt : value;
}

void Sampler::visit_process(Visit& visit) const noexcept {
  for (std::uint32_t number = 0; number < detail::kProcessFigures; ++number) {
    const std::optional<std::int64_t> value = newest(1 + number);
    if (!value.has_value()) continue;
    const auto figure = static_cast<ProcessFigure>(number);
    const FigureInfo& info = detail::info_of(figure);
    if (figure < ProcessFigure::frequency) {
      visit.value(info, {}, *value);
      continue;
    }
    Text<12> text;
    MetricLabel labels[2];
    if (figure < ProcessFigure::temperature) {
      text << process_.cpu(number - static_cast<std::uint32_t>(ProcessFigure::frequency));
      labels[0] = {.name = "cpu", .value = text.c_str()};
      visit.value(info, std::span<const MetricLabel>(labels).first(1), *value);
    } else {
      const std::uint32_t index = number - static_cast<std::uint32_t>(ProcessFigure::temperature);
      text << process_.zone(index);
      labels[0] = {.name = "zone", .value = text.c_str()};
      labels[1] = {.name = "type", .value = process_.zone_type(index)};
      visit.value(info, labels, *value);
    }
  }
}

template <class Stats>
void Sampler::visit_sources(Visit& visit, const char* label,
                            std::span<const detail::Source<Stats>> sources, std::uint32_t count,
                            std::uint32_t first_column) const noexcept {
  using Figure = FigureOf<Stats>;
  constexpr auto kFigures = static_cast<std::uint32_t>(Figure::count);
  for (std::uint32_t figure = 0; figure < kFigures; ++figure) {
    for (std::uint32_t number = 0; number < count; ++number) {
      // Before the name: who is renamed after it has no figure of it.
      const std::uint64_t samples = history_.written();
      const std::optional<std::int64_t> value =
          value_in(samples, first_column + number * kFigures + figure);
      if (!value.has_value()) continue;
      const SourceLabels labels(label, sources[number].name, number);
      if (!labels.are_of(samples)) continue;
      visit.value(detail::info_of(static_cast<Figure>(figure)), labels.get(), *value);
    }
  }
}

void Sampler::visit_refusals(Visit& visit, std::uint32_t workers) const noexcept {
  for (const bool affinity : {false, true}) {
    for (std::uint32_t number = 0; number < workers; ++number) {
      const detail::Source<WorkerStats>& source = view_.workers[number];
      const SourceLabels labels("worker", source.name, number);
      // Not sampled: it is decided when the worker starts.
      const WorkerStats& stats = *source.stats;
      const std::uint64_t error =
          (affinity ? stats.refused_affinity : stats.refused_scheduling).get();
      if (!labels.are_of(samples()) || !labels.are_current()) continue;
      visit.value(affinity ? kRefusedAffinity : kRefusedScheduling, labels.get(),
                  static_cast<std::int64_t>(error));
    }
  }
}

void Sampler::visit_lanes(Visit& visit) const noexcept {
  const std::uint32_t lanes = lane_count_.get();
  for (std::uint32_t figure = 0; figure < detail::kLaneFigures; ++figure) {
    for (std::uint32_t number = 0; number < lanes; ++number) {
      const std::optional<std::int64_t> value = newest(lane_column(number) + figure);
      if (!value.has_value()) continue;
      Text<12> lane;
      lane << static_cast<std::uint32_t>(view_.lanes[number].lane());
      Text<12> text;
      text << number;
      const MetricLabel labels[] = {{.name = "lane", .value = lane.c_str()},
                                    {.name = "number", .value = text.c_str()}};
      visit.value(detail::info_of(static_cast<LaneFigure>(figure)), labels, *value);
    }
  }
}

void Sampler::visit_histograms(Visit& visit) const noexcept {
  const std::uint32_t tasks = task_count_.get();
  for (const bool response : {false, true}) {
    for (std::uint32_t number = 0; number < tasks; ++number) {
      const detail::Source<TaskStats>& source = view_.tasks[number];
      const SourceLabels labels("task", source.name, number);
      if (!labels.are_readable()) continue;
      // Behind the name, and the name still holds: not those of the task before or after it.
      // acquire: pairs with the release with which the executor hands them out.
      const TaskHistograms* const histograms =
          source.stats->histograms.load(std::memory_order_acquire);
      if (histograms == nullptr || !labels.are_current()) continue;
      visit.histogram(response ? kResponseTime : kReleaseJitter, labels.get(),
                      response ? histograms->response_time : histograms->release_jitter);
    }
  }
}

void Sampler::visit_alerts(Visit& visit) const noexcept {
  const std::uint32_t count = alert_count_.get();
  for (const bool raises : {false, true}) {
    for (const detail::Alert& alert : view_.alerts.first(count)) {
      const MetricLabel labels[] = {{.name = "alert", .value = alert.name()}};
      const bool raised = alert.state() == AlertState::raised;
      visit.value(raises ? kAlertRaises : kAlertRaised, labels,
                  raises ? static_cast<std::int64_t>(alert.raises()) : std::int64_t{raised});
    }
  }
}

void Sampler::visit_itself(Visit& visit) const noexcept {
  visit.counter(kSamples, {}, samples());
  visit.counter(kMissed, {}, missed());
  visit.value(kLateness, {}, max_lateness().count());
  visit.counter(kReadErrors, {}, read_errors());
}

}  // namespace takt::inline v0
