// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/sampler.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "takt/platform/check.h"
#include "takt/platform/memory.h"
#include "takt/platform/text.h"
#include "takt/platform/thread_usage.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {
namespace {

using detail::History;

constexpr std::int64_t stored(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value);
}

/// The value that a fraction of the sorted values does not exceed: one of them.
double percentile_of(std::span<const double> sorted, double fraction) noexcept {
  const double exact = fraction * static_cast<double>(sorted.size());
  auto rank = static_cast<std::size_t>(exact);
  if (static_cast<double>(rank) < exact) ++rank;
  return sorted[rank == 0 ? 0 : rank - 1];
}

bool is_name(const char* name, std::size_t bytes) noexcept {
  return name != nullptr && name[0] != '\0' && ::strnlen(name, bytes) < bytes;
}

}  // namespace

Sampler::Sampler(const detail::SamplerView& view) noexcept
    : view_(view), history_(view.cells, metric_column(view.metrics)) {}

Status Sampler::configure(const SamplerConfig& config) noexcept {
  if (running()) return {StatusCode::failed_precondition, "the sampler runs; stop() it before"};
  if (config.period < std::chrono::milliseconds(1) || config.period > std::chrono::hours(24)) {
    return {StatusCode::invalid_argument, "SamplerConfig::period is not 1 ms to 24 h"};
  }
  if (config.slow_period < config.period ||
      config.slow_period % config.period != Duration::zero()) {
    return {StatusCode::invalid_argument, "SamplerConfig::slow_period is no multiple of period"};
  }
  if (config.proc_root == nullptr || config.sys_root == nullptr) {
    return {StatusCode::invalid_argument, "SamplerConfig::proc_root or sys_root is null"};
  }
  config_ = config;
  process_.probe(config.proc_root, config.sys_root);
  configured_ = true;
  begun_ = false;
  return {};
}

Status Sampler::set_metrics(const Metrics& metrics) noexcept {
  if (running()) return {StatusCode::failed_precondition, "the sampler runs; stop() it before"};
  metrics_ = &metrics;
  return {};
}

template <class Stats>
Result<std::uint32_t> Sampler::add_source(const char* what, const char* name, const Stats& stats,
                                          std::span<detail::Source<Stats>> sources,
                                          detail::PublishedCount& count) noexcept {
  detail::SourceName copy{};
  Text<Status::kTextBytes> text;
  if (!is_name(name, sizeof copy.text)) {
    text << "a " << what << "'s name has 1 to 15 characters";
    return Status(StatusCode::invalid_argument, text.view());
  }
  std::strncpy(copy.text, name, sizeof copy.text - 1);
  LockGuard lock(mutex_);
  const std::uint32_t taken = count.taken();
  std::uint32_t number = 0;
  while (number < taken && sources[number].stats != &stats) ++number;
  if (number == sources.size()) {
    text << "all " << number << " SamplerLimits::" << what << "s are in use";
    return Status(StatusCode::resource_exhausted, text.view());
  }
  if (number != taken) {
    // Another name is another one's: also the sample that is under way may have been before it.
    const std::optional<detail::SourceName> old = sources[number].name.try_load(1);
    const bool same = old.has_value() && std::strcmp(old->text, copy.text) == 0;
    copy.since = same ? old->since : history_.written() + 1;
  }
  sources[number].name.store(copy);
  if (number == taken) {
    sources[number].stats = &stats;
    count.publish(number + 1);
  }
  return number;
}

Result<std::uint32_t> Sampler::add_worker(const char* name, const WorkerStats& stats) noexcept {
  return add_source("worker", name, stats, view_.workers, worker_count_);
}

Result<std::uint32_t> Sampler::add_task(const char* name, const TaskStats& stats) noexcept {
  return add_source("task", name, stats, view_.tasks, task_count_);
}

Result<std::uint32_t> Sampler::add_descriptor(const char* name,
                                              const DescriptorStats& stats) noexcept {
  return add_source("descriptor", name, stats, view_.descriptors, descriptor_count_);
}

