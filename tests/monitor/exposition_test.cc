// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/exposition.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "takt/boards/run/diagnostics.h"
#include "takt/boards/run/json_reader.h"
#include "takt/executor/manual_executor.h"
#include "takt/monitor/error_log.h"
#include "takt/monitor/gauge.h"
#include "takt/monitor/metrics.h"
#include "takt/monitor/sampler.h"
#include "takt/tests/monitor/promtool.h"
#include "takt/tests/monitor/strict_json.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Exposition;
using takt::ExpositionFormat;
using takt::StatusCode;
using takt::test::expect_promtool_accepts;
using takt::test::expect_strict_json;

constexpr takt::ExecutorLimits kLimits{
    .workers = 2, .lanes = 2, .jobs_per_lane = 4, .tasks = 4, .histograms = 2};
takt::ManualExecutor<kLimits> executor;
takt::StaticMetrics<8> metrics;
takt::StaticSampler<takt::SamplerLimits{.workers = 2, .tasks = 4, .descriptors = 2, .history = 2}>
    sampler;
takt::SharedCounter frames;
takt::Gauge temperature;
takt::HistogramCounts waits;
char buffer[256 * 1024];

/// A registry of the user's: with a label that needs escapes, and a negative gauge.
void add_metrics() {
  frames.add(12);
  temperature.set(-12'345);
  waits.record(0);
  waits.record(1023);
  waits.record(1024);
  waits.record(20'000'000'000);  // above the last bound
  ASSERT_OK(metrics.add({.name = "frames_total",
                         .help = "Frames \\ of\nthe \"camera\"",
                         .labels = {{"camera", "a\"b\\c\nd\xff\xc3\xa9"}, {"side", ""}}},
                        frames));
  ASSERT_OK(metrics.add({.name = "board_temperature_celsius",
                         .help = "Of the board",
                         .unit = "celsius",
                         .per_unit = 1000},
                        temperature));
  ASSERT_OK(metrics.add({.name = "queue_wait_seconds",
                         .help = "In the queue",
                         .unit = "seconds",
                         .labels = {{"queue", "q"}}},
                        waits));
}

/// An executor that has run a while, with tasks of one name, and a sample of it.
void run_executor() {
  ASSERT_OK(executor.add_task({.name = "servo", .period = 10ms, .histograms = true}, [] {}));
  ASSERT_OK(executor.add_task({.name = "servo", .period = 20ms}, [] {}));
  executor.set_execution_time(2ms);
  const takt::WorkerConfig workers[] = {{.name = "con\"trol"},
                                        {.name = "b", .lane = takt::LaneId{1}}};
  ASSERT_OK(executor.start(workers));
  executor.run_for(99ms);
  ASSERT_OK(sampler.observe(executor));
  sampler.step(executor.now());
}

std::string expose(ExpositionFormat format, std::size_t size = sizeof buffer) {
  Exposition exposition{std::span(buffer).first(size), format};
  exposition.add(metrics);
  exposition.add(sampler);
  const takt::Result<std::string_view> text = exposition.finish();
  EXPECT_EQ(text.ok(), exposition.left_out() == 0);
  if (!text.ok()) EXPECT_TRUE(text.code() == StatusCode::resource_exhausted);
  return std::string(exposition.text());
}

bool contains(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  EXPECT_TRUE(found, "%s", std::string(part).c_str());
  return found;
}

TEST(Exposition, writes_what_prometheus_reads) {
  add_metrics();
  const std::string text = expose(ExpositionFormat::prometheus);
  const std::string expected =
      "# HELP frames_total Frames \\\\ of\\nthe \"camera\"\n"
      "# TYPE frames_total counter\n"
      "frames_total{camera=\"a\\\"b\\\\c\\nd\ufffd\u00e9\",side=\"\"} 12\n"
      "# HELP board_temperature_celsius Of the board\n"
      "# TYPE board_temperature_celsius gauge\n"
      "board_temperature_celsius -12.345\n"
      "# HELP queue_wait_seconds In the queue\n"
      "# TYPE queue_wait_seconds histogram\n"
      "queue_wait_seconds_bucket{queue=\"q\",le=\"0.000001023\"} 2\n"
      "queue_wait_seconds_bucket{queue=\"q\",le=\"0.000002047\"} 3\n";
  EXPECT_EQ(text.substr(0, expected.size()), expected);
  contains(text,
           "queue_wait_seconds_bucket{queue=\"q\",le=\"17.179869183\"} 3\n"
           "queue_wait_seconds_bucket{queue=\"q\",le=\"+Inf\"} 4\n"
           "queue_wait_seconds_sum{queue=\"q\"} 20.1");  // a bucket's middle
  contains(text, "queue_wait_seconds_count{queue=\"q\"} 4\n");
  expect_promtool_accepts(text);
}

TEST(Exposition, has_what_a_sampler_saw) {
  run_executor();
  const std::string text = expose(ExpositionFormat::prometheus);
  contains(text,
           "\ntakt_task_releases_total{task=\"servo\",number=\"0\"} 10\n"
           "takt_task_releases_total{task=\"servo\",number=\"1\"} 5\n");
  contains(text, "\ntakt_task_execution_seconds_total{task=\"servo\",number=\"0\"} 0.020000000\n");
  contains(text, "\ntakt_worker_jobs_total{worker=\"con\\\"trol\",number=\"0\"} 15\n");
  contains(text,
           "\ntakt_worker_busy_seconds_total{worker=\"con\\\"trol\",number=\"0\"} 0.030000000\n");
  contains(text, "\ntakt_process_cpu_seconds_total 0.");
  contains(text, "\ntakt_sampler_samples_total 1\n");
  contains(text,
           "\ntakt_task_response_seconds_bucket{task=\"servo\",number=\"0\","
           "le=\"0.002097151\"} 10\n");
  contains(text, "\ntakt_task_response_seconds_count{task=\"servo\",number=\"0\"} 10\n");
  expect_promtool_accepts(text);
  EXPECT_OK(executor.stop(takt::StopMode::cancel, 1s));
}

// One lane as it is when a sample is taken: full, and then it was emptied.
TEST(Exposition, has_the_lanes_of_an_executor) {
  const takt::WorkerConfig workers[] = {{.name = "a", .lane = takt::LaneId{1}}};
  ASSERT_OK(executor.start(workers));
  for (int post = 0; post < 6; ++post) {
    const takt::Status status = executor.post([] {}, {.lane = takt::LaneId{1}});
    EXPECT_EQ(status.ok(), post < 4);
  }
  ASSERT_OK(executor.post([] {}, {.lane = takt::LaneId{1},
                                  .priority = takt::Priority::high,
                                  .when_full = takt::WhenFull::drop_oldest}));
  ASSERT_OK(sampler.observe(executor));
  sampler.step(executor.now());
  std::string text = expose(ExpositionFormat::prometheus);
  // Lane 0 has no worker: nobody can post to it.
  contains(text,
           "# TYPE takt_lane_waiting_jobs gauge\n"
           "takt_lane_waiting_jobs{lane=\"1\",number=\"0\"} 4\n#");
  contains(text, "\ntakt_lane_active_workers{lane=\"1\",number=\"0\"} 1\n");
  contains(text, "\ntakt_lane_rejected_posts_total{lane=\"1\",number=\"0\"} 2\n");
  contains(text, "\ntakt_lane_dropped_jobs_total{lane=\"1\",number=\"0\"} 1\n");
  expect_promtool_accepts(text);
  executor.run_for(1s);
  ASSERT_OK(executor.pause(takt::LaneId{1}));
  ASSERT_OK(sampler.observe(executor));  // again: nothing new
  sampler.step(executor.now());
  text = expose(ExpositionFormat::prometheus);
  contains(text, "\ntakt_lane_waiting_jobs{lane=\"1\",number=\"0\"} 0\n#");
  contains(text, "\ntakt_lane_active_workers{lane=\"1\",number=\"0\"} 0\n");
  EXPECT_OK(executor.stop(takt::StopMode::cancel, 1s));
}

TEST(Exposition, has_named_descriptors) {
  static takt::DescriptorStats can, serial;
  ASSERT_OK(sampler.add_descriptor("can\"0", can));
  ASSERT_OK(sampler.add_descriptor("serial", serial));
  can.events.add(7);
  can.completed.add(5);
  can.failed.add(1);
  can.cancelled.add(1);
  serial.refused.set(9);
  sampler.step(executor.now());
  const std::string text = expose(ExpositionFormat::prometheus);
  constexpr std::pair<const char*, const char*> kExpected[] = {{"events_total", "70"},
                                                               {"completed_jobs_total", "50"},
                                                               {"failed_jobs_total", "10"},
                                                               {"cancelled_jobs_total", "10"},
                                                               {"refused_errno", "09"}};
  for (const auto& [name, values] : kExpected) {
    const std::string metric = std::string("takt_descriptor_") + name;
    contains(text, "\n" + metric + "{descriptor=\"can\\\"0\",number=\"0\"} " + values[0] + "\n" +
                       metric + "{descriptor=\"serial\",number=\"1\"} " + values[1] + "\n");
  }
  expect_promtool_accepts(text);
}

// Each figure has a value of its own: two columns that are swapped are seen.
TEST(Exposition, has_each_figure_of_a_worker_and_of_a_task_under_its_name) {
  static takt::WorkerStats worker;
  static takt::TaskStats task;
  ASSERT_OK(sampler.add_worker("control", worker));
  ASSERT_OK(sampler.add_task("servo", task));
  std::uint64_t next = 101;
  for (takt::Counter* counter :
       {&worker.jobs, &worker.failed, &worker.cancelled, &worker.deadline_misses, &worker.busy_ns,
        &worker.sleeps, &worker.refused_scheduling, &worker.refused_affinity}) {
    counter->set(next++);
  }
  worker.activity.set(takt::WorkerPhase::idle);
  next = 201;
  for (takt::Counter* counter :
       {&task.releases, &task.completed, &task.failed, &task.cancelled, &task.overruns,
        &task.skipped, &task.refused, &task.deadline_misses, &task.budget_overruns,
        &task.execution_ns, &task.max_release_jitter_ns, &task.max_response_ns}) {
    counter->set(next++);
  }
  sampler.step(executor.now());
  const std::string text = expose(ExpositionFormat::prometheus);
  constexpr std::pair<const char*, const char*> kWorker[] = {{"jobs_total", "101"},
                                                             {"failed_jobs_total", "102"},
                                                             {"cancelled_jobs_total", "103"},
                                                             {"deadline_misses_total", "104"},
                                                             {"busy_seconds_total", "0.000000105"},
                                                             {"sleeps_total", "106"},
                                                             {"phase", "4"},
                                                             {"refused_scheduling_errno", "107"},
                                                             {"refused_affinity_errno", "108"}};
  for (const auto& [name, value] : kWorker) {
    contains(text, std::string("\ntakt_worker_") + name + "{worker=\"control\",number=\"0\"} " +
                       value + "\n");
  }
  constexpr std::pair<const char*, const char*> kTask[] = {
      {"releases_total", "201"},
      {"completed_jobs_total", "202"},
      {"failed_jobs_total", "203"},
      {"cancelled_jobs_total", "204"},
      {"overruns_total", "205"},
      {"skipped_releases_total", "206"},
      {"refused_releases_total", "207"},
      {"deadline_misses_total", "208"},
      {"budget_overruns_total", "209"},
      {"execution_seconds_total", "0.000000210"},
      {"max_release_jitter_seconds", "0.000000211"},
      {"max_response_seconds", "0.000000212"}};
  for (const auto& [name, value] : kTask) {
    contains(text,
             std::string("\ntakt_task_") + name + "{task=\"servo\",number=\"0\"} " + value + "\n");
  }
  expect_promtool_accepts(text);
}

TEST(Exposition, has_the_figures_of_an_error_log) {
  static takt::StaticErrorLog<2, 1, 4> errors;
  constexpr takt::ErrorKindConfig kKinds[] = {{.name = "i2c", .severity = takt::Severity::warning},
                                              {.name = "disk"}};
  ASSERT_OK(errors.configure(kKinds));
  errors.report(takt::ErrorKind{0}, "x");
  Exposition exposition(buffer, ExpositionFormat::prometheus);
  exposition.add(errors);
  ASSERT_OK(exposition.finish());
  const std::string text(exposition.text());
  contains(text,
           "# TYPE takt_errors_total counter\n"
           "takt_errors_total{kind=\"i2c\",severity=\"warning\"} 1\n"
           "takt_errors_total{kind=\"disk\",severity=\"error\"} 0\n");
  contains(text, "takt_errors_without_text_total{kind=\"i2c\",severity=\"warning\"} 0\n");
  expect_promtool_accepts(text);
}

takt::run::StaticJsonReader<16384, 262'144> json_reader;
takt::run::Diagnostics diagnostics;

const takt::run::JsonNode* read_json(const std::string& text) {
  // Tolerated by the reader, not by JSON.
  EXPECT_TRUE(text.find(",\n]") == std::string::npos && text.find(",}") == std::string::npos);
  return json_reader.read(text, diagnostics);
}

TEST(Exposition, writes_json) {
  add_metrics();
  run_executor();
  const std::string text = expose(ExpositionFormat::json);
  expect_strict_json(text);
  const takt::run::JsonNode* document = read_json(text);
  ASSERT_TRUE(document != nullptr);
  const takt::run::JsonNode* first = document->find("metrics")->first_child;
  EXPECT_EQ(first->find("name")->text, "frames_total");
  EXPECT_EQ(first->find("type")->text, "counter");
  EXPECT_EQ(first->find("labels")->find("camera")->text, "a\"b\\c\nd\ufffd\u00e9");
  EXPECT_EQ(first->find("value")->integer, 12);
  EXPECT_EQ(first->next->find("value")->number, -12.345);
  EXPECT_EQ(first->next->find("unit")->text, "celsius");
  const takt::run::JsonNode* histogram = first->next->next;
  EXPECT_EQ(histogram->find("count")->integer, 4);
  EXPECT_EQ(histogram->find("max")->integer, 20);
  EXPECT_EQ(histogram->find("buckets")->size, 25);
  EXPECT_EQ(histogram->find("buckets")->first_child->first_child->number, 0.000001023);
  EXPECT_OK(executor.stop(takt::StopMode::cancel, 1s));
}

// With any size of buffer: whole metrics from the first on, and a word about the others.
TEST_EACH(Exposition, a_small_buffer_ends_between_metrics, ExpositionFormat::prometheus,
          ExpositionFormat::json) {
  add_metrics();
  const bool json = param == ExpositionFormat::json;
  const std::string all = expose(param);
  EXPECT_EQ(expose(param, all.size() + 1), all);
  if (json) expect_strict_json(expose(param, all.size() / 2));
  for (std::size_t size = Exposition::kMinBuffer; size <= all.size(); size += 7) {
    std::fill_n(buffer, sizeof buffer, '#');
    const std::string some = expose(param, size);
    ASSERT_LT(some.size(), size);
    ASSERT_EQ(buffer[size], '#');  // not written to
    if (json) {
      ASSERT_TRUE(read_json(some) != nullptr);
      ASSERT_TRUE(all.starts_with(some.substr(0, some.size() - 4)));
    } else {
      ASSERT_TRUE(some.empty() || some.ends_with('\n'));
      ASSERT_TRUE(all.starts_with(some));
      // No part of a histogram.
      ASSERT_EQ(some.find("_bucket{") != std::string::npos,
                some.find("_seconds_count{") != std::string::npos);
    }
  }
}

/// The names of all series of a text, with their labels: what must not come from two files.
std::set<std::string> series_of(const std::string& text) {
  std::set<std::string> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second, "%s", line.c_str());
  }
  return series;
}

