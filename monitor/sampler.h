// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_SAMPLER_H_
#define TAKT_MONITOR_SAMPLER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "takt/executor/stats.h"
#include "takt/monitor/alert.h"
#include "takt/monitor/busy_time.h"
#include "takt/monitor/history.h"
#include "takt/monitor/lane_source.h"
#include "takt/monitor/metric.h"
#include "takt/monitor/metrics.h"
#include "takt/monitor/monitor_thread.h"
#include "takt/monitor/process_reader.h"
#include "takt/monitor/published_count.h"
#include "takt/monitor/series.h"
#include "takt/platform/result.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"
#include "takt/sync/mutex.h"
#include "takt/sync/seq_lock.h"

namespace takt::inline v0 {

/// How much a StaticSampler holds. A sample takes 8 bytes for its time, each of 23 figures of the
/// process and the board, 8 of a worker, 12 of a task, 4 of a lane, 5 of a descriptor, and one a
/// metric.
struct SamplerLimits {
  std::uint32_t workers = 4;
  std::uint32_t tasks = 16;
  std::uint32_t lanes = 4;
  std::uint32_t descriptors = 0;  ///< those that add_descriptor() names
  std::uint32_t metrics = 16;     ///< of the registry, the first ones
  std::uint32_t alerts = 8;
  std::uint32_t history = 600;  ///< samples that can be looked at
  std::size_t stack_bytes = kDefaultStackBytes;
};

struct SamplerConfig {
  Duration period = std::chrono::milliseconds(100);  ///< 1 ms or more
  /// Between readings of what costs more: memory, threads, descriptors, the board's sensors. A
  /// multiple of the period; the samples between have the same value again.
  Duration slow_period = std::chrono::seconds(1);
  // Where /proc and /sys are; for tests. The strings outlive the sampler.
  const char* proc_root = "/proc";
  const char* sys_root = "/sys";
};

/// A series over a window, in the units of Sampler::value().
struct Summary {
  std::uint32_t samples = 0;  ///< values that there were
  TimePoint from{};           ///< of the first of them
  TimePoint to{};             ///< of the last one
  double min = 0;
  double mean = 0;  ///< of a counter: what was counted by the time that it took
  double max = 0;
  double median = 0;
  double p90 = 0;
  double p99 = 0;
};

namespace detail {

struct SourceName {
  char text[16];        // as the executor's
  std::uint64_t since;  // the first sample that certainly is of who is called so
};

/// A worker, a task or a descriptor, and what it is called now.
template <class Stats>
struct Source {
  const Stats* stats = nullptr;
  SeqLock<SourceName> name;
};

struct SamplerView {
  std::span<History::Cell> cells;
  std::span<Source<WorkerStats>> workers;
  std::span<Source<TaskStats>> tasks;
  std::span<LaneSource> lanes;
  std::span<Source<DescriptorStats>> descriptors;
  std::span<BusyTime> busy;  // of the workers
  std::span<Alert> alerts;
  std::uint32_t metrics;
  std::span<std::byte> stack;
};

}  // namespace detail

/// Takes samples of everything that moves, into a ring of fixed size, on a thread of its own beside
/// all lanes: it reads what workers write and takes no lock that a job could hold. The storage is a
/// StaticSampler's.
///
/// What it observes must outlive its last step. Figures, alerts and summaries may be read by any
/// thread, meanwhile, without a lock.
class Sampler {
 public:
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Sets the periods, and looks for the board's sensors; without it the defaults hold.
  /// Blocks: until some files of /sys are read. Callable from: the owner, before start() or step(),
  /// while nobody reads its figures.
  /// Errors: invalid_argument: a period, a root that is null; failed_precondition: it runs.
  Status configure(const SamplerConfig& config) noexcept;
  /// Samples the counters and gauges of `metrics` too, those that are added later as well. Blocks,
  /// callable from: as configure(). Errors: failed_precondition: it runs.
  Status set_metrics(const Metrics& metrics) noexcept;

