// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/executor_metrics.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/platform/text.h"

namespace takt::inline v0 {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

/// One name, and where its values are.
template <class Stats, class Member>
struct Family {
  const char* name;
  const char* help;
  Member Stats::*member;
  bool seconds = false;
  MetricKind kind = MetricKind::counter;
};

using WorkerFamily = Family<WorkerStats, Counter>;
constexpr WorkerFamily kWorkerFamilies[] = {
    {"takt_worker_jobs_total", "Jobs that returned or threw", &WorkerStats::jobs},
    {"takt_worker_failed_jobs_total", "Jobs that threw", &WorkerStats::failed},
    {"takt_worker_cancelled_jobs_total", "Waiting jobs that a stop ended", &WorkerStats::cancelled},
    {"takt_worker_deadline_misses_total", "Posted jobs that finished after their deadline",
     &WorkerStats::deadline_misses},
    {"takt_worker_busy_seconds_total", "Time inside jobs, preemption included",
     &WorkerStats::busy_ns, true},
    {"takt_worker_sleeps_total", "How often it found nothing to do", &WorkerStats::sleeps},
};

using LaneFamily = Family<LaneStats, SharedCounter>;
constexpr LaneFamily kLaneFamilies[] = {
    {"takt_lane_rejected_posts_total", "Posts that were refused", &LaneStats::rejected},
    {"takt_lane_dropped_jobs_total", "Waiting jobs that gave way to newer ones",
     &LaneStats::dropped},
};

using TaskFamily = Family<TaskStats, Counter>;
constexpr TaskFamily kTaskFamilies[] = {
    {"takt_task_releases_total", "Jobs that were released", &TaskStats::releases},
    {"takt_task_completed_jobs_total", "Jobs that returned", &TaskStats::completed},
    {"takt_task_failed_jobs_total", "Jobs that threw", &TaskStats::failed},
    {"takt_task_cancelled_jobs_total", "Waiting jobs that a stop ended", &TaskStats::cancelled},
    {"takt_task_overruns_total", "Releases that came while the job before was unfinished",
     &TaskStats::overruns},
    {"takt_task_skipped_releases_total", "Releases that got no job", &TaskStats::skipped},
    {"takt_task_refused_releases_total", "Sporadic releases that were refused",
     &TaskStats::refused},
    {"takt_task_deadline_misses_total", "Jobs that finished after their deadline",
     &TaskStats::deadline_misses},
    {"takt_task_budget_overruns_total", "Jobs that used more CPU time than their budget",
     &TaskStats::budget_overruns},
    {"takt_task_execution_seconds_total", "Time from start to finish, preemption included",
     &TaskStats::execution_ns, true},
    {"takt_task_max_release_jitter_seconds", "The longest time from release to start",
     &TaskStats::max_release_jitter_ns, true, MetricKind::gauge},
    {"takt_task_max_response_time_seconds", "The longest time from release to finish",
     &TaskStats::max_response_ns, true, MetricKind::gauge},
};

using TaskHistogramFamily = Family<TaskHistograms, HistogramCounts>;
constexpr TaskHistogramFamily kTaskHistogramFamilies[] = {
    {"takt_task_release_jitter_seconds", "From release to start", &TaskHistograms::release_jitter,
     true, MetricKind::histogram},
    {"takt_task_response_time_seconds", "From release to finish", &TaskHistograms::response_time,
     true, MetricKind::histogram},
};

/// Whose figure it is: {what="name",number="0"}, or {what="0"} without a name.
class Whose {
 public:
  Whose(const char* what, const char* name, std::uint32_t number) noexcept {
    number_ << number;
    labels_[0] = {.name = what, .value = name != nullptr ? name : number_.c_str()};
    labels_[1] = {.name = "number", .value = number_.c_str()};
    count_ = name != nullptr ? 2 : 1;
  }
  std::span<const MetricLabel> labels() const noexcept { return {labels_, count_}; }

 private:
  Text<12> number_;
  MetricLabel labels_[2];
  std::size_t count_;
};

template <class Stats, class Member>
MetricView view_of(const Family<Stats, Member>& family, bool first, const Whose& whose) noexcept {
  MetricView view;
  view.kind = family.kind;
  view.first_of_name = first;
  view.name = family.name;
  view.help = family.help;
  view.unit = family.seconds ? "seconds" : "";
  view.per_unit = family.seconds ? kNanoseconds : 1;
  view.labels = whose.labels();
  return view;
}

}  // namespace

void ExecutorMetrics::visit(MetricVisitor visitor, void* argument) const noexcept {
  for (const LaneFamily& family : kLaneFamilies) {
    for (std::uint32_t lane = 0; lane < executor_.lane_count(); ++lane) {
      const Whose whose("lane", nullptr, lane);
      MetricView view = view_of(family, lane == 0, whose);
      view.value = static_cast<std::int64_t>((executor_.lane_stats(lane).*family.member).get());
      visitor(view, argument);
    }
  }
  const std::uint32_t workers = executor_.worker_count();
  for (const WorkerFamily& family : kWorkerFamilies) {
    for (std::uint32_t worker = 0; worker < workers; ++worker) {
      const Whose whose("worker", executor_.worker_name(worker), worker);
      MetricView view = view_of(family, worker == 0, whose);
      view.value = static_cast<std::int64_t>((executor_.worker_stats(worker).*family.member).get());
      visitor(view, argument);
    }
  }
  const std::uint32_t tasks = executor_.task_count();
  for (const TaskFamily& family : kTaskFamilies) {
    for (std::uint32_t task = 0; task < tasks; ++task) {
      const Whose whose("task", executor_.task_name(task), task);
      MetricView view = view_of(family, task == 0, whose);
      view.value = static_cast<std::int64_t>((executor_.task_stats(task).*family.member).get());
      visitor(view, argument);
    }
  }
  for (const TaskHistogramFamily& family : kTaskHistogramFamilies) {
    bool first = true;
    for (std::uint32_t task = 0; task < tasks; ++task) {
      // acquire: pairs with the store of add_task(); the counts are there.
      const TaskHistograms* histograms =
          executor_.task_stats(task).histograms.load(std::memory_order_acquire);
      if (histograms == nullptr) continue;
      const Whose whose("task", executor_.task_name(task), task);
      MetricView view = view_of(family, first, whose);
      view.histogram = &(histograms->*family.member);
      visitor(view, argument);
      first = false;
    }
  }
}

}  // namespace takt::inline v0
