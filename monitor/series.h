// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_SERIES_H_
#define TAKT_MONITOR_SERIES_H_

#include <cstddef>
#include <cstdint>

#include "takt/monitor/metric_visit.h"

// What a Sampler keeps a history of. Each figure has a row in the tables at the head of series.cc.

namespace takt::inline v0 {

/// CPUs whose frequency, and thermal zones whose temperature is kept: the first of the board's.
inline constexpr std::uint32_t kSampledCpus = 4;
inline constexpr std::uint32_t kSampledZones = 8;

/// Of the process and the board. Those from `resident` on cost more to read, and are read anew each
/// SamplerConfig::slow_period only.
enum class ProcessFigure : std::uint32_t {
  cpu_time,              ///< user and system; as a rate, how many CPUs it keeps busy
  peak_resident,         ///< the most memory that was ever resident
  voluntary_switches,    ///< of all threads
  involuntary_switches,  ///< of all threads
  minor_faults,
  major_faults,
  resident,
  locked,
  threads,
  descriptors,  ///< open ones, sockets included
  sockets,
  frequency,                               ///< of the first sampled CPU; the others follow
  temperature = frequency + kSampledCpus,  ///< of the first zone; the others follow
  count = temperature + kSampledZones,     ///< how many there are, not a figure
};

/// Of one worker, as WorkerStats has them.
enum class WorkerFigure : std::uint32_t {
  jobs,
  failed,
  cancelled,
  deadline_misses,
  busy,  ///< time inside jobs, the current one included; as a rate, its utilisation
  sleeps,
  cpu_time,  ///< the kernel's, of its thread; absent while there is none
  phase,     ///< WorkerPhase at that instant
  count,     ///< how many there are, not a figure
};

/// Of one task, as TaskStats has them.
enum class TaskFigure : std::uint32_t {
  releases,
  completed,
  failed,
  cancelled,
  overruns,
  skipped,
  refused,
  deadline_misses,
  budget_overruns,
  execution,           ///< from start to finish, of jobs that ended; as a rate, its utilisation
  max_release_jitter,  ///< since it was added
  max_response,        ///< since it was added
  count,               ///< how many there are, not a figure
};

/// Of one lane.
enum class LaneFigure : std::uint32_t {
  waiting,         ///< jobs that wait for a worker, Executor::waiting_jobs(), at that instant
  active_workers,  ///< that may take jobs; 0 while it is paused
  rejected,        ///< as LaneStats has it
  dropped,         ///< as LaneStats has it
  count,           ///< how many there are, not a figure
};

/// Of one watched descriptor, as DescriptorStats has them.
enum class DescriptorFigure : std::uint32_t {
  events,
  completed,
  failed,
  cancelled,
  refused,  ///< an errno: it is lost; 0: it is not
  count,    ///< how many there are, not a figure
};

/// One of a Sampler's series; made by Sampler::series().
class Series {
 public:
  constexpr Series() noexcept = default;
  /// Whether it is one.
  constexpr bool valid() const noexcept { return column_ != 0; }

  friend constexpr bool operator==(Series, Series) noexcept = default;

 private:
  friend class Sampler;
  explicit constexpr Series(std::uint32_t column) noexcept : column_(column) {}

  std::uint32_t column_ = 0;
};

namespace detail {

inline constexpr auto kProcessFigures = static_cast<std::uint32_t>(ProcessFigure::count);
inline constexpr auto kWorkerFigures = static_cast<std::uint32_t>(WorkerFigure::count);
inline constexpr auto kTaskFigures = static_cast<std::uint32_t>(TaskFigure::count);
inline constexpr auto kLaneFigures = static_cast<std::uint32_t>(LaneFigure::count);
inline constexpr auto kDescriptorFigures = static_cast<std::uint32_t>(DescriptorFigure::count);

/// The tables. Frequencies share an entry, and so do temperatures.
const FigureInfo& info_of(ProcessFigure figure) noexcept;
const FigureInfo& info_of(WorkerFigure figure) noexcept;
const FigureInfo& info_of(TaskFigure figure) noexcept;
const FigureInfo& info_of(LaneFigure figure) noexcept;
const FigureInfo& info_of(DescriptorFigure figure) noexcept;

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_SERIES_H_