// Two daemons whose files one collector reads.
TEST(Exposition, labels_of_all_tell_processes_apart) {
  add_metrics();
  run_executor();
  std::set<std::string> both;
  std::size_t alone = 0;
  for (const char* daemon : {"camera", "mo\"tor"}) {
    const takt::MetricLabel labels[] = {{"daemon", daemon}, {"site", "a"}};
    Exposition exposition(buffer, ExpositionFormat::prometheus);
    ASSERT_OK(exposition.set_labels(labels));
    exposition.add(metrics);
    exposition.add(sampler);
    ASSERT_OK(exposition.finish());
    const std::string text(exposition.text());
    expect_promtool_accepts(text);
    const std::set<std::string> series = series_of(text);
    for (const std::string& one : series) {
      EXPECT_TRUE(one.find("{daemon=\"") != std::string::npos, "%s", one.c_str());
    }
    alone = series.size();
    both.insert(series.begin(), series.end());
  }
  EXPECT_GT(alone, 50U);
  EXPECT_EQ(both.size(), 2 * alone);
  EXPECT_TRUE(both.contains("takt_process_threads{daemon=\"mo\\\"tor\",site=\"a\"}"));
  EXPECT_TRUE(
      both.contains("queue_wait_seconds_bucket{daemon=\"camera\",site=\"a\",queue=\"q\","
                    "le=\"+Inf\"}"));
  EXPECT_OK(executor.stop(takt::StopMode::cancel, 1s));
}