Result<std::uint32_t> Sampler::add_lane(const LaneSource& lane) noexcept {
  if (!lane.valid()) {
    return Status(StatusCode::invalid_argument, "a lane's source is empty");
  }
  LockGuard lock(mutex_);
  const std::uint32_t taken = lane_count_.taken();
  for (std::uint32_t number = 0; number < taken; ++number) {
    if (view_.lanes[number] == lane) return number;
  }
  if (taken == view_.lanes.size()) {
    Text<Status::kTextBytes> text;
    text << "all " << taken << " SamplerLimits::lanes are in use";
    return Status(StatusCode::resource_exhausted, text.view());
  }
  view_.lanes[taken] = lane;
  lane_count_.publish(taken + 1);
  return taken;
}

Result<AlertId> Sampler::add_alert(const AlertConfig& config) noexcept {
  if (!is_name(config.name, detail::kAlertNameBytes)) {
    return Status(StatusCode::invalid_argument, "an alert's name has 1 to 31 characters");
  }
  Text<Status::kTextBytes> text;
  text << "alert '" << config.name << "' ";
  if (!config.series.valid()) {
    text << "watches no series";
    return Status(StatusCode::invalid_argument, text.view());
  }
  if (!std::isfinite(config.threshold) || !std::isfinite(config.hysteresis)) {
    text << "has a threshold or hysteresis that is no number";
    return Status(StatusCode::invalid_argument, text.view());
  }
  if (config.hysteresis < 0 || config.duration < Duration::zero()) {
    text << "has a negative hysteresis or duration";
    return Status(StatusCode::invalid_argument, text.view());
  }
  LockGuard lock(mutex_);
  const std::uint32_t number = alert_count_.taken();
  for (const detail::Alert& other : view_.alerts.first(number)) {
    if (std::strcmp(other.name(), config.name) != 0) continue;
    text << "is there already";
    return Status(StatusCode::invalid_argument, text.view());
  }
  if (number == view_.alerts.size()) {
    text << "finds all " << number << " SamplerLimits::alerts in use";
    return Status(StatusCode::resource_exhausted, text.view());
  }
  view_.alerts[number].set(config);
  alert_count_.publish(number + 1);
  return AlertId{number};
}

const detail::Alert& Sampler::alert_of(AlertId alert) const noexcept {
  const auto number = static_cast<std::uint32_t>(alert);
  TAKT_CHECK(number < alert_count_.get(), "there is no such alert");
  return view_.alerts[number];
}

Status Sampler::start(const MonitorThreadConfig& thread) noexcept {
  if (running()) return {StatusCode::failed_precondition, "the sampler runs already"};
  if (!configured_) {
    if (Status status = configure(SamplerConfig()); !status.ok()) return status;
  }
  platform::prefault(history_.memory());
  begun_ = false;
  return thread_.start(
      thread, view_.stack,
      [](void* sampler, TimePoint now) noexcept {
        return static_cast<Sampler*>(sampler)->step_unchecked(now);
      },
      this);
}

Status Sampler::stop(Duration timeout) noexcept { return thread_.stop(timeout); }

TimePoint Sampler::step(TimePoint now) noexcept {
  TAKT_CHECK(!running(), "the sampler's thread makes its steps");
  if (!configured_) static_cast<void>(configure(SamplerConfig()));  // the defaults are right
  return step_unchecked(now);
}

TimePoint Sampler::step_unchecked(TimePoint now) noexcept {
  if (!begun_) {
    begun_ = true;
    next_ = now;
    next_slow_ = now;
    // What was pending was so before a pause.
    const std::uint32_t alerts = alert_count_.get();
    for (detail::Alert& alert : view_.alerts.first(alerts)) alert.resume();
  }
  if (now < next_) return next_;
  const Duration late = now - next_;
  max_lateness_ns_.raise(static_cast<std::uint64_t>(late.count()));
  take_sample(now);
  judge_alerts(now);
  const std::int64_t periods = late / config_.period;
  missed_.add(static_cast<std::uint64_t>(periods));
  next_ = saturating_add(next_, config_.period * (periods + 1));
  return next_;
}

