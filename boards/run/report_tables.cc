// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/report_tables.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "takt/boards/run/report.h"
#include "takt/boards/run/table.h"
#include "takt/platform/duration_text.h"

namespace takt::run {
namespace {

constexpr std::string_view kReleaseJitter = "release jitter, us";
constexpr std::string_view kResponseTime = "response time, us";
constexpr std::string_view kPeriodDeviation = "period deviation, us";
constexpr std::string_view kSwitches = "context switches";
constexpr std::string_view kFaults = "page faults";
constexpr std::string_view kStack = "stack, bytes";

constexpr TableColumn kTaskColumns[] = {{.heading = "task", .align = Align::left},
                                        {.heading = "as", .align = Align::left},
                                        {.heading = "lane", .align = Align::left},
                                        {.heading = "releases"},
                                        {.heading = "missed"},
                                        {.heading = "overruns"},
                                        {.heading = "CPU"}};

constexpr TableColumn kTimeColumns[] = {
    {.heading = "task", .align = Align::left},     {.heading = "p50", .group = kReleaseJitter},
    {.heading = "p99", .group = kReleaseJitter},   {.heading = "p99.9", .group = kReleaseJitter},
    {.heading = "max", .group = kReleaseJitter},   {.heading = "p50", .group = kResponseTime},
    {.heading = "p99", .group = kResponseTime},    {.heading = "p99.9", .group = kResponseTime},
    {.heading = "max", .group = kResponseTime},    {.heading = "p50", .group = kPeriodDeviation},
    {.heading = "p99", .group = kPeriodDeviation}, {.heading = "max", .group = kPeriodDeviation}};

constexpr TableColumn kWorkerColumns[] = {{.heading = "worker", .align = Align::left},
                                          {.heading = "scheduling", .align = Align::left},
                                          {.heading = "CPUs", .align = Align::left},
                                          {.heading = "jobs"},
                                          {.heading = "CPU"},
                                          {.heading = "waited", .group = kSwitches},
                                          {.heading = "preempted", .group = kSwitches},
                                          {.heading = "minor", .group = kFaults},
                                          {.heading = "major", .group = kFaults},
                                          {.heading = "used", .group = kStack},
                                          {.heading = "of", .group = kStack}};

void write_share(std::uint64_t cpu_ns, const RunFigures& figures, TextWriter& out) noexcept {
  const auto elapsed =
      static_cast<std::uint64_t>(std::max<Duration::rep>(figures.elapsed.count(), 0));
  const std::uint64_t tenths = (share_in_basis_points(cpu_ns, elapsed) + 5) / 10;
  out << tenths / 10 << '.' << tenths % 10 << " %";
}

// How a task is executed: its period, or why it has a worker of its own.
void write_form(const PlannedTask& task, TextWriter& out) noexcept {
  if (task.is_periodic()) {
    write_duration(out, task.period, " ");
  } else {
    out << to_string(task.form);
  }
}

void write_time(const Distribution& distribution, std::int64_t value, TextWriter& out) noexcept {
  if (distribution.count == 0) {
    out << '-';
  } else {
    write_microseconds(value, out);
  }
}

void write_task_cell(const RunFigures& figures, std::size_t row, std::size_t column,
                     TextWriter& out) noexcept {
  const PlannedTask& task = figures.plan->task_storage[row];
  const TaskFigures& held = figures.task_storage[row];
  switch (column) {
    case 0:
      out << task.name;
      break;
    case 1:
      write_form(task, out);
      break;
    case 2:
      out << figures.plan->lane_storage[task.lane].name;
      break;
    case 3:
      out << held.releases;
      break;
    case 4:
      out << held.deadline_misses;
      break;
    case 5:
      out << held.overruns;
      break;
    default:
      write_share(held.cpu_ns, figures, out);
      break;
  }
}

void write_time_cell(const RunFigures& figures, std::size_t row, std::size_t column,
                     TextWriter& out) noexcept {
  const TaskFigures& held = figures.task_storage[row];
  const Distribution& jitter = held.release_jitter;
  const Distribution& response = held.response_time;
  const Distribution& deviation = held.period_deviation;
  const std::int64_t values[] = {jitter.p50,    jitter.p99,    jitter.p999,   jitter.max,
                                 response.p50,  response.p99,  response.p999, response.max,
                                 deviation.p50, deviation.p99, deviation.max};
  if (column == 0) {
    out << figures.plan->task_storage[row].name;
  } else if (column <= 4) {
    write_time(jitter, values[column - 1], out);
  } else if (column <= 8) {
    write_time(response, values[column - 1], out);
  } else {
    write_time(deviation, values[column - 1], out);
  }
}

void write_worker_cell(const RunFigures& figures, std::size_t row, std::size_t column,
                       TextWriter& out) noexcept {
  const WorkerFigures& worker = figures.worker_storage[row];
  const PlannedLane& lane = figures.plan->lane_storage[worker.lane];
  const ThreadFigures& thread = worker.thread;
  const std::uint64_t numbers[] = {thread.voluntary_switches, thread.involuntary_switches,
                                   thread.minor_faults,       thread.major_faults,
                                   worker.stack_used,         worker.stack_bytes};
  switch (column) {
    case 0:
      out << worker.name;
      break;
    case 1:
      out << lane.scheduling << (worker.refused_scheduling != 0 ? " *" : "");
      break;
    case 2:
      if (lane.cpus.empty()) {
        out << "any";
      } else {
        out << lane.cpus;
      }
      if (worker.refused_affinity != 0) out << " *";
      break;
    case 3:
      out << worker.jobs;
      break;
    case 4:
      write_share(thread.cpu_ns, figures, out);
      break;
    default:
      out << numbers[column - 5];
      break;
  }
}

}  // namespace

void write_task_table(const RunFigures& figures, TextWriter& out) noexcept {
  write_table(
      kTaskColumns, figures.plan->task_count,
      [&figures](std::size_t row, std::size_t column, TextWriter& cell) {
        write_task_cell(figures, row, column, cell);
      },
      out);
}

void write_time_table(const RunFigures& figures, TextWriter& out) noexcept {
  write_table(
      kTimeColumns, figures.plan->task_count,
      [&figures](std::size_t row, std::size_t column, TextWriter& cell) {
        write_time_cell(figures, row, column, cell);
      },
      out);
}

void write_worker_table(const RunFigures& figures, TextWriter& out) noexcept {
  write_table(
      kWorkerColumns, figures.worker_count,
      [&figures](std::size_t row, std::size_t column, TextWriter& cell) {
        write_worker_cell(figures, row, column, cell);
      },
      out);
}

}  // namespace takt::run
