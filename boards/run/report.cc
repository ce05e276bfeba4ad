// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/report.h"

#include <string.h>

#include <algorithm>
#include <cstddef>

#include "takt/boards/run/report_tables.h"
#include "takt/platform/version.h"

namespace takt::run {
namespace {

void write_seconds(Duration duration, TextWriter& out) noexcept {
  const auto milliseconds = duration.count() / 1'000'000;
  out << milliseconds / 1000 << '.' << milliseconds / 100 % 10 << milliseconds / 10 % 10
      << milliseconds % 10 << " s";
}

void write_refusal(std::string_view what, int error_number, TextWriter& out) noexcept {
  const char* name = ::strerrorname_np(error_number);
  out << "refused: " << what << " (";
  if (name != nullptr) {
    out << name << ": " << ::strerrordesc_np(error_number);
  } else {
    out << "errno " << error_number;
  }
  out << ")\n";
}

/// One line for each errno with which workers were refused something; the workers are marked in
/// their table.
void write_refused_workers(const RunFigures& figures, std::string_view what,
                           int WorkerFigures::*refused, TextWriter& out) noexcept {
  const auto workers = figures.workers();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const int error_number = workers[i].*refused;
    const auto same = [=](const WorkerFigures& worker) { return worker.*refused == error_number; };
    const auto earlier = workers.first(i);
    if (error_number == 0 || std::any_of(earlier.begin(), earlier.end(), same)) continue;
    Text<64> text;
    text << what << " of " << std::count_if(workers.begin(), workers.end(), same) << " of ";
    write_count(workers.size(), "worker", text);
    text << ", marked *";
    write_refusal(text.view(), error_number, out);
  }
}

void write_refusals(const RunFigures& figures, TextWriter& out) noexcept {
  if (!figures.degraded()) {
    out << "refused: nothing\n";
    return;
  }
  write_refused_workers(figures, "scheduling", &WorkerFigures::refused_scheduling, out);
  write_refused_workers(figures, "CPUs", &WorkerFigures::refused_affinity, out);
  if (figures.refused_memory_lock != 0) {
    write_refusal("memory lock", figures.refused_memory_lock, out);
  }
}

}  // namespace

void write_tables(const RunFigures& figures, TextWriter& out) noexcept {
  out << '\n' << figures.file << ": ";
  write_seconds(figures.elapsed, out);
  out << " on CPUs " << figures.cpus;
  if (figures.interrupted) out << ", interrupted";
  if (figures.degraded()) out << ", degraded";
  out << '\n';
  write_count(figures.plan->task_count, "task", out);
  out << " on ";
  write_count(figures.plan->lane_count, "lane", out);
  out << " with ";
  write_count(figures.worker_count, "worker", out);
  out << "; takt " << kVersion << "\n\n";
  write_task_table(figures, out);
  out << '\n';
  write_time_table(figures, out);
  out << '\n';
  write_worker_table(figures, out);
  out << '\n';
  write_refusals(figures, out);
  out << "held: " << figures.releases()
      << " releases, deadlines missed: " << figures.deadline_misses()
      << ", overruns: " << figures.overruns() << '\n';
}

void write_advice(const RunFigures& figures, std::string_view program, TextWriter& out) noexcept {
  if (!figures.degraded()) return;
  out << "takt run: goes on without what the system refuses; the report says what. Its figures are "
         "not\n"
         "those of a real-time run. To grant it, either, again after each build,\n"
         "  sudo setcap cap_sys_nice,cap_ipc_lock+ep "
      << program
      << "\n"
         "or for good, in /etc/security/limits.conf, and log in anew\n"
         "  YOU  -  rtprio   99\n"
         "  YOU  -  memlock  unlimited\n"
         "SCHED_DEADLINE needs cap_sys_nice.\n";
}

void write_count(std::uint64_t count, std::string_view noun, TextWriter& out) noexcept {
  out << count << ' ' << noun << (count == 1 ? "" : "s");
}

void write_microseconds(std::int64_t nanoseconds, TextWriter& out) noexcept {
  constexpr std::int64_t kMillisecond = 1'000'000;
  if (nanoseconds >= kMillisecond) {
    out << (nanoseconds + 500) / 1000;
    return;
  }
  const std::int64_t tenths = (std::max<std::int64_t>(nanoseconds, 0) + 50) / 100;
  out << tenths / 10 << '.' << tenths % 10;
}

}  // namespace takt::run