void Sampler::take_sample(TimePoint now) noexcept {
  // Counters right behind the clock: the sample's time is theirs, and each slow reading before them
  // would show as a rate that rises and falls. What takes long is a level, and comes last.
  process_.read_fast();
  write_counts(now);
  if (now >= next_slow_) {
    process_.read_slow();
    next_slow_ = saturating_add(
        next_slow_, config_.slow_period * ((now - next_slow_) / config_.slow_period + 1));
  }
  for (std::uint32_t figure = 0; figure < detail::kProcessFigures; ++figure) {
    history_.write(1 + figure, process_.value(figure));
  }
  history_.finish(now);
}

void Sampler::write_counts(TimePoint now) noexcept {
  const std::uint32_t workers = worker_count_.get();
  for (std::uint32_t number = 0; number < workers; ++number) {
    write_worker(worker_column(number), *view_.workers[number].stats, view_.busy[number], now);
  }
  const std::uint32_t tasks = task_count_.get();
  for (std::uint32_t number = 0; number < tasks; ++number) {
    write_task(task_column(number), *view_.tasks[number].stats);
  }
  const std::uint32_t lanes = lane_count_.get();
  for (std::uint32_t number = 0; number < lanes; ++number) {
    write_lane(lane_column(number), view_.lanes[number]);
  }
  const std::uint32_t descriptors = descriptor_count_.get();
  for (std::uint32_t number = 0; number < descriptors; ++number) {
    write_descriptor(descriptor_column(number), *view_.descriptors[number].stats);
  }
  write_absent(worker_column(workers), task_column(0));
  write_absent(task_column(tasks), lane_column(0));
  write_absent(lane_column(lanes), descriptor_column(0));
  write_absent(descriptor_column(descriptors), metric_column(0));
  const std::uint32_t metrics = metrics_ == nullptr ? 0 : metrics_->size();
  for (std::uint32_t number = 0; number < view_.metrics; ++number) {
    std::int64_t value = History::kAbsent;
    if (number < metrics) {
      const MetricView metric = metrics_->view(number);
      if (metric.histogram == nullptr) value = metric.value;
    }
    history_.write(metric_column(number), value);
  }
}

void Sampler::write_absent(std::uint32_t first_column, std::uint32_t end_column) noexcept {
  for (std::uint32_t column = first_column; column < end_column; ++column) {
    history_.write(column, History::kAbsent);
  }
}

void Sampler::write_worker(std::uint32_t column, const WorkerStats& stats, BusyTime& busy,
                           TimePoint now) noexcept {
  const BusyTime::Look look(stats);
  std::int64_t cpu_time = History::kAbsent;
  if (look.activity.state() != WorkerState::stopped &&
      look.activity.state() != WorkerState::error && look.thread_id != 0) {
    // Not counted as an error: the worker may end at any time.
    const Result<Duration> time =
        platform::thread_cpu_time_of(static_cast<std::int32_t>(look.thread_id));
    if (time.ok()) cpu_time = time->count();
  }
  // In the order of WorkerFigure.
  const std::int64_t values[] = {
      stored(stats.jobs.get()),
      stored(stats.failed.get()),
      stored(stats.cancelled.get()),
      stored(stats.deadline_misses.get()),
      stored(busy.at(now, look)),
      stored(stats.sleeps.get()),
      cpu_time,
      static_cast<std::int64_t>(look.activity.phase()),
  };
  static_assert(sizeof values / sizeof values[0] == detail::kWorkerFigures);
  for (const std::int64_t value : values) history_.write(column++, value);
}

