// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "takt/tests/boards/run/reading.h"
#include "takt/tests/monitor/promtool.h"
#include "takt/tests/monitor/trace_reading.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

Reading reading;

std::string temporary_file(const char* name) {
  const char* directory = ::getenv("TEST_TMPDIR");
  return std::string(directory != nullptr ? directory : "/tmp") + "/takt_run_" +
         std::to_string(::getpid()) + "_" + name;
}

std::string file_of(const char* name, const std::string& content) {
  std::string path = temporary_file(name);
  std::ofstream(path) << content;
  return path;
}

std::string content_of(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

test::ChildOutcome run_with(const std::vector<const char*>& arguments) {
  return test::run_in_child([&] { ::_exit(run_program(arguments)); });
}

bool contains(const test::ChildOutcome& outcome, std::string_view text) {
  return outcome.output.find(text) != std::string::npos;
}

constexpr const char* kWorkload = R"({"tasks": {
  "fast": {"policy": "SCHED_FIFO", "priority": 30, "run": 100,
           "timer": {"ref": "unique", "period": 10000}},
  "twin": {"instance": 2, "run": 100, "timer": {"ref": "unique", "period": 20000}},
  "once": {"loop": 3, "run": 100, "sleep": 1000}}, "global": {"duration": 60}})";

TEST(Program, executes_a_workload_and_reports) {
  const std::string file = file_of("w.json", kWorkload);
  const std::string json = temporary_file("figures.json");
  const test::ChildOutcome outcome =
      run_with({file.c_str(), "--duration", "0.3", "--json", json.c_str()});
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  EXPECT_TRUE(contains(outcome, "fast"), "%s", outcome.output.c_str());
  EXPECT_TRUE(contains(outcome, "a finite loop"));
  EXPECT_FALSE(contains(outcome, "\r"));  // no progress line in a pipe

  const std::string text = content_of(json);
  reading.parse(text);
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());
  const JsonNode& report = *reading.document;
  EXPECT_EQ(report.find("file")->text, file);
  EXPECT_GE(report.find("elapsed_ns")->integer, 300'000'000);
  ASSERT_EQ(report.find("tasks")->size, 4);
  ASSERT_EQ(report.find("lanes")->size, 3);
  const JsonNode& fast = *report.find("tasks")->first_child;
  EXPECT_EQ(fast.find("name")->text, "fast");
  // Releases come at 0, 10, … 290 ms; an overloaded machine may make overruns of some.
  EXPECT_GE(fast.find("releases")->integer + fast.find("overruns")->integer, 30);
  EXPECT_GE(fast.find("cpu_ns")->integer, fast.find("completed")->integer * 100'000);
  EXPECT_GE(fast.find("response_time_ns")->find("p50")->integer, 100'000);
  EXPECT_EQ(fast.find("release_jitter_ns")->find("count")->integer, fast.find("releases")->integer);
  EXPECT_EQ(fast.find("period_deviation_ns")->find("count")->integer,
            fast.find("releases")->integer - 1);
  const JsonNode& once = *fast.next->next->next;
  EXPECT_EQ(once.find("name")->text, "once");
  EXPECT_FALSE(once.find("periodic")->boolean);
  EXPECT_EQ(once.find("completed")->integer, 4);
  const JsonNode& worker = *report.find("workers")->first_child;
  EXPECT_GT(worker.find("cpu_ns")->integer, 0);
  EXPECT_GT(worker.find("voluntary_switches")->integer, 0);
  EXPECT_GT(worker.find("stack_used")->integer, 0);
}

constexpr const char* kBrief = R"({"global": {"calibration": 7, "ftrace": false}, "tasks": {
  "t": {"loop": 2, "run": 10}}})";

TEST(Program, refuses_a_json_file_before_it_runs) {
  const std::string file = file_of("w.json", kBrief);
  for (const char* json : {"/nonexistent/figures.json", "/tmp"}) {
    const test::ChildOutcome outcome = run_with({file.c_str(), "--json", json});
    EXPECT_TRUE(outcome.exited_with(2), "%s", outcome.output.c_str());
    EXPECT_TRUE(contains(outcome, std::string("--json ") + json), "%s", outcome.output.c_str());
    EXPECT_FALSE(contains(outcome, "1 task"), "%s", outcome.output.c_str());
  }
}