TEST(Exposition, labels_of_all_are_in_json) {
  add_metrics();
  constexpr takt::MetricLabel kLabels[] = {{"daemon", "x"}};
  Exposition exposition(buffer, ExpositionFormat::json);
  ASSERT_OK(exposition.set_labels(kLabels));
  exposition.add(metrics);
  ASSERT_OK(exposition.finish());
  const std::string text(exposition.text());
  expect_strict_json(text);
  const takt::run::JsonNode* document = read_json(text);
  ASSERT_TRUE(document != nullptr);
  const takt::run::JsonNode* first = document->find("metrics")->first_child;
  EXPECT_EQ(first->find("labels")->find("daemon")->text, "x");
  EXPECT_EQ(first->find("labels")->find("side")->text, "");
  EXPECT_EQ(first->next->find("labels")->find("daemon")->text, "x");
}

TEST(Exposition, refuses_labels_that_make_no_valid_text) {
  add_metrics();
  Exposition exposition(buffer, ExpositionFormat::prometheus);
  const auto refusal = [&exposition](const takt::MetricLabel& label) {
    const takt::MetricLabel labels[] = {{"site", "a"}, label};
    const takt::Status status = exposition.set_labels(labels);
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    return std::string(status.text());
  };
  EXPECT_EQ(refusal({"a-b", "x"}), "Exposition: label 'a-b': a name has letters, digits and '_'");
  EXPECT_EQ(refusal({nullptr, "x"}), "Exposition: label '': a name has letters, digits and '_'");
  EXPECT_EQ(refusal({"le", "x"}), "Exposition: label 'le', which is Prometheus's own");
  EXPECT_EQ(refusal({"__x", "x"}), "Exposition: label '__x', which is Prometheus's own");
  EXPECT_EQ(refusal({"daemon", nullptr}), "Exposition: label 'daemon' without a value");
  EXPECT_EQ(refusal({"site", "b"}), "Exposition: label 'site' twice");
  exposition.add(metrics);
  constexpr takt::MetricLabel kLabels[] = {{"daemon", "x"}};
  EXPECT_EQ(exposition.set_labels(kLabels).code(), StatusCode::failed_precondition);
  ASSERT_OK(exposition.finish());
  EXPECT_TRUE(exposition.text().find("site=") == std::string_view::npos);
}

