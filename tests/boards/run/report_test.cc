// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/report.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>

#include "takt/boards/run/figures.h"
#include "takt/boards/run/period_deviation.h"
#include "takt/boards/run/quickstart.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/boards/run/reading.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

Reading reading;
Reading report_reading;
RunFigures figures;
TaskStats stats;
TaskHistograms histograms;
char text[65536];

template <class Write>
std::string written(const Write& write) {
  TextWriter out(text, sizeof text);
  write(out);
  EXPECT_FALSE(out.truncated());
  return std::string(out.view());
}

TEST(Report, shares_are_rounded) {
  EXPECT_EQ(share_in_basis_points(1, 3), 3333);
  EXPECT_EQ(share_in_basis_points(2, 3), 6667);
  EXPECT_EQ(share_in_basis_points(0, 7), 0);
  EXPECT_EQ(share_in_basis_points(7, 0), 0);
  EXPECT_EQ(share_in_basis_points(3, 2), 15000);
  EXPECT_EQ(share_in_basis_points(UINT64_MAX / 2, UINT64_MAX), 5000);
}

TEST(Report, microseconds_have_a_decimal_below_a_millisecond) {
  const auto of = [](std::int64_t nanoseconds) {
    return written([&](TextWriter& out) { write_microseconds(nanoseconds, out); });
  };
  EXPECT_EQ(of(0), "0.0");
  EXPECT_EQ(of(-5), "0.0");
  EXPECT_EQ(of(49), "0.0");
  EXPECT_EQ(of(50), "0.1");
  EXPECT_EQ(of(12'340), "12.3");
  EXPECT_EQ(of(999'949), "999.9");
  EXPECT_EQ(of(1'000'000), "1000");
  EXPECT_EQ(of(1'234'567), "1235");
}

TEST(Report, task_figures_are_those_of_the_statistics) {
  stats.histograms = &histograms;
  for (int i = 1; i <= 1000; ++i) {
    histograms.release_jitter.record(i * 10);
    histograms.response_time.record(i == 1000 ? 5'000'000 : 1000);
  }
  stats.releases.set(1000);
  stats.completed.set(999);
  stats.overruns.set(3);
  stats.deadline_misses.set(2);
  const TaskFigures held = TaskFigures::of(stats, 77);
  EXPECT_EQ(held.releases, 1000);
  EXPECT_EQ(held.completed, 999);
  EXPECT_EQ(held.overruns, 3);
  EXPECT_EQ(held.deadline_misses, 2);
  EXPECT_EQ(held.cpu_ns, 77);
  EXPECT_EQ(held.release_jitter.count, 1000);
  EXPECT_GE(held.release_jitter.p50, 5000);
  EXPECT_LE(held.release_jitter.p50, 5000 + 5000 / 32 + 1);
  EXPECT_GE(held.release_jitter.p99, 9900);
  EXPECT_EQ(held.release_jitter.max, 10000);
  EXPECT_LE(held.response_time.p999, 1032);
  EXPECT_EQ(held.response_time.max, 5'000'000);
}

TEST(Report, a_period_deviates_either_way) {
  static PeriodDeviation deviation;
  const TimePoint origin = TimePoint() + 5ms;
  // The first start has none before it; the last comes a release late.
  for (const Duration start : {0us, 1000us, 2100us, 2900us, 4900us}) {
    deviation.note_start(origin + start, 1ms);
  }
  const Distribution held = Distribution::of(deviation.counts());
  EXPECT_EQ(held.count, 4);
  EXPECT_EQ(held.max, 1'000'000);
  EXPECT_GE(held.p50, 100'000);
  EXPECT_LT(held.p50, 200'000);
  EXPECT_EQ(deviation.counts().count(0), 1);
}

TEST(Report, thread_figures_are_differences) {
  const auto self = platform::thread_id();
  const ThreadFigures before = ThreadFigures::of(self);
  EXPECT_GT(before.minor_faults, 0);
  const ThreadFigures later{.cpu_ns = before.cpu_ns + 7,
                            .voluntary_switches = before.voluntary_switches + 1,
                            .involuntary_switches = before.involuntary_switches + 2,
                            .minor_faults = before.minor_faults + 3,
                            .major_faults = before.major_faults + 4};
  const ThreadFigures difference = later - before;
  EXPECT_EQ(difference.cpu_ns, 7);
  EXPECT_EQ(difference.voluntary_switches, 1);
  EXPECT_EQ(difference.involuntary_switches, 2);
  EXPECT_EQ(difference.minor_faults, 3);
  EXPECT_EQ(difference.major_faults, 4);
  EXPECT_EQ(ThreadFigures::of(-1).cpu_ns, 0);  // no such thread: nothing, and no crash
}

void fill_figures() {
  reading.deploy(R"({"global": {"logdir": "./"}, "tasks": {
      "sch\u00f6n": {"policy": "SCHED_FIFO", "priority": 80, "run": 10,
                     "timer": {"ref": "unique", "period": 1000}},
      "q\"\\": {"run": 10, "sleep": 5}}})");
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());
  figures = RunFigures{};
  figures.file = "dir/w\"1\".json";
  figures.plan = &reading.plan;
  figures.diagnostics = &reading.diagnostics;
  figures.cpus = CpuSet::of(0, 1);
  figures.requested = 2s;
  figures.elapsed = 2s;
  figures.interrupted = true;
  figures.task_storage[0] = {.releases = 2000,
                             .completed = 2000,
                             .overruns = 1,
                             .deadline_misses = 4,
                             .cpu_ns = 20'000'000,
                             .release_jitter = {2000, 4000, 9000, 20'000, 123'456},
                             .response_time = {2000, 15'000, 20'000, 30'000, 2'000'000},
                             .period_deviation = {1999, 5'000, 50'000, 60'000, 70'000}};
  figures.task_storage[1].releases = 7;
  figures.worker_count = 2;
  TextWriter(figures.worker_storage[0].name, 16) << "fifo80";
  figures.worker_storage[0].jobs = 2000;
  figures.worker_storage[0].thread = {30'000'000, 2001, 5, 1, 0};
  figures.worker_storage[0].stack_used = 3000;
  figures.worker_storage[0].stack_bytes = 65536;
  figures.worker_storage[1].lane = 1;
}

TEST(Report, tables_show_every_task_and_worker) {
  fill_figures();
  const std::string tables = written([](TextWriter& out) { write_tables(figures, out); });
  constexpr std::string_view kSummary =
      "dir/w\"1\".json: 2.000 s on CPUs 0,1, interrupted\n"
      "2 tasks on 2 lanes with 2 workers; takt ";
  constexpr std::string_view kTasks =
      "task   as      lane    releases  missed  overruns    CPU\n"
      "schön  1 ms    fifo80      2000       4         1  1.0 %\n"
      "q\"\\    sleeps  q\"\\            7       0         0  0.0 %\n";
  constexpr std::string_view kTimes =
      "       release jitter, us      response time, us        period deviation, us\n"
      "task   p50  p99  p99.9    max   p50   p99  p99.9   max       p50   p99   max\n"
      "schön  4.0  9.0   20.0  123.5  15.0  20.0   30.0  2000       5.0  50.0  70.0\n"
      "q\"\\      -    -      -      -     -     -      -     -         -     -     -\n";
  constexpr std::string_view kWorkers =
      "                                          context switches   page faults   stack, bytes\n"
      "worker  scheduling     CPUs  jobs    CPU  waited  preempted  minor  major   used     of\n"
      "fifo80  SCHED_FIFO 80  any   2000  1.5 %    2001          5      1      0   3000  65536\n";
  constexpr std::string_view kEnd =
      "refused: nothing\n"
      "held: 2007 releases, deadlines missed: 4, overruns: 1\n";
  for (const std::string_view line : {kSummary, kTasks, kTimes, kWorkers, kEnd}) {
    EXPECT_TRUE(tables.find(line) != std::string::npos, "not found: %.*s\nin %s",
                static_cast<int>(line.size()), line.data(), tables.c_str());
  }
  EXPECT_TRUE(tables.find("logdir") == std::string::npos);  // said before the run
}

std::size_t widest_line(const std::string& lines) {
  std::size_t widest = 0;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) widest = std::max(widest, line.size());
  return widest;
}

// The quickstart's tasks and workers, all refused, with times of 100 ms and counts of an hour.
TEST(Report, fits_a_terminal) {
  reading.deploy(kQuickstart, CpuSet::range(0, 3));
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());
  figures = RunFigures{};
  figures.file = kQuickstartFile;
  figures.plan = &reading.plan;
  figures.diagnostics = &reading.diagnostics;
  figures.cpus = CpuSet::range(0, 3);
  figures.elapsed = 3600s;
  figures.refused_memory_lock = ENOMEM;
  constexpr Distribution kTimes{3'600'000, 9'999'000, 99'999'000, 99'999'000, 99'999'000};
  for (std::size_t i = 0; i < reading.plan.task_count; ++i) {
    figures.task_storage[i] = {.releases = 3'600'000,
                               .completed = 3'600'000,
                               .overruns = 1'000'000,
                               .deadline_misses = 1'000'000,
                               .cpu_ns = 600'000'000'000,
                               .release_jitter = kTimes,
                               .response_time = kTimes,
                               .period_deviation = kTimes};
  }
  for (std::size_t lane = 0; lane < reading.plan.lane_count; ++lane) {
    WorkerFigures& worker = figures.worker_storage[figures.worker_count++];
    TextWriter(worker.name, 16) << reading.plan.lane_storage[lane].name << ".0";
    worker.lane = lane;
    worker.jobs = 3'600'000;
    worker.thread = {600'000'000'000, 3'600'000, 3'600'000, 1'000, 1'000};
    worker.stack_used = 10'000;
    worker.stack_bytes = 65'536;
    worker.refused_scheduling = EPERM;
    worker.refused_affinity = EPERM;
  }
  const std::string tables = written([](TextWriter& out) { write_tables(figures, out); });
  EXPECT_LE(widest_line(tables), 100, "%s", tables.c_str());
  const std::string advice = written([](TextWriter& out) { write_advice(figures, "run", out); });
  EXPECT_LE(widest_line(advice), 100, "%s", advice.c_str());
}

std::size_t occurrences(std::string_view lines, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = lines.find(part); at != std::string_view::npos;
       at = lines.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(Report, refusals_are_named_once_with_a_remedy) {
  fill_figures();
  figures.worker_storage[0].refused_scheduling = EPERM;
  figures.refused_memory_lock = ENOMEM;
  const std::string tables = written([](TextWriter& out) { write_tables(figures, out); });
  EXPECT_EQ(occurrences(tables, "refused"), 2, "%s", tables.c_str());
  EXPECT_EQ(occurrences(tables, "refused: scheduling of 1 of 2 workers, marked * (EPERM: "), 1);
  EXPECT_EQ(occurrences(tables, "refused: memory lock (ENOMEM: "), 1);
  EXPECT_EQ(occurrences(tables, "fifo80  SCHED_FIFO 80 *  any "), 1);
  EXPECT_EQ(occurrences(tables, "degraded"), 1);
  figures.worker_storage[1].refused_scheduling = EPERM;
  figures.worker_storage[1].refused_affinity = EINVAL;
  const std::string both = written([](TextWriter& out) { write_tables(figures, out); });
  EXPECT_EQ(occurrences(both, "refused: scheduling of 2 of 2 workers, marked * (EPERM: "), 1);
  EXPECT_EQ(occurrences(both, "refused: CPUs of 1 of 2 workers, marked * (EINVAL: "), 1);
  const std::string advice =
      written([](TextWriter& out) { write_advice(figures, "/opt/run", out); });
  EXPECT_TRUE(advice.find("sudo setcap cap_sys_nice,cap_ipc_lock+ep /opt/run\n") !=
              std::string::npos);
  figures.worker_storage[1].refused_scheduling = 0;
  figures.worker_storage[1].refused_affinity = 0;
  figures.worker_storage[0].refused_scheduling = 0;
  figures.refused_memory_lock = 0;
  EXPECT_EQ(written([](TextWriter& out) { write_advice(figures, "/opt/run", out); }), "");
}

TEST(Report, json_strings_are_escaped) {
  EXPECT_EQ(written([](TextWriter& out) { write_json_string("a\"b\\c\n\x1f é", out); }),
            "\"a\\\"b\\\\c\\u000a\\u001f é\"");
}

TEST(Report, json_reads_back) {
  fill_figures();
  const std::string json = written([](TextWriter& out) { write_json(figures, out); });
  report_reading.parse(json);
  ASSERT_TRUE(report_reading.ok, "%s\n%s", report_reading.errors().c_str(), json.c_str());
  const JsonNode& report = *report_reading.document;
  EXPECT_EQ(report.find("schema")->text, "takt-run-1");
  EXPECT_EQ(report.find("file")->text, "dir/w\"1\".json");
  EXPECT_EQ(report.find("requested_ns")->integer, 2'000'000'000);
  EXPECT_TRUE(report.find("interrupted")->boolean);
  EXPECT_FALSE(report.find("degraded")->boolean);
  EXPECT_EQ(report.find("deadline_misses")->integer, 4);
  EXPECT_EQ(report.find("lanes")->size, 2);
  EXPECT_EQ(report.find("lanes")->first_child->find("scheduling")->text, "SCHED_FIFO 80");
  const JsonNode* tasks = report.find("tasks");
  ASSERT_EQ(tasks->size, 2);
  const JsonNode& task = *tasks->first_child;
  EXPECT_EQ(task.find("name")->text, "schön");
  EXPECT_TRUE(task.find("periodic")->boolean);
  EXPECT_EQ(task.find("period_ns")->integer, 1'000'000);
  EXPECT_EQ(task.find("release_jitter_ns")->find("p99_9")->integer, 20'000);
  EXPECT_EQ(task.find("response_time_ns")->find("max")->integer, 2'000'000);
  EXPECT_EQ(task.find("period_deviation_ns")->find("p99_9")->integer, 60'000);
  EXPECT_EQ(task.next->find("period_deviation_ns"), nullptr);
  EXPECT_EQ(task.find("cpu_share_basis_points")->integer, 100);
  EXPECT_EQ(task.next->find("name")->text, "q\"\\");
  EXPECT_EQ(task.next->find("form")->text, "sleeps");
  const JsonNode& worker = *report.find("workers")->first_child;
  EXPECT_EQ(worker.find("voluntary_switches")->integer, 2001);
  EXPECT_EQ(worker.find("stack_used")->integer, 3000);
  EXPECT_EQ(report.find("notices")->first_child->find("column")->integer, 13);
}

}  // namespace
}  // namespace takt::run