void Sampler::write_task(std::uint32_t column, const TaskStats& stats) noexcept {
  // In the order of TaskFigure.
  const Counter* const counters[] = {
      &stats.releases,
      &stats.completed,
      &stats.failed,
      &stats.cancelled,
      &stats.overruns,
      &stats.skipped,
      &stats.refused,
      &stats.deadline_misses,
      &stats.budget_overruns,
      &stats.execution_ns,
      &stats.max_release_jitter_ns,
      &stats.max_response_ns,
  };
  static_assert(sizeof counters / sizeof counters[0] == detail::kTaskFigures);
  for (const Counter* counter : counters) history_.write(column++, stored(counter->get()));
}

void Sampler::write_lane(std::uint32_t column, const LaneSource& lane) noexcept {
  const LaneSource::Look look = lane.look();
  // In the order of LaneFigure.
  const std::int64_t values[] = {look.waiting, look.active_workers, stored(look.rejected),
                                 stored(look.dropped)};
  static_assert(sizeof values / sizeof values[0] == detail::kLaneFigures);
  for (const std::int64_t value : values) history_.write(column++, value);
}

void Sampler::write_descriptor(std::uint32_t column, const DescriptorStats& stats) noexcept {
  // In the order of DescriptorFigure.
  const Counter* const counters[] = {&stats.events, &stats.completed, &stats.failed,
                                     &stats.cancelled, &stats.refused};
  static_assert(sizeof counters / sizeof counters[0] == detail::kDescriptorFigures);
  for (const Counter* counter : counters) history_.write(column++, stored(counter->get()));
}

void Sampler::judge_alerts(TimePoint now) noexcept {
  const std::uint32_t alerts = alert_count_.get();
  for (detail::Alert& alert : view_.alerts.first(alerts)) {
    alert.judge(value(alert.series()), now, config_.period);
  }
}

Series Sampler::series(ProcessFigure figure, std::uint32_t index) const noexcept {
  const bool is_frequency = figure == ProcessFigure::frequency;
  const bool is_temperature = figure == ProcessFigure::temperature;
  const std::uint32_t room = is_frequency ? kSampledCpus : is_temperature ? kSampledZones : 1;
  if (index >= room) return {};
  return Series(1 + static_cast<std::uint32_t>(figure) + index);
}

Series Sampler::worker(std::uint32_t number, WorkerFigure figure) const noexcept {
  if (number >= view_.workers.size()) return {};
  return Series(worker_column(number) + static_cast<std::uint32_t>(figure));
}

Series Sampler::task(std::uint32_t number, TaskFigure figure) const noexcept {
  if (number >= view_.tasks.size()) return {};
  return Series(task_column(number) + static_cast<std::uint32_t>(figure));
}

Series Sampler::lane(std::uint32_t number, LaneFigure figure) const noexcept {
  if (number >= view_.lanes.size()) return {};
  return Series(lane_column(number) + static_cast<std::uint32_t>(figure));
}

Series Sampler::descriptor(std::uint32_t number, DescriptorFigure figure) const noexcept {
  if (number >= view_.descriptors.size()) return {};
  return Series(descriptor_column(number) + static_cast<std::uint32_t>(figure));
}

Series Sampler::metric(std::uint32_t number) const noexcept {
  return number < view_.metrics ? Series(metric_column(number)) : Series();
}

std::optional<Sampler::Meaning> Sampler::meaning_of(std::uint32_t column) const noexcept {
  const auto of = [](const detail::FigureInfo& info) {
    return Meaning{info.kind, static_cast<double>(info.per_unit)};
  };
  if (column < worker_column(0)) return of(detail::info_of(static_cast<ProcessFigure>(column - 1)));
  if (column < task_column(0)) {
    const std::uint32_t figure = (column - worker_column(0)) % detail::kWorkerFigures;
    return of(detail::info_of(static_cast<WorkerFigure>(figure)));
  }
  if (column < lane_column(0)) {
    const std::uint32_t figure = (column - task_column(0)) % detail::kTaskFigures;
    return of(detail::info_of(static_cast<TaskFigure>(figure)));
  }
  if (column < descriptor_column(0)) {
    const std::uint32_t figure = (column - lane_column(0)) % detail::kLaneFigures;
    return of(detail::info_of(static_cast<LaneFigure>(figure)));
  }
  if (column < metric_column(0)) {
    const std::uint32_t figure = (column - descriptor_column(0)) % detail::kDescriptorFigures;
    return of(detail::info_of(static_cast<DescriptorFigure>(figure)));
  }
  const std::uint32_t number = column - metric_column(0);
  if (metrics_ == nullptr || number >= metrics_->size()) return std::nullopt;
  const MetricView metric = metrics_->view(number);
  return Meaning{metric.kind, static_cast<double>(metric.per_unit)};
}

