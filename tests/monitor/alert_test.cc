// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/alert.h"

#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "takt/monitor/sampler.h"
#include "takt/tests/support/test.h"

namespace takt {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kBegin = from_ns(1'000'000'000'000);

StaticSampler<SamplerLimits{.workers = 1, .tasks = 1, .metrics = 1, .alerts = 2, .history = 4}>
    sampler;
StaticMetrics<1> metrics;
Gauge level;

std::vector<AlertEvent> events;

void note(const AlertEvent& event) noexcept { events.push_back(event); }

/// An alert on a gauge that is sampled every 100 ms.
class Watched {
 public:
  explicit Watched(AlertConfig config) {
    EXPECT_OK(metrics.add({.name = "level", .help = "L"}, level));
    EXPECT_OK(sampler.set_metrics(metrics));
    config.name = "level high";
    config.series = sampler.metric(0);
    config.on_change = &note;
    id_ = sampler.add_alert(config).value();
  }
  AlertState after(int value) {
    level.set(value);
    now_ = sampler.step(now_);
    return sampler.alert_state(id_);
  }
  /// The next sample comes so much later.
  void skip(Duration duration) { now_ += duration; }
  std::uint64_t raises() const { return sampler.alert_raises(id_); }

 private:
  AlertId id_{};
  TimePoint now_ = kBegin;
};

TEST(Alert, is_raised_beyond_the_threshold_and_not_at_it) {
  int argument = 0;
  Watched watched({.threshold = 10, .argument = &argument});
  EXPECT_TRUE(watched.after(10) == AlertState::quiet);
  EXPECT_TRUE(watched.after(11) == AlertState::raised);
  EXPECT_TRUE(watched.after(12) == AlertState::raised);
  EXPECT_TRUE(watched.after(10) == AlertState::quiet);
  EXPECT_EQ(watched.raises(), 1U);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_TRUE(events[0].raised);
  EXPECT_EQ(std::string_view(events[0].name), "level high");
  EXPECT_EQ(events[0].value, 11.0);
  EXPECT_EQ(events[0].threshold, 10.0);
  EXPECT_TRUE(events[0].time == kBegin + 100ms);
  EXPECT_TRUE(events[0].argument == &argument);
  EXPECT_FALSE(events[1].raised);
  EXPECT_EQ(events[1].value, 10.0);
}

TEST(Alert, hysteresis_keeps_it_raised) {
  Watched watched({.threshold = 10, .hysteresis = 3});
  EXPECT_TRUE(watched.after(11) == AlertState::raised);
  for (const int value : {10, 9, 8, 11}) EXPECT_TRUE(watched.after(value) == AlertState::raised);
  EXPECT_TRUE(watched.after(7) == AlertState::quiet);
  EXPECT_TRUE(watched.after(9) == AlertState::quiet);
  EXPECT_EQ(watched.raises(), 1U);
}

TEST(Alert, a_short_peak_raises_nothing) {
  Watched watched({.threshold = 10, .duration = 300ms});
  EXPECT_TRUE(watched.after(11) == AlertState::pending);
  EXPECT_TRUE(watched.after(11) == AlertState::pending);
  EXPECT_TRUE(watched.after(10) == AlertState::quiet);
  EXPECT_TRUE(watched.after(11) == AlertState::pending);
  EXPECT_TRUE(watched.after(11) == AlertState::pending);
  EXPECT_TRUE(watched.after(11) == AlertState::pending);
  EXPECT_TRUE(events.empty());
  EXPECT_TRUE(watched.after(11) == AlertState::raised);
  EXPECT_EQ(events.size(), 1U);
  // It is over at once.
  EXPECT_TRUE(watched.after(10) == AlertState::quiet);
}

TEST(Alert, time_that_nobody_has_seen_is_one_period) {
  Watched watched({.threshold = 10, .duration = 1s});
  EXPECT_TRUE(watched.after(11) == AlertState::pending);
  watched.skip(10s);
  EXPECT_TRUE(watched.after(11) == AlertState::pending);  // 100 ms
  watched.skip(150ms);
  EXPECT_TRUE(watched.after(11) == AlertState::pending);  // 200 ms
  // Back on the grid, 50 ms later, and on.
  for (int sample = 0; sample < 8; ++sample) {
    EXPECT_TRUE(watched.after(11) == AlertState::pending);
  }
  EXPECT_TRUE(watched.after(11) == AlertState::raised);  // 1050 ms
}

TEST(Alert, is_raised_by_a_sampler_that_is_late_time_and_again) {
  Watched watched({.threshold = 10, .duration = 1s});
  // Every other sample late by nearly a period: a second is a second.
  for (int pair = 0; pair < 5; ++pair) {
    EXPECT_TRUE(watched.after(11) == AlertState::pending);
    watched.skip(99ms);
    EXPECT_TRUE(watched.after(11) == AlertState::pending);
  }
  EXPECT_TRUE(watched.after(11) == AlertState::raised);
  // Every other sample is left out.
  EXPECT_TRUE(watched.after(0) == AlertState::quiet);
  for (int sample = 0; sample < 5; ++sample) {
    EXPECT_TRUE(watched.after(11) == AlertState::pending);
    watched.skip(100ms);
  }
  EXPECT_TRUE(watched.after(11) == AlertState::raised);
  // Two of three are: that takes longer.
  EXPECT_TRUE(watched.after(0) == AlertState::quiet);
  for (int sample = 0; sample < 10; ++sample) {
    EXPECT_TRUE(watched.after(11) == AlertState::pending);
    watched.skip(200ms);
  }
  EXPECT_TRUE(watched.after(11) == AlertState::raised);
}

TEST(Alert, what_was_pending_before_a_pause_begins_anew) {
  Watched watched({.threshold = 10, .duration = 1h});
  EXPECT_TRUE(watched.after(11) == AlertState::pending);
  ASSERT_OK(sampler.configure({.period = 1h, .slow_period = 1h}));  // as stop() and start()
  sampler.step(kBegin + 2h);
  EXPECT_TRUE(events.empty());
  sampler.step(kBegin + 3h);
  EXPECT_EQ(events.size(), 1U);
}

TEST(Alert, below) {
  Watched watched({.when = AlertWhen::below, .threshold = -5, .hysteresis = 2});
  EXPECT_TRUE(watched.after(-5) == AlertState::quiet);
  EXPECT_TRUE(watched.after(-6) == AlertState::raised);
  EXPECT_TRUE(watched.after(-4) == AlertState::raised);
  EXPECT_TRUE(watched.after(-3) == AlertState::quiet);
}

TEST(Alert, what_is_absent_neither_raises_nor_ends_it) {
  detail::Alert alert;
  alert.set({.name = "a", .threshold = 1, .duration = 1s});
  alert.judge(2.0, kBegin, 1s);
  EXPECT_TRUE(alert.state() == AlertState::pending);
  alert.judge(std::nullopt, kBegin + 1s, 1s);
  EXPECT_TRUE(alert.state() == AlertState::quiet);
  alert.judge(2.0, kBegin + 2s, 1s);
  EXPECT_TRUE(alert.state() == AlertState::pending);
  alert.judge(2.0, kBegin + 3s, 1s);
  EXPECT_TRUE(alert.state() == AlertState::raised);
  alert.judge(std::nullopt, kBegin + 4s, 1s);
  EXPECT_TRUE(alert.state() == AlertState::raised);
  alert.judge(1.0, kBegin + 5s, 1s);
  EXPECT_TRUE(alert.state() == AlertState::quiet);
  EXPECT_EQ(alert.raises(), 1U);
}

TEST(Alert, watches_the_rate_of_a_counter) {
  static WorkerStats stats;
  ASSERT_OK(sampler.add_worker("worker", stats));
  const auto alert = sampler.add_alert(
      {.name = "busy", .series = sampler.worker(0, WorkerFigure::busy), .threshold = 0.9});
  ASSERT_OK(alert);
  sampler.step(kBegin);
  stats.busy_ns.add(90'000'000);
  sampler.step(kBegin + 100ms);
  EXPECT_TRUE(sampler.alert_state(*alert) == AlertState::quiet);
  stats.busy_ns.add(91'000'000);
  sampler.step(kBegin + 200ms);
  EXPECT_TRUE(sampler.alert_state(*alert) == AlertState::raised);
}

struct RefusedCase {
  std::string_view name;  // the error's text
  AlertConfig config;
};
const Series kSeries = sampler.series(ProcessFigure::threads);
TEST_EACH(Alert, refuses_a_wrong_config,
          RefusedCase{"an alert's name has 1 to 31 characters", {.series = kSeries}},
          RefusedCase{"an alert's name has 1 to 31 characters",
                      {.name = "a name of more than 31 characters", .series = kSeries}},
          RefusedCase{"alert 'a' watches no series", {.name = "a"}},
          RefusedCase{"alert 'a' has a negative hysteresis or duration",
                      {.name = "a", .series = kSeries, .hysteresis = -1}},
          RefusedCase{"alert 'a' has a negative hysteresis or duration",
                      {.name = "a", .series = kSeries, .duration = -1ns}},
          RefusedCase{"alert 'a' has a threshold or hysteresis that is no number",
                      {.name = "a", .series = kSeries, .threshold = std::nan("")}},
          RefusedCase{"alert 'a' has a threshold or hysteresis that is no number",
                      {.name = "a", .series = kSeries, .hysteresis = HUGE_VAL}},
          RefusedCase{"alert 'there' is there already", {.name = "there", .series = kSeries}}) {
  ASSERT_OK(sampler.add_alert({.name = "there", .series = kSeries}));
  const auto refused = sampler.add_alert(param.config);
  EXPECT_EQ(refused.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(refused.status().text()), param.name);
}

TEST(Alert, says_when_there_is_no_room) {
  ASSERT_OK(sampler.add_alert({.name = "a", .series = kSeries}));
  ASSERT_OK(sampler.add_alert({.name = "b", .series = kSeries}));
  const auto refused = sampler.add_alert({.name = "c", .series = kSeries});
  EXPECT_EQ(refused.code(), StatusCode::resource_exhausted);
}

}  // namespace
}  // namespace takt
