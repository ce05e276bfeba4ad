// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/metrics.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "takt/tests/support/test.h"

namespace takt {
namespace {

SharedCounter frames;
Gauge level;
HistogramCounts latency;

struct Seen {
  std::string name;
  std::string labels;
  bool first;
  MetricKind kind;
  std::int64_t value;
};

void note(const MetricView& metric, void* argument) noexcept {
  std::string labels;
  for (const MetricLabel& label : metric.labels) {
    labels += std::string(label.name) + "=" + label.value + ";";
  }
  static_cast<std::vector<Seen>*>(argument)->push_back(
      {metric.name, labels, metric.first_of_name, metric.kind, metric.value});
}

std::vector<Seen> all_of(const Metrics& metrics) {
  std::vector<Seen> seen;
  metrics.visit(&note, &seen);
  return seen;
}

TEST(Gauge, is_set_raised_and_lowered) {
  Gauge gauge;
  EXPECT_EQ(gauge.get(), 0);
  gauge.set(-5);
  gauge.add(7);
  gauge.add(-3);
  EXPECT_EQ(gauge.get(), -1);
}

TEST(Metrics, is_empty_at_first) {
  const StaticMetrics<2> metrics;
  EXPECT_EQ(metrics.size(), 0U);
  EXPECT_EQ(metrics.capacity(), 2U);
  EXPECT_TRUE(all_of(metrics).empty());
}

TEST(Metrics, shows_names_and_values_of_now) {
  StaticMetrics<4> metrics;
  Counter jobs;
  SharedCounter errors;
  Gauge temperature;
  EXPECT_OK(metrics.add({.name = "jobs_total", .help = "Jobs"}, jobs));
  EXPECT_OK(metrics.add({.name = "errors_total", .help = "Errors"}, errors));
  EXPECT_OK(
      metrics.add({.name = "board_celsius", .help = "Board", .unit = "celsius", .per_unit = 1000},
                  temperature));
  EXPECT_OK(metrics.add({.name = "wait_seconds", .help = "Wait", .unit = "seconds"}, latency));
  jobs.add(3);
  errors.add();
  errors.add(4);
  temperature.set(-1500);
  EXPECT_EQ(metrics.view(0).value, 3);
  EXPECT_EQ(metrics.view(1).value, 5);
  EXPECT_EQ(metrics.view(2).value, -1500);
  EXPECT_EQ(metrics.view(2).exposed(), -1.5);
  EXPECT_EQ(std::string_view(metrics.view(2).unit), "celsius");
  EXPECT_EQ(std::string_view(metrics.view(2).help), "Board");
  EXPECT_TRUE(metrics.view(3).kind == MetricKind::histogram);
  EXPECT_TRUE(metrics.view(3).histogram == &latency);
  EXPECT_EQ(metrics.view(3).per_unit, 1'000'000'000);
}

TEST(Metrics, visits_those_of_one_name_one_after_the_other) {
  StaticMetrics<5> metrics;
  EXPECT_OK(metrics.add({.name = "a_total", .help = "A", .labels = {{"p", "1"}}}, frames));
  EXPECT_OK(metrics.add({.name = "b", .help = "B"}, level));
  EXPECT_OK(metrics.add({.name = "a_total", .help = "A", .labels = {{"p", "2"}}}, frames));
  EXPECT_OK(metrics.add({.name = "b", .help = "B", .labels = {{"p", "1"}, {"q", "x"}}}, level));
  EXPECT_OK(metrics.add({.name = "a_total", .help = "A", .labels = {{"p", "3"}}}, frames));
  const std::vector<Seen> seen = all_of(metrics);
  ASSERT_EQ(seen.size(), 5U);
  EXPECT_EQ(seen[0].labels, "p=1;");
  EXPECT_EQ(seen[1].labels, "p=2;");
  EXPECT_EQ(seen[2].labels, "p=3;");
  EXPECT_EQ(seen[3].labels, "");
  EXPECT_EQ(seen[4].labels, "p=1;q=x;");
  for (const std::size_t number : {0U, 1U, 2U}) EXPECT_EQ(seen[number].name, "a_total");
  for (const std::size_t number : {0U, 1U, 2U, 3U, 4U}) {
    EXPECT_EQ(seen[number].first, number == 0 || number == 3);
  }
}

TEST(Metrics, says_when_it_is_full) {
  StaticMetrics<1> metrics;
  EXPECT_OK(metrics.add({.name = "a", .help = "A"}, level));
  const Status status = metrics.add({.name = "b", .help = "B"}, level);
  EXPECT_EQ(status.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(std::string_view(status.text()),
            "metrics: all 1 places are taken: raise StaticMetrics<1>");
}

struct RefusedCase {
  std::string_view name;  // the error's text
  Status (*add)(Metrics& metrics);
};
TEST_EACH(
    Metrics, refuses_what_prometheus_would,
    RefusedCase{"metric '' has no name", [](Metrics& m) { return m.add({.help = "A"}, level); }},
    RefusedCase{"metric 'a-b' is no name: letters, digits and '_', no digit first",
                [](Metrics& m) { return m.add({.name = "a-b", .help = "A"}, level); }},
    RefusedCase{"metric 'takt_level' begins with takt_, as the library's own do",
                [](Metrics& m) { return m.add({.name = "takt_level", .help = "A"}, level); }},
    RefusedCase{"metric '1a' is no name: letters, digits and '_', no digit first",
                [](Metrics& m) { return m.add({.name = "1a", .help = "A"}, level); }},
    RefusedCase{"metric '' is no name: letters, digits and '_', no digit first",
                [](Metrics& m) { return m.add({.name = "", .help = "A"}, level); }},
    RefusedCase{"metric 'frames' is a counter: its name has to end with _total",
                [](Metrics& m) { return m.add({.name = "frames", .help = "A"}, frames); }},
    RefusedCase{"metric 'a_total' is no counter: only these end with _total",
                [](Metrics& m) { return m.add({.name = "a_total", .help = "A"}, level); }},
    RefusedCase{"metric 'a_sum' ends as only parts of a histogram do, or _info",
                [](Metrics& m) { return m.add({.name = "a_sum", .help = "A"}, level); }},
    RefusedCase{
        "metric 'a_bytes' does not end with its unit",
        [](Metrics& m) { return m.add({.name = "a_bytes", .help = "A", .unit = "s"}, level); }},
    RefusedCase{"metric 'seconds' does not end with its unit",
                [](Metrics& m) {
                  return m.add({.name = "seconds", .help = "A", .unit = "seconds"}, level);
                }},
    RefusedCase{"metric 'a_seconds_total' does not end with its unit",
                [](Metrics& m) {
                  return m.add({.name = "a_seconds_total", .help = "A", .unit = "bytes"}, frames);
                }},
    RefusedCase{"metric 'a' has no help text",
                [](Metrics& m) { return m.add({.name = "a", .help = ""}, level); }},
    RefusedCase{
        "metric 'a' has a per_unit that is no power of ten",
        [](Metrics& m) { return m.add({.name = "a", .help = "A", .per_unit = 1024}, level); }},
    RefusedCase{"metric 'a' has a per_unit that is no power of ten",
                [](Metrics& m) { return m.add({.name = "a", .help = "A", .per_unit = 0}, level); }},
    RefusedCase{"metric 'a' has label 'le', which is Prometheus's own",
                [](Metrics& m) {
                  return m.add({.name = "a", .help = "A", .labels = {{"le", "1"}}}, level);
                }},
    RefusedCase{"metric 'a' has label 'b-c': a name has letters, digits and '_'",
                [](Metrics& m) {
                  return m.add({.name = "a", .help = "A", .labels = {{"b-c", "1"}}}, level);
                }},
    RefusedCase{"metric 'a' has label 'p' without a value",
                [](Metrics& m) {
                  return m.add({.name = "a", .help = "A", .labels = {{"p", nullptr}}}, level);
                }},
    RefusedCase{"metric 'a' has a label without a name",
                [](Metrics& m) {
                  return m.add({.name = "a", .help = "A", .labels = {{nullptr, "1"}}}, level);
                }},
    RefusedCase{
        "metric 'a' has label 'p' twice",
        [](Metrics& m) {
          return m.add({.name = "a", .help = "A", .labels = {{"p", "1"}, {"p", "2"}}}, level);
        }},
    RefusedCase{"metric 'x' is there with these labels",
                [](Metrics& m) {
                  EXPECT_OK(m.add({.name = "x", .help = "A", .labels = {{"p", "1"}}}, level));
                  return m.add({.name = "x", .help = "A", .labels = {{"p", "1"}}}, level);
                }},
    RefusedCase{
        "metric 'x' is there with these labels",
        [](Metrics& m) {
          EXPECT_OK(m.add({.name = "x", .help = "A", .labels = {{"p", "1"}, {"q", "2"}}}, level));
          return m.add({.name = "x", .help = "A", .labels = {{"q", "2"}, {"p", "1"}}}, level);
        }},
    RefusedCase{"metric 'x' is there with these labels",
                [](Metrics& m) {
                  EXPECT_OK(m.add({.name = "x", .help = "A"}, level));
                  return m.add({.name = "x", .help = "A", .labels = {{"p", ""}}}, level);
                }},
    RefusedCase{"metric 'x' is there with another kind, help, unit or per_unit", [](Metrics& m) {
                  EXPECT_OK(m.add({.name = "x", .help = "A"}, level));
                  return m.add({.name = "x", .help = "B", .labels = {{"p", "1"}}}, level);
                }}) {
  StaticMetrics<4> metrics;
  const Status status = param.add(metrics);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()), param.name);
}

// Readers take no lock and see whole entries, whoever adds meanwhile.
TEST(Metrics, grows_while_it_is_read) {
  static constexpr std::uint32_t kCount = 64;
  static StaticMetrics<kCount> metrics;
  static char values[kCount][4];
  std::atomic<bool> done{false};
  std::thread reader([&done] {
    std::size_t before = 0;
    do {
      const std::vector<Seen> seen = all_of(metrics);
      EXPECT_GE(seen.size(), before);
      before = seen.size();
      for (const Seen& metric : seen) {
        EXPECT_EQ(metric.name.size(), 2U);
        EXPECT_EQ(metric.labels.size(), 5U);
      }
    } while (!done.load());
  });
  for (std::uint32_t number = 0; number < kCount; ++number) {
    char* const value = values[number];
    value[0] = static_cast<char>('0' + number / 10);
    value[1] = static_cast<char>('0' + number % 10);
    const char* const names[] = {"n0", "n1", "n2"};
    EXPECT_OK(
        metrics.add({.name = names[number % 3], .help = "N", .labels = {{"p", value}}}, level));
  }
  done = true;
  reader.join();
  EXPECT_EQ(all_of(metrics).size(), std::size_t{kCount});
}

}  // namespace
}  // namespace takt
