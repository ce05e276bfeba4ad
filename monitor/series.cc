// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/series.h"

namespace takt::inline v0::detail {
namespace {

constexpr std::int64_t kMilli = 1'000;

// In the order of the enumerations; promtool wants the units' full names.

// takt_process_…: without the prefix they were those that client libraries of Prometheus agree on,
// which a collector that reads our text (node_exporter) has itself, of itself.
constexpr FigureInfo kProcess[] = {
    {"takt_process_cpu_seconds_total", "CPU time of the process, user and system", "seconds",
     kNanosecondsPerSecond, MetricKind::counter},
    {"takt_process_peak_resident_memory_bytes", "The most memory that was ever resident", "bytes",
     1, MetricKind::gauge},
    {"takt_process_voluntary_switches_total", "How often a thread waited", "", 1,
     MetricKind::counter},
    {"takt_process_involuntary_switches_total", "How often a thread was preempted", "", 1,
     MetricKind::counter},
    {"takt_process_minor_faults_total", "Page faults without reading a disk", "", 1,
     MetricKind::counter},
    {"takt_process_major_faults_total", "Page faults that read a disk", "", 1, MetricKind::counter},
    {"takt_process_resident_memory_bytes", "Memory that is resident", "bytes", 1,
     MetricKind::gauge},
    {"takt_process_locked_memory_bytes", "Memory that is locked", "bytes", 1, MetricKind::gauge},
    {"takt_process_threads", "Threads of the process", "", 1, MetricKind::gauge},
    {"takt_process_open_fds", "Open descriptors, sockets included", "", 1, MetricKind::gauge},
    {"takt_process_open_sockets", "Open sockets", "", 1, MetricKind::gauge},
    {"takt_cpu_frequency_hertz", "How fast the CPU runs", "hertz", 1, MetricKind::gauge},
    {"takt_temperature_celsius", "What the thermal zone measures", "celsius", kMilli,
     MetricKind::gauge},
};
static_assert(sizeof kProcess / sizeof kProcess[0] ==
              static_cast<std::uint32_t>(ProcessFigure::frequency) + 2);

constexpr FigureInfo kWorker[] = {
    {"takt_worker_jobs_total", "Jobs that returned or threw", "", 1, MetricKind::counter},
    {"takt_worker_failed_jobs_total", "Jobs that threw", "", 1, MetricKind::counter},
    {"takt_worker_cancelled_jobs_total", "Waiting jobs that it ended at a stop", "", 1,
     MetricKind::counter},
    {"takt_worker_deadline_misses_total", "Posted jobs that finished after their deadline", "", 1,
     MetricKind::counter},
    {"takt_worker_busy_seconds_total", "Time inside jobs, preemption included", "seconds",
     kNanosecondsPerSecond, MetricKind::counter},
    {"takt_worker_sleeps_total", "How often it found nothing to do", "", 1, MetricKind::counter},
    {"takt_worker_cpu_seconds_total", "CPU time of its thread", "seconds", kNanosecondsPerSecond,
     MetricKind::counter},
    {"takt_worker_phase",
     "0 stopped, 1 created, 2 error, 3 paused, 4 idle, 5 between two jobs, 6 in a job", "", 1,
     MetricKind::gauge},
};
static_assert(sizeof kWorker / sizeof kWorker[0] == kWorkerFigures);

constexpr FigureInfo kTask[] = {
    {"takt_task_releases_total", "Jobs released", "", 1, MetricKind::counter},
    {"takt_task_completed_jobs_total", "Jobs that returned", "", 1, MetricKind::counter},
    {"takt_task_failed_jobs_total", "Jobs that threw", "", 1, MetricKind::counter},
    {"takt_task_cancelled_jobs_total", "Jobs that were waiting at a stop", "", 1,
     MetricKind::counter},
    {"takt_task_overruns_total", "Releases that came while the previous job was unfinished", "", 1,
     MetricKind::counter},
    {"takt_task_skipped_releases_total", "Releases that got no job", "", 1, MetricKind::counter},
    {"takt_task_refused_releases_total", "Sporadic releases that were refused", "", 1,
     MetricKind::counter},
    {"takt_task_deadline_misses_total", "Jobs that finished after their deadline", "", 1,
     MetricKind::counter},
    {"takt_task_budget_overruns_total", "Jobs that used more CPU time than their budget", "", 1,
     MetricKind::counter},
    {"takt_task_execution_seconds_total", "Time from start to finish, preemption included",
     "seconds", kNanosecondsPerSecond, MetricKind::counter},
    {"takt_task_max_release_jitter_seconds", "The longest time from release to start", "seconds",
     kNanosecondsPerSecond, MetricKind::gauge},
    {"takt_task_max_response_seconds", "The longest time from release to finish", "seconds",
     kNanosecondsPerSecond, MetricKind::gauge},
};
static_assert(sizeof kTask / sizeof kTask[0] == kTaskFigures);

constexpr FigureInfo kLane[] = {
    {"takt_lane_waiting_jobs", "Jobs that wait for a worker", "", 1, MetricKind::gauge},
    {"takt_lane_active_workers", "Workers that may take jobs, 0 while the lane is paused", "", 1,
     MetricKind::gauge},
    {"takt_lane_rejected_posts_total", "Posts that were refused", "", 1, MetricKind::counter},
    {"takt_lane_dropped_jobs_total", "Waiting jobs that a later post took the place of", "", 1,
     MetricKind::counter},
};
static_assert(sizeof kLane / sizeof kLane[0] == kLaneFigures);

constexpr FigureInfo kDescriptor[] = {
    {"takt_descriptor_events_total", "Jobs that the descriptor made ready", "", 1,
     MetricKind::counter},
    {"takt_descriptor_completed_jobs_total", "Jobs that returned", "", 1, MetricKind::counter},
    {"takt_descriptor_failed_jobs_total", "Jobs that threw", "", 1, MetricKind::counter},
    {"takt_descriptor_cancelled_jobs_total", "Jobs that were waiting at a stop", "", 1,
     MetricKind::counter},
    {"takt_descriptor_refused_errno",
     "Why the kernel watches the descriptor no longer, 0 where it does", "", 1, MetricKind::gauge},
};
static_assert(sizeof kDescriptor / sizeof kDescriptor[0] == kDescriptorFigures);

}  // namespace

const FigureInfo& info_of(ProcessFigure figure) noexcept {
  if (figure < ProcessFigure::frequency) return kProcess[static_cast<std::uint32_t>(figure)];
  const auto frequency = static_cast<std::uint32_t>(ProcessFigure::frequency);
  return kProcess[frequency + (figure < ProcessFigure::temperature ? 0 : 1)];
}

const FigureInfo& info_of(WorkerFigure figure) noexcept {
  return kWorker[static_cast<std::uint32_t>(figure)];
}

const FigureInfo& info_of(TaskFigure figure) noexcept {
  return kTask[static_cast<std::uint32_t>(figure)];
}

const FigureInfo& info_of(LaneFigure figure) noexcept {
  return kLane[static_cast<std::uint32_t>(figure)];
}

const FigureInfo& info_of(DescriptorFigure figure) noexcept {
  return kDescriptor[static_cast<std::uint32_t>(figure)];
}

}  // namespace takt::inline v0::detail