  /// Observes a worker or a task from the next sample on, and returns its number, in the order of
  /// these calls. Of one that it observes already the name is renewed: call it again when an
  /// executor's start() has given a worker another name, or a task has taken a removed one's place.
  /// What was sampled under another name is not exposed under the new one, which has figures from
  /// the second sample on, as one may be under way. The name is copied. Blocks: for others who add.
  /// Bound: O(workers), O(tasks). Callable from: any thread, also while it runs. Errors:
  /// invalid_argument: no name of 1 to 15 characters; resource_exhausted: SamplerLimits.
  Result<std::uint32_t> add_worker(const char* name, const WorkerStats& stats) noexcept;
  Result<std::uint32_t> add_task(const char* name, const TaskStats& stats) noexcept;
  /// The same of a watched descriptor, which has a name here only: DescriptorHandle::stats().
  Result<std::uint32_t> add_descriptor(const char* name, const DescriptorStats& stats) noexcept;
  /// The same of a lane, which has its LaneId for a name. Errors: invalid_argument: an empty
  /// source; resource_exhausted: SamplerLimits.
  Result<std::uint32_t> add_lane(const LaneSource& lane) noexcept;

  /// Adds all workers and tasks of an executor, and the lanes that have a worker; call it behind
  /// each start() and add_task(). The first executor's workers and tasks have the numbers that they
  /// have there; a lane's is what add_lane() says. Otherwise as add_worker(); not beside a start()
  /// or add_task() of the executor.
  template <class AnyExecutor>
  Status observe(AnyExecutor& observed) noexcept {
    Status status;
    for (std::uint32_t number = 0; status.ok() && number < observed.lane_count(); ++number) {
      if (observed.worker_count(LaneId{number}) == 0) continue;
      status = add_lane(LaneSource::of(observed, LaneId{number})).status();
    }
    for (std::uint32_t number = 0; status.ok() && number < observed.worker_count(); ++number) {
      status = add_worker(observed.worker_name(number), observed.worker_stats(number)).status();
    }
    for (std::uint32_t number = 0; status.ok() && number < observed.task_count(); ++number) {
      const auto task = observed.task(number);
      status = add_task(task.name(), task.stats()).status();
    }
    return status;
  }

  /// Judges the series with each sample from the next one on. Blocks: for others who add. Bound:
  /// O(1). Callable from: any thread, also while it runs. Errors: invalid_argument: the name, one
  /// that is there already, no series, a negative hysteresis or duration; resource_exhausted:
  /// SamplerLimits::alerts.
  Result<AlertId> add_alert(const AlertConfig& config) noexcept;

  /// Starts the thread, with the first sample at once. The history is brought into memory before.
  /// Blocks, errors: as MonitorThread::start(). Callable from: the owner.
  Status start(const MonitorThreadConfig& thread = {.name = "sampler"}) noexcept;
  /// Ends it. What was sampled stays. Blocks, errors: as MonitorThread::stop(). Callable from: the
  /// owner.
  Status stop(Duration timeout) noexcept;
  bool running() const noexcept { return thread_.running(); }

  /// All that the thread does, at the time `now`, which never goes back: takes a sample if one is
  /// due, judges the alerts, and returns when the next one is due: on the grid of the first one.
  /// Late by a period or more, it skips what it has missed, and counts.
  /// Blocks: until files of /proc and /sys are read. Callable from: the owner, not while the thread
  /// runs (else aborts).
  TimePoint step(TimePoint now) noexcept;

  /// Series. The numbers are those that add_worker(), add_task(), add_lane() and add_descriptor()
  /// gave and the registry's; without such a place in the SamplerLimits it is not valid(). `index`:
  /// the how many-th CPU or zone. Blocks: no. Callable from: any thread, as everything below.
  Series series(ProcessFigure figure, std::uint32_t index = 0) const noexcept;
  Series worker(std::uint32_t number, WorkerFigure figure) const noexcept;
  Series task(std::uint32_t number, TaskFigure figure) const noexcept;
  Series lane(std::uint32_t number, LaneFigure figure) const noexcept;
  Series descriptor(std::uint32_t number, DescriptorFigure figure) const noexcept;
  Series metric(std::uint32_t number) const noexcept;

