// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_FIGURES_H_
#define TAKT_BOARDS_RUN_FIGURES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "takt/boards/run/diagnostics.h"
#include "takt/boards/run/plan.h"
#include "takt/executor/stats.h"
#include "takt/platform/time.h"

/// What a run held, as plain values: taken once at its end, then printed as table or JSON.
namespace takt::run {

/// A distribution of durations in nanoseconds.
struct Distribution {
  std::uint64_t count = 0;
  std::int64_t p50 = 0;
  std::int64_t p99 = 0;
  std::int64_t p999 = 0;
  std::int64_t max = 0;

  /// Of what a histogram counted; its percentiles are at most 3.1 % too high (monitor/histogram.h).
  static Distribution of(const HistogramCounts& counts) noexcept;
};

struct TaskFigures {
  std::uint64_t releases = 0;
  std::uint64_t completed = 0;
  std::uint64_t overruns = 0;
  std::uint64_t deadline_misses = 0;
  std::uint64_t cpu_ns = 0;
  Distribution release_jitter;
  Distribution response_time;
  Distribution period_deviation;  ///< none of a task that is not periodic

  static TaskFigures of(const TaskStats& stats, std::uint64_t cpu_ns) noexcept;
};

/// What the kernel counted for a worker's thread. Taken twice, the difference is the run's.
struct ThreadFigures {
  std::uint64_t cpu_ns = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t major_faults = 0;

  /// Of a thread of this process; zero what the kernel does not tell.
  static ThreadFigures of(std::int32_t thread_id) noexcept;
  ThreadFigures operator-(const ThreadFigures& earlier) const noexcept;
};

struct WorkerFigures {
  char name[16] = {};
  std::size_t lane = 0;
  std::uint64_t jobs = 0;
  ThreadFigures thread;
  std::size_t stack_used = 0;
  std::size_t stack_bytes = 0;
  int refused_scheduling = 0;  ///< errno, 0: granted
  int refused_affinity = 0;
};

struct RunFigures {
  std::string_view file;
  const Plan* plan = nullptr;
  const Diagnostics* diagnostics = nullptr;
  CpuSet cpus;             ///< that the process may use
  Duration requested{-1};  ///< negative: no limit
  Duration elapsed{};
  bool interrupted = false;
  bool lock_pages = false;
  int refused_memory_lock = 0;  ///< errno, 0: granted or not wanted
  std::array<TaskFigures, Plan::kMaxTasks> task_storage;
  std::array<WorkerFigures, Plan::kMaxWorkers> worker_storage;
  std::size_t worker_count = 0;

  std::span<const WorkerFigures> workers() const noexcept {
    return std::span(worker_storage).first(worker_count);
  }
  std::uint64_t deadline_misses() const noexcept;
  std::uint64_t overruns() const noexcept;
  std::uint64_t releases() const noexcept;
  /// Something that the file asks for was not granted.
  bool degraded() const noexcept;
};

/// `part` of `whole` in hundredths of a per cent, rounded; 0 when there is no whole.
std::uint64_t share_in_basis_points(std::uint64_t part, std::uint64_t whole) noexcept;

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_FIGURES_H_