std::optional<Sampler::Quantity> Sampler::quantity(std::uint64_t number, std::uint32_t column,
                                                   const Meaning& meaning) const noexcept {
  const std::optional<std::int64_t> value = history_.read(number, column);
  if (!value.has_value() || *value == History::kAbsent) return std::nullopt;
  if (meaning.kind != MetricKind::counter) {
    return Quantity{static_cast<double>(*value) / meaning.per_unit, 0};
  }
  if (number == 0) return std::nullopt;
  const std::optional<TimePoint> end = history_.time(number);
  const std::optional<TimePoint> begin = history_.time(number - 1);
  const std::optional<std::int64_t> before = history_.read(number - 1, column);
  if (!end.has_value() || !begin.has_value() || !before.has_value()) return std::nullopt;
  if (*before == History::kAbsent || *end <= *begin) return std::nullopt;
  // One that went down has begun anew at 0.
  const std::int64_t counted =
      *value >= *before ? *value - *before : std::max<std::int64_t>(*value, 0);
  const double seconds =
      static_cast<double>((*end - *begin).count()) / double{kNanosecondsPerSecond};
  return Quantity{static_cast<double>(counted) / meaning.per_unit / seconds, seconds};
}

std::optional<double> Sampler::value(Series series) const noexcept {
  const std::uint64_t written = history_.written();
  if (!series.valid() || written == 0) return std::nullopt;
  const std::optional<Meaning> meaning = meaning_of(series.column_);
  if (!meaning.has_value()) return std::nullopt;
  const std::optional<Quantity> newest = quantity(written - 1, series.column_, *meaning);
  if (!newest.has_value()) return std::nullopt;
  return newest->value;
}

Result<Summary> Sampler::summary(Series series, Duration window,
                                 std::span<double> scratch) const noexcept {
  if (!series.valid()) return Status(StatusCode::invalid_argument, "no series");
  if (scratch.empty()) {
    return Status(StatusCode::invalid_argument, "summary: its scratch has room for no sample");
  }
  const std::uint64_t written = history_.written();
  const std::optional<Meaning> meaning = meaning_of(series.column_);
  const std::optional<TimePoint> newest = written == 0 ? std::nullopt : history_.time(written - 1);
  Summary summary;
  double sum = 0;
  double seconds = 0;
  for (std::uint64_t number = written; meaning.has_value() && newest.has_value() && number > 0;) {
    --number;
    const std::optional<TimePoint> time = history_.time(number);
    if (!time.has_value() || *newest - *time >= window || summary.samples == scratch.size()) break;
    const std::optional<Quantity> quantity = this->quantity(number, series.column_, *meaning);
    if (!quantity.has_value()) continue;
    if (summary.samples == 0) summary.to = *time;
    summary.from = *time;
    scratch[summary.samples++] = quantity->value;
    const double weight = meaning->kind == MetricKind::counter ? quantity->seconds : 1;
    sum += quantity->value * weight;
    seconds += weight;
  }
  if (summary.samples == 0) return Status(StatusCode::not_found, "no sample in the window");
  const std::span<double> values = scratch.first(summary.samples);
  std::sort(values.begin(), values.end());
  summary.min = values.front();
  summary.mean = sum / seconds;
  summary.max = values.back();
  summary.median = percentile_of(values, 0.5);
  summary.p90 = percentile_of(values, 0.9);
  summary.p99 = percentile_of(values, 0.99);
  return summary;
}

}  // namespace takt::inline v0