// A metric's own label is the one that it is found by; that both have it is said.
TEST(Exposition, a_label_of_all_does_not_replace_an_own_one) {
  add_metrics();
  constexpr takt::MetricLabel kLabels[] = {{"queue", "x"}};
  Exposition exposition(buffer, ExpositionFormat::prometheus);
  ASSERT_OK(exposition.set_labels(kLabels));
  exposition.add(metrics);
  const takt::Status status = exposition.finish().status();
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string(status.text()),
            "Exposition: metrics have the label 'queue' of set_labels() themselves");
  const std::string text(exposition.text());
  contains(text, "queue_wait_seconds_count{queue=\"q\"} 4\n");
  contains(text, "board_temperature_celsius{queue=\"x\"} -12.345\n");
  expect_promtool_accepts(text);
}

TEST(Exposition, says_what_does_not_fit) {
  add_metrics();
  Exposition exposition{std::span(buffer).first(300), ExpositionFormat::prometheus};
  exposition.add(metrics);
  EXPECT_EQ(exposition.written(), 2);
  EXPECT_EQ(std::string(exposition.finish().status().text()),
            "Exposition: 1 of 3 metrics do not fit into 300 bytes");
  EXPECT_ABORT(
      [] {
        const Exposition small{std::span(buffer).first(63), ExpositionFormat::json};
      },
      "too small for any metric");
}

TEST(Exposition, of_nothing_is_empty_but_whole) {
  Exposition text(buffer, ExpositionFormat::prometheus);
  ASSERT_OK(text.finish());
  EXPECT_EQ(text.text(), "");
  Exposition json(buffer, ExpositionFormat::json);
  ASSERT_OK(json.finish());
  EXPECT_EQ(json.text(), "{\"metrics\":[\n]}\n");
}

}  // namespace
