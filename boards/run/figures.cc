// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/figures.h"

#include <unistd.h>

#include <algorithm>

#include "takt/monitor/histogram.h"
#include "takt/platform/proc_reader.h"

namespace takt::run {
namespace {

std::uint64_t ticks_to_ns(std::uint64_t ticks) noexcept {
  const long per_second = ::sysconf(_SC_CLK_TCK);
  return per_second > 0 ? ticks * (1'000'000'000U / static_cast<std::uint64_t>(per_second)) : 0;
}

}  // namespace

Distribution Distribution::of(const HistogramCounts& counts) noexcept {
  const Histogram histogram(counts);
  return {.count = histogram.count(),
          .p50 = histogram.percentile(0.5).count(),
          .p99 = histogram.percentile(0.99).count(),
          .p999 = histogram.percentile(0.999).count(),
          .max = histogram.max().count()};
}

TaskFigures TaskFigures::of(const TaskStats& stats, std::uint64_t cpu_ns) noexcept {
  TaskFigures figures;
  figures.releases = stats.releases.get();
  figures.completed = stats.completed.get();
  figures.overruns = stats.overruns.get();
  figures.deadline_misses = stats.deadline_misses.get();
  figures.cpu_ns = cpu_ns;
  if (const TaskHistograms* histograms = stats.histograms.load()) {
    figures.release_jitter = Distribution::of(histograms->release_jitter);
    figures.response_time = Distribution::of(histograms->response_time);
  }
  return figures;
}

ThreadFigures ThreadFigures::of(std::int32_t thread_id) noexcept {
  ThreadFigures figures;
  const auto stat = platform::read_thread_stat(thread_id);
  if (stat.ok()) {
    figures.minor_faults = stat.value().minor_faults;
    figures.major_faults = stat.value().major_faults;
    figures.cpu_ns = ticks_to_ns(stat.value().user_ticks + stat.value().system_ticks);
  }
  // Nanoseconds instead of ticks of 10 ms, where the kernel keeps them.
  const auto scheduler = platform::read_scheduler_stat(thread_id);
  if (scheduler.ok()) {
    figures.cpu_ns = static_cast<std::uint64_t>(scheduler.value().running.count());
  }
  const auto status = platform::read_thread_status(thread_id);
  if (status.ok()) {
    figures.voluntary_switches = status.value().voluntary_switches;
    figures.involuntary_switches = status.value().involuntary_switches;
  }
  return figures;
}

ThreadFigures ThreadFigures::operator-(const ThreadFigures& earlier) const noexcept {
  return {.cpu_ns = cpu_ns - earlier.cpu_ns,
          .voluntary_switches = voluntary_switches - earlier.voluntary_switches,
          .involuntary_switches = involuntary_switches - earlier.involuntary_switches,
          .minor_faults = minor_faults - earlier.minor_faults,
          .major_faults = major_faults - earlier.major_faults};
}

std::uint64_t RunFigures::deadline_misses() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < plan->task_count; ++i) sum += task_storage[i].deadline_misses;
  return sum;
}

std::uint64_t RunFigures::overruns() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < plan->task_count; ++i) sum += task_storage[i].overruns;
  return sum;
}

std::uint64_t RunFigures::releases() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < plan->task_count; ++i) sum += task_storage[i].releases;
  return sum;
}

bool RunFigures::degraded() const noexcept {
  return refused_memory_lock != 0 ||
         std::any_of(workers().begin(), workers().end(), [](const WorkerFigures& worker) {
           return worker.refused_scheduling != 0 || worker.refused_affinity != 0;
         });
}

std::uint64_t share_in_basis_points(std::uint64_t part, std::uint64_t whole) noexcept {
  if (whole == 0) return 0;
  constexpr std::uint64_t kWhole = 10'000;
  // Shares of hours in nanoseconds would overflow: scaled down, the error stays below 1 ppm.
  while (part > UINT64_MAX / kWhole / 2) {
    part >>= 1;
    whole >>= 1;
    if (whole == 0) return 0;
  }
  return (part * kWhole + whole / 2) / whole;
}

}  // namespace takt::run