  /// The newest quantity of a series, in the unit in which it is exposed: of a gauge its level
  /// (bytes, seconds, degrees); of a counter what it counted between the last two samples, a
  /// second: jobs a second, of CPU and busy time the utilisation (of a
  /// task's execution, which counts when a job ends, more than 1 when that job was longer).
  /// Nothing: absent, not sampled yet, or a counter's first sample. A counter that went down has
  /// begun anew at 0. Bound: wait-free.
  std::optional<double> value(Series series) const noexcept;
  /// The same of the samples of the last `window`, of which at most scratch.size() are looked at,
  /// the newest ones; `scratch` then holds them, sorted. Bound: O(n log n), wait-free: samples that
  /// are overwritten meanwhile drop out. Errors: not_found: no value; invalid_argument: no series,
  /// an empty scratch.
  Result<Summary> summary(Series series, Duration window, std::span<double> scratch) const noexcept;

  /// Samples taken, and left out because the thread was late; how late it was at most; readings of
  /// the system that failed.
  std::uint64_t samples() const noexcept { return history_.written(); }
  std::uint64_t missed() const noexcept { return missed_.get(); }
  Duration max_lateness() const noexcept {
    return Duration(static_cast<std::int64_t>(max_lateness_ns_.get()));
  }
  std::uint64_t read_errors() const noexcept { return process_.errors(); }

  /// Of an alert that add_alert() gave.
  AlertState alert_state(AlertId alert) const noexcept { return alert_of(alert).state(); }
  std::uint64_t alert_raises(AlertId alert) const noexcept { return alert_of(alert).raises(); }

  /// Calls `visitor` for each figure of the newest sample, for the histograms of tasks, for alerts
  /// and for itself; those of one name one after the other. What is absent is left out, and whose
  /// name is just being replaced. The user's metrics are visited by Metrics::visit(). Bound:
  /// O(figures) calls; takes no lock.
  void visit(MetricVisitor visitor, void* argument) const noexcept;

 protected:
  /// Out of line on purpose: not constant-initialised, a static one stays in .bss.
  explicit Sampler(const detail::SamplerView& view) noexcept;
  /// Aborts when the thread runs.
  ~Sampler() = default;

 private:
  /// Of a column: how its values make a quantity.
  struct Meaning {
    MetricKind kind;
    double per_unit;
  };

  template <class Stats>
  Result<std::uint32_t> add_source(const char* what, const char* name, const Stats& stats,
                                   std::span<detail::Source<Stats>> sources,
                                   detail::PublishedCount& count) noexcept;
  /// What is not there yet is absent: the row may hold what an older sample found in its place.
  void write_absent(std::uint32_t first_column, std::uint32_t end_column) noexcept;
  const detail::Alert& alert_of(AlertId alert) const noexcept;

  TimePoint step_unchecked(TimePoint now) noexcept;
  void take_sample(TimePoint now) noexcept;
  /// All columns but those of the process and the board.
  void write_counts(TimePoint now) noexcept;
  void write_worker(std::uint32_t column, const WorkerStats& stats, BusyTime& busy,
                    TimePoint now) noexcept;
  void write_task(std::uint32_t column, const TaskStats& stats) noexcept;
  void write_lane(std::uint32_t column, const LaneSource& lane) noexcept;
  void write_descriptor(std::uint32_t column, const DescriptorStats& stats) noexcept;
  void judge_alerts(TimePoint now) noexcept;

  std::uint32_t worker_column(std::uint32_t worker) const noexcept {
    return 1 + detail::kProcessFigures + worker * detail::kWorkerFigures;
  }
  std::uint32_t task_column(std::uint32_t task) const noexcept {
    return worker_column(static_cast<std::uint32_t>(view_.workers.size())) +
           task * detail::kTaskFigures;
  }
  std::uint32_t lane_column(std::uint32_t lane) const noexcept {
    return task_column(static_cast<std::uint32_t>(view_.tasks.size())) +
           lane * detail::kLaneFigures;
  }
  std::uint32_t descriptor_column(std::uint32_t descriptor) const noexcept {
    return lane_column(static_cast<std::uint32_t>(view_.lanes.size())) +
           descriptor * detail::kDescriptorFigures;
  }
  std::uint32_t metric_column(std::uint32_t metric) const noexcept {
    return descriptor_column(static_cast<std::uint32_t>(view_.descriptors.size())) + metric;
  }
  std::optional<Meaning> meaning_of(std::uint32_t column) const noexcept;