TEST(Program, leaves_a_json_file_alone_when_nothing_was_executed) {
  const std::string wrong = file_of("wrong.json", "{}");
  const std::string fresh = temporary_file("fresh.json");
  const std::string old = file_of("old.json", "old");
  EXPECT_TRUE(run_with({wrong.c_str(), "--json", fresh.c_str()}).exited_with(2));
  EXPECT_NE(::access(fresh.c_str(), F_OK), 0);
  EXPECT_TRUE(run_with({wrong.c_str(), "--json", old.c_str()}).exited_with(2));
  EXPECT_EQ(content_of(old), "old");
}

TEST(Program, replaces_a_longer_json_file) {
  const std::string file = file_of("w.json", kBrief);
  const std::string json = file_of("long.json", std::string(100'000, '7'));
  EXPECT_TRUE(run_with({file.c_str(), "--json", json.c_str()}).exited_with(0));
  const std::string text = content_of(json);
  reading.parse(text);
  EXPECT_TRUE(reading.ok, "%s", reading.errors().c_str());
}

TEST(Program, says_that_the_json_file_could_not_be_written) {
  const std::string file = file_of("w.json", kBrief);
  const test::ChildOutcome outcome = run_with({file.c_str(), "--json", "/dev/full"});
  EXPECT_TRUE(outcome.exited_with(1), "%s", outcome.output.c_str());
  EXPECT_TRUE(contains(outcome, "held: "), "%s", outcome.output.c_str());
  EXPECT_TRUE(contains(outcome, "/dev/full (ENOSPC"), "%s", outcome.output.c_str());
}

/// The value of a metric in Prometheus's text.
std::int64_t value_of(const std::string& text, const std::string& metric) {
  const std::size_t found = text.find("\n" + metric + " ");
  EXPECT_TRUE(found != std::string::npos, "%s", metric.c_str());
  return found == std::string::npos ? -1 : std::stoll(text.substr(found + metric.size() + 2));
}

TEST(Program, writes_metrics_and_a_trace_that_agree_with_the_report) {
  const std::string file = file_of("w.json", kWorkload);
  const std::string json = temporary_file("figures.json");
  const std::string metrics = temporary_file("run.prom");
  const std::string trace = temporary_file("trace.json");
  const std::string option = "--metrics=" + metrics;
  const test::ChildOutcome outcome =
      run_with({file.c_str(), "--duration", "0.3", "--json", json.c_str(), option.c_str(),
                "--trace", trace.c_str()});
  ASSERT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  reading.parse(content_of(json));
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());

  const std::string text = content_of(metrics);
  test::expect_promtool_accepts(text);
  const JsonNode& fast = *reading.document->find("tasks")->first_child;
  const JsonNode& once = *fast.next->next->next;
  const std::string of_fast = R"({task="fast",number="0"})";
  EXPECT_EQ(value_of(text, "takt_task_releases_total" + of_fast), fast.find("releases")->integer);
  EXPECT_EQ(value_of(text, "takt_task_completed_jobs_total" + of_fast),
            fast.find("completed")->integer);
  EXPECT_EQ(value_of(text, "takt_task_release_jitter_seconds_count" + of_fast),
            fast.find("release_jitter_ns")->find("count")->integer);
  EXPECT_EQ(value_of(text, R"(takt_task_completed_jobs_total{task="once",number="3"})"), 4);
  EXPECT_EQ(once.find("completed")->integer, 4);
  // Its lanes, and no others of what the program has room for.
  for (const char* lane : {"0", "1", "2"}) {
    const std::string labels = std::string("{lane=\"") + lane + "\",number=\"" + lane + "\"}";
    EXPECT_EQ(value_of(text, "takt_lane_rejected_posts_total" + labels), 0);
    EXPECT_GE(value_of(text, "takt_lane_active_workers" + labels), 1);
  }
  EXPECT_TRUE(text.find("takt_lane_waiting_jobs{lane=\"3\"") == std::string::npos);

  const test::TraceReading events(content_of(trace));
  events.check_nesting();
  std::int64_t jobs_of_fast = 0;
  for (const test::TraceRecord& record : events.records) {
    if (record.phase == "B" && record.name == "fast") ++jobs_of_fast;
  }
  EXPECT_EQ(events.total("workers_without_track"), 0);
  if (events.total("events_lost") == 0) {
    EXPECT_EQ(jobs_of_fast, fast.find("completed")->integer);
    EXPECT_FALSE(contains(outcome, "overwritten"));
  }
  EXPECT_NE(::access((metrics + ".tmp").c_str(), F_OK), 0);
  EXPECT_NE(::access((trace + ".tmp").c_str(), F_OK), 0);
}

// What is refused costs nobody a run, and leaves what is there.
TEST(Program, refuses_files_before_it_runs) {
  const std::string file = file_of("w.json", kBrief);
  for (const char* option : {"--metrics", "--trace", "--json"}) {
    const test::ChildOutcome missing = run_with({file.c_str(), option, "/nonexistent/f"});
    EXPECT_TRUE(missing.exited_with(2), "%s", missing.output.c_str());
    EXPECT_TRUE(contains(missing, std::string(option) + " /nonexistent/f"), "%s",
                missing.output.c_str());
    EXPECT_TRUE(contains(missing, "(ENOENT"), "%s", missing.output.c_str());
    EXPECT_FALSE(contains(missing, "1 task"), "%s", missing.output.c_str());
    if (std::string_view(option) == "--json") continue;
    for (const char* path : {"/dev/full", "/tmp"}) {
      const test::ChildOutcome irregular = run_with({file.c_str(), option, path});
      EXPECT_TRUE(irregular.exited_with(2), "%s", irregular.output.c_str());
      EXPECT_TRUE(contains(irregular, std::string(option) + " " + path + ": no regular file"), "%s",
                  irregular.output.c_str());
    }
  }
  const std::string old = file_of("old.prom", "old");
  const test::ChildOutcome outcome =
      run_with({file.c_str(), "--metrics", old.c_str(), "--trace", "/nonexistent/f"});
  EXPECT_TRUE(outcome.exited_with(2));
  EXPECT_EQ(content_of(old), "old");
}

// A disk that is full, played by a limit.
TEST(Program, says_that_metrics_and_trace_could_not_be_written) {
  const std::string file = file_of("w.json", kBrief);
  for (const char* option : {"--metrics", "--trace"}) {
    const std::string path = file_of("old", "old");
    const test::ChildOutcome outcome = test::run_in_child([&] {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit = {.rlim_cur = 64, .rlim_max = RLIM_INFINITY};
      ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
      const std::vector<const char*> arguments = {file.c_str(), option, path.c_str()};
      ::_exit(run_program(arguments));
    });
    EXPECT_TRUE(outcome.exited_with(1), "%s", outcome.output.c_str());
    EXPECT_TRUE(contains(outcome, "held: "), "%s", outcome.output.c_str());
    EXPECT_TRUE(contains(outcome, "_old.tmp: cannot be written (EFBIG"), "%s",
                outcome.output.c_str());
    EXPECT_EQ(content_of(path), "old");
    EXPECT_NE(::access((path + ".tmp").c_str(), F_OK), 0);
  }
}

TEST(Program, says_once_what_it_does_not_use) {
  const std::string file = file_of("w.json", kBrief);
  const test::ChildOutcome outcome = run_with({file.c_str()});
  const std::size_t first = outcome.output.find("\"calibration\"");
  EXPECT_TRUE(first != std::string::npos, "%s", outcome.output.c_str());
  EXPECT_TRUE(outcome.output.find("\"calibration\"", first + 1) == std::string::npos, "%s",
              outcome.output.c_str());
  EXPECT_FALSE(contains(outcome, "ftrace"));  // false is what takt does
}

TEST(Program, ends_when_all_tasks_have_ended) {
  const std::string file =
      file_of("w.json",
              "{\"tasks\": {\"a\": {\"loop\": 2, \"run\": 10}, \"b\": {\"loop\": 1, "
              "\"sleep\": 5000}}}");
  const test::ChildOutcome outcome = run_with({file.c_str()});
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  EXPECT_TRUE(contains(outcome, "until all have ended, or Ctrl-C"));
}

TEST(Program, runs_the_quickstart_without_a_file) {
  const test::ChildOutcome outcome = run_with({"--duration", "0.1", "--json", "-"});
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  EXPECT_TRUE(
      contains(outcome, "boards/workloads/quickstart.json: 16 tasks, of which 16 periodic"));
  EXPECT_TRUE(contains(outcome, "{\"schema\":\"takt-run-1\""));
}

TEST(Program, strict_tells_a_miss_by_the_exit_status) {
  const std::string late = file_of(
      "late.json",
      "{\"tasks\": {\"t\": {\"run\": 9000, \"timer\": {\"ref\": \"unique\", \"period\": 5000}}}}");
  const test::ChildOutcome strict = run_with({late.c_str(), "--duration", "0.1", "--strict"});
  EXPECT_TRUE(strict.exited_with(1));
  EXPECT_TRUE(contains(strict, "takt run: --strict: deadlines missed: "), "%s",
              strict.output.c_str());
  const test::ChildOutcome lenient = run_with({late.c_str(), "--duration", "0.1"});
  EXPECT_TRUE(lenient.exited_with(0));
  EXPECT_FALSE(contains(lenient, "--strict"));
}

TEST(Program, an_interrupt_ends_it_with_the_report) {
  const std::string file = file_of(
      "w.json",
      "{\"tasks\": {\"t\": {\"run\": 10, \"timer\": {\"ref\": \"unique\", \"period\": 5000}},"
      "\"s\": {\"sleep\": 2000000000}}}");
  const test::ChildOutcome outcome = test::run_in_child([&] {
    timer_t timer = {};
    sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGINT;
    // After a while; before that the signal is not blocked yet, and would kill.
    itimerspec time = {.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 500'000'000}};
    ASSERT_EQ(::timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ASSERT_EQ(::timer_settime(timer, 0, &time, nullptr), 0);
    const std::vector<const char*> arguments = {file.c_str()};
    ::_exit(run_program(arguments));
  });
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  EXPECT_TRUE(contains(outcome, "interrupted"), "%s", outcome.output.c_str());
  EXPECT_TRUE(contains(outcome, "held: "), "%s", outcome.output.c_str());
}

TEST(Program, a_signal_that_was_ignored_from_the_start_stays_so) {
  const std::string file = file_of("w.json", "{\"tasks\": {\"s\": {\"sleep\": 2000000000}}}");
  const test::ChildOutcome outcome = test::run_in_child([&] {
    ::signal(SIGHUP, SIG_IGN);
    timer_t timer = {};
    sigevent event = {};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGHUP;
    itimerspec time = {.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 100'000'000}};
    ASSERT_EQ(::timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ASSERT_EQ(::timer_settime(timer, 0, &time, nullptr), 0);
    const std::vector<const char*> arguments = {file.c_str(), "--duration", "0.5"};
    ::_exit(run_program(arguments));
  });
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  EXPECT_TRUE(contains(outcome, "held: "), "%s", outcome.output.c_str());
  EXPECT_FALSE(contains(outcome, "interrupted"), "%s", outcome.output.c_str());
}

TEST(Program, a_report_that_cannot_be_written_is_an_error) {
  const auto run_into_full_device = [](const std::vector<const char*>& arguments) {
    return test::run_in_child([&] {
      const int full = ::open("/dev/full", O_WRONLY);
      ASSERT_GE(full, 0);
      ASSERT_EQ(::dup2(full, STDOUT_FILENO), STDOUT_FILENO);
      ::_exit(run_program(arguments));
    });
  };
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{"--duration", "0.1"}, std::vector<const char*>{"--help"}}) {
    const test::ChildOutcome outcome = run_into_full_device(arguments);
    EXPECT_TRUE(outcome.exited_with(1), "%s", outcome.output.c_str());
    EXPECT_TRUE(contains(outcome, "the report cannot be written (ENOSPC"), "%s",
                outcome.output.c_str());
  }
}

TEST(Program, names_what_is_wrong) {
  const std::string wrong = file_of("wrong.json", "{\"tasks\": {\n  \"t\": {\"runn\": 1}}}");
  test::ChildOutcome outcome = run_with({wrong.c_str()});
  EXPECT_TRUE(outcome.exited_with(2));
  EXPECT_TRUE(contains(outcome, wrong + ":2:9: error: unknown key \"runn\"; did you mean \"run\"?"),
              "%s", outcome.output.c_str());
  outcome = run_with({"/nonexistent/w.json"});
  EXPECT_TRUE(outcome.exited_with(2));
  EXPECT_TRUE(contains(outcome, "/nonexistent/w.json: cannot be opened (ENOENT"), "%s",
              outcome.output.c_str());
  outcome = run_with({"--what"});
  EXPECT_TRUE(outcome.exited_with(2));
  EXPECT_TRUE(contains(outcome, "unknown option '--what'"));
  outcome = run_with({"--help"});
  EXPECT_TRUE(outcome.exited_with(0));
  EXPECT_TRUE(contains(outcome, "usage: boards/takt run"));
}

}  // namespace
}  // namespace takt::run