  /// The quantity of sample `number`, and of a counter the seconds that it took.
  struct Quantity {
    double value;
    double seconds;
  };
  std::optional<Quantity> quantity(std::uint64_t number, std::uint32_t column,
                                   const Meaning& meaning) const noexcept;

  // Exposition, sampler_visit.cc
  using Visit = detail::MetricVisit;
  /// Of the newest of so many samples.
  std::optional<std::int64_t> value_in(std::uint64_t samples, std::uint32_t column) const noexcept;
  std::optional<std::int64_t> newest(std::uint32_t column) const noexcept {
    return value_in(history_.written(), column);
  }
  void visit_process(Visit& visit) const noexcept;
  template <class Stats>
  void visit_sources(Visit& visit, const char* label,
                     std::span<const detail::Source<Stats>> sources, std::uint32_t count,
                     std::uint32_t first_column) const noexcept;
  void visit_refusals(Visit& visit, std::uint32_t workers) const noexcept;
  void visit_lanes(Visit& visit) const noexcept;
  void visit_histograms(Visit& visit) const noexcept;
  void visit_alerts(Visit& visit) const noexcept;
  void visit_itself(Visit& visit) const noexcept;

  const detail::SamplerView view_;
  detail::History history_;
  detail::ProcessReader process_;
  SamplerConfig config_;
  const Metrics* metrics_ = nullptr;
  MonitorThread thread_;
  Mutex mutex_;  // add_worker, add_task, add_alert
  detail::PublishedCount worker_count_;
  detail::PublishedCount task_count_;
  detail::PublishedCount lane_count_;
  detail::PublishedCount descriptor_count_;
  detail::PublishedCount alert_count_;
  // The stepping thread's:
  bool configured_ = false;
  bool begun_ = false;
  TimePoint next_{};
  TimePoint next_slow_{};
  Counter missed_;
  Counter max_lateness_ns_;
};

namespace detail {

constexpr std::uint32_t columns_of(const SamplerLimits& limits) noexcept {
  return 1 + kProcessFigures + limits.workers * kWorkerFigures + limits.tasks * kTaskFigures +
         limits.lanes * kLaneFigures + limits.descriptors * kDescriptorFigures + limits.metrics;
}

/// All memory of a sampler with these limits.
template <SamplerLimits kLimits>
class SamplerStorage {
  static_assert(kLimits.workers >= 1 && kLimits.workers <= 1024);
  static_assert(kLimits.tasks <= 65'534 && kLimits.descriptors <= 65'534);
  static_assert(kLimits.lanes <= 1024);
  static_assert(kLimits.history >= 2, "a rate takes two samples");

 protected:
  SamplerView view() noexcept {
    return {.cells = cells_,
            .workers = workers_,
            .tasks = {tasks_, kLimits.tasks},
            .lanes = {lanes_, kLimits.lanes},
            .descriptors = {descriptors_, kLimits.descriptors},
            .busy = busy_,
            .alerts = {alerts_, kLimits.alerts},
            .metrics = kLimits.metrics,
            .stack = stack_.memory()};
  }

 private:
  // One sample more than can be looked at: that under the pen.
  History::Cell cells_[std::size_t{kLimits.history + 1} * columns_of(kLimits)];
  Source<WorkerStats> workers_[kLimits.workers];
  Source<TaskStats> tasks_[kLimits.tasks == 0 ? 1 : kLimits.tasks];
  LaneSource lanes_[kLimits.lanes == 0 ? 1 : kLimits.lanes];
  Source<DescriptorStats> descriptors_[kLimits.descriptors == 0 ? 1 : kLimits.descriptors];
  BusyTime busy_[kLimits.workers];
  Alert alerts_[kLimits.alerts == 0 ? 1 : kLimits.alerts];
  MonitorStack<kLimits.stack_bytes> stack_;
};

}  // namespace detail

/// A Sampler with the storage for `kLimits`.
template <SamplerLimits kLimits>
class StaticSampler : private detail::SamplerStorage<kLimits>, public Sampler {
 public:
  StaticSampler() noexcept : Sampler(this->view()) {}
  ~StaticSampler() = default;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_SAMPLER_H_
