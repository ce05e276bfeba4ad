// SPDX-License-Identifier: Apache-2.0
// The sampler in virtual time: step(now) decides everything.
#include "takt/monitor/sampler.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace takt {
namespace {

using namespace std::chrono_literals;
using platform::SystemCall;
using test::FaultInjection;
using test::TemporaryTree;

constexpr SamplerLimits kLimits{.workers = 2,
                                .tasks = 2,
                                .lanes = 2,
                                .descriptors = 1,
                                .metrics = 3,
                                .alerts = 2,
                                .history = 10};
StaticSampler<kLimits> sampler;

constexpr TimePoint kBegin = from_ns(1'000'000'000'000);

/// Quotients are rounded.
bool is_about(std::optional<double> value, double expected) {
  return value.has_value() && std::abs(*value - expected) < 1e-9 * expected;
}

/// Steps through `count` periods of 100 ms, from the next one on.
class Walk {
 public:
  void steps(int count) {
    for (int i = 0; i < count; ++i) {
      const TimePoint next = sampler.step(now_);
      EXPECT_TRUE(next == now_ + 100ms);
      now_ = next;
    }
  }
  TimePoint now() const { return now_; }
  /// The next step comes so much later.
  void skip(Duration duration) { now_ += duration; }

 private:
  TimePoint now_ = kBegin;
};

/// NAME=JOBS of each worker that is exposed.
std::string exposed_workers() {
  std::string workers;
  sampler.visit(
      [](const MetricView& metric, void* argument) noexcept {
        if (std::string_view(metric.name) != "takt_worker_jobs_total") return;
        *static_cast<std::string*>(argument) +=
            std::string(metric.labels[0].value) + "=" + std::to_string(metric.value) + " ";
      },
      &workers);
  return workers;
}

TEST(Sampler, keeps_its_grid_and_counts_what_it_missed) {
  EXPECT_TRUE(sampler.step(kBegin) == kBegin + 100ms);
  EXPECT_EQ(sampler.samples(), 1U);
  // Too early: nothing happens.
  EXPECT_TRUE(sampler.step(kBegin + 99ms) == kBegin + 100ms);
  EXPECT_EQ(sampler.samples(), 1U);
  EXPECT_TRUE(sampler.step(kBegin + 130ms) == kBegin + 200ms);
  EXPECT_EQ(sampler.samples(), 2U);
  EXPECT_EQ(sampler.missed(), 0U);
  EXPECT_TRUE(sampler.max_lateness() == 30ms);
  // Those of 200, 300 and 400 ms are one sample.
  EXPECT_TRUE(sampler.step(kBegin + 450ms) == kBegin + 500ms);
  EXPECT_EQ(sampler.samples(), 3U);
  EXPECT_EQ(sampler.missed(), 2U);
  EXPECT_TRUE(sampler.max_lateness() == 250ms);
}

struct ConfigCase {
  std::string_view name;  // the error's text
  SamplerConfig config;
};
TEST_EACH(Sampler, refuses_a_wrong_period,
          ConfigCase{"SamplerConfig::period is not 1 ms to 24 h", {.period = 999us}},
          ConfigCase{"SamplerConfig::period is not 1 ms to 24 h", {.period = 25h}},
          ConfigCase{"SamplerConfig::proc_root or sys_root is null", {.proc_root = nullptr}},
          ConfigCase{"SamplerConfig::proc_root or sys_root is null", {.sys_root = nullptr}},
          ConfigCase{"SamplerConfig::slow_period is no multiple of period",
                     {.period = 100ms, .slow_period = 50ms}},
          ConfigCase{"SamplerConfig::slow_period is no multiple of period",
                     {.period = 100ms, .slow_period = 250ms}}) {
  const Status status = sampler.configure(param.config);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()), param.name);
}

TEST(Sampler, a_job_that_does_not_end_is_busy_all_the_while) {
  static WorkerStats stats;
  stats.time_stamps.set(1);
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  Walk walk;
  walk.steps(2);
  stats.activity.set(WorkerPhase::in_job);
  walk.steps(1);
  EXPECT_EQ(sampler.value(busy).value(), 0.0);  // it may have begun just now
  for (int sample = 0; sample < 10; ++sample) {
    walk.steps(1);
    EXPECT_TRUE(is_about(sampler.value(busy), 1));
  }
  // When it ends, what was shown is not counted again.
  stats.busy_ns.add(1'050'000'000);
  stats.activity.set(WorkerPhase::idle);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.5));
  walk.steps(1);
  EXPECT_EQ(sampler.value(busy).value(), 0.0);
}

TEST(Sampler, each_job_that_does_not_end_is_busy_also_without_time_stamps) {
  static WorkerStats stats;
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  Walk walk;
  walk.steps(1);
  for (const int samples : {10, 9, 3, 1}) {
    stats.activity.set(WorkerPhase::in_job);
    walk.steps(1);
    EXPECT_EQ(sampler.value(busy).value(), 0.0);
    for (int sample = 0; sample < samples; ++sample) {
      walk.steps(1);
      EXPECT_TRUE(is_about(sampler.value(busy), 1));
    }
  }
  // A task's jobs are counted all the same.
  stats.busy_ns.add(40'000'000);
  stats.activity.set(WorkerPhase::idle);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.4));
  walk.steps(1);
  EXPECT_EQ(sampler.value(busy).value(), 0.0);
  // One that is seen to last is counted at its end, and once.
  stats.activity.set(WorkerPhase::in_job, true, 0);
  walk.steps(3);
  EXPECT_TRUE(is_about(sampler.value(busy), 1));
  stats.busy_ns.add(230'000'000);
  stats.activity.set(WorkerPhase::idle);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.3));
}

TEST(Sampler, what_hung_without_time_stamps_stays_beside_tasks) {
  static WorkerStats stats;
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  Walk walk;
  stats.activity.set(WorkerPhase::in_job);
  walk.steps(3);  // seen to hang for 200 ms
  // Tasks of 60 ms in each 100 ms: together they soon make up for as much, and are no end of it.
  for (int sample = 0; sample < 6; ++sample) {
    stats.busy_ns.add(60'000'000);
    stats.activity.set(WorkerPhase::idle);
    walk.steps(1);
    EXPECT_TRUE(is_about(sampler.value(busy), 0.6));
  }
}

TEST(Sampler, a_job_that_is_counted_a_sample_late_is_not_counted_twice) {
  static WorkerStats stats;
  stats.time_stamps.set(1);
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  Walk walk;
  walk.steps(1);
  stats.activity.set(WorkerPhase::in_job);
  walk.steps(11);
  // Between the sampler's looks at the count and at the activity.
  stats.activity.set(WorkerPhase::ready);
  walk.steps(1);
  EXPECT_EQ(sampler.value(busy).value(), 0.0);
  stats.busy_ns.add(1'020'000'000);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.2));
  stats.busy_ns.add(70'000'000);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.7));
}

TEST(Sampler, a_job_that_began_behind_the_time_of_a_sample_is_not_counted_twice) {
  static WorkerStats stats;
  stats.time_stamps.set(1);
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  Walk walk;
  walk.steps(1);
  // The sampler was held up between its clock and the worker: what it sees seems longer.
  stats.activity.set(WorkerPhase::in_job);
  walk.steps(2);
  EXPECT_TRUE(is_about(sampler.value(busy), 1));
  stats.busy_ns.add(60'000'000);
  stats.activity.set(WorkerPhase::ready);
  walk.steps(1);
  EXPECT_EQ(sampler.value(busy).value(), 0.0);
  stats.busy_ns.add(60'000'000);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.2));
}

TEST(Sampler, a_job_that_is_counted_while_its_worker_is_still_in_it_is_not_counted_twice) {
  static WorkerStats stats;
  stats.time_stamps.set(1);
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  Walk walk;
  stats.activity.set(WorkerPhase::in_job, true, 0);
  walk.steps(11);
  // Counted, and not left yet: a task's on_miss comes in between.
  stats.busy_ns.add(1'000'000'000);
  walk.steps(1);
  EXPECT_EQ(sampler.value(busy).value(), 0.0);
  // on_miss hangs, which nobody else counts: what is seen of it stays.
  walk.steps(2);
  EXPECT_TRUE(is_about(sampler.value(busy), 1));
  stats.activity.set(WorkerPhase::ready);
  walk.steps(1);
  EXPECT_EQ(sampler.value(busy).value(), 0.0);
  stats.busy_ns.add(50'000'000);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.5));
}

// The sampler read the clock at 0 and the worker at 80 ms, which was in a job from 70 to 101 ms.
TEST(Sampler, a_short_job_that_a_late_sampler_saw_is_no_longer_for_that) {
  static WorkerStats stats;
  stats.time_stamps.set(1);
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  Walk walk;
  stats.activity.set(WorkerPhase::in_job);
  walk.steps(2);
  EXPECT_TRUE(is_about(sampler.value(busy), 1));
  stats.busy_ns.add(31'000'000);
  stats.activity.set(WorkerPhase::idle);
  walk.steps(1);
  EXPECT_EQ(sampler.value(busy).value(), 0.0);
  // The next ones make up for the 69 ms that were too many.
  stats.busy_ns.add(90'000'000);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.21));
}

TEST(Sampler, a_restart_between_two_samples_begins_anew) {
  static WorkerStats stats;
  stats.time_stamps.set(1);
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  Walk walk;
  stats.thread_id.set(7);
  stats.activity.set(WorkerPhase::in_job);
  walk.steps(21);  // it hangs for two seconds, and is counted no more
  stats.reset();
  stats.time_stamps.set(1);
  stats.thread_id.set(8);
  stats.busy_ns.add(30'000'000);
  stats.activity.set(WorkerPhase::idle);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.3));
  stats.busy_ns.add(50'000'000);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(busy), 0.5));
}

TEST(Sampler, shows_the_rates_of_a_worker) {
  static WorkerStats stats;
  ASSERT_OK(sampler.add_worker("control", stats));
  const Series jobs = sampler.worker(0, WorkerFigure::jobs);
  const Series busy = sampler.worker(0, WorkerFigure::busy);
  EXPECT_FALSE(sampler.value(jobs).has_value());
  Walk walk;
  walk.steps(1);
  EXPECT_FALSE(sampler.value(jobs).has_value());  // a rate takes two samples
  stats.jobs.add(5);
  stats.busy_ns.add(25'000'000);
  stats.activity.set(WorkerPhase::in_job);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(jobs), 50));
  EXPECT_TRUE(is_about(sampler.value(busy), 0.25));
  EXPECT_EQ(sampler.value(sampler.worker(0, WorkerFigure::phase)).value(), 6.0);
  // It has no thread.
  EXPECT_FALSE(sampler.value(sampler.worker(0, WorkerFigure::cpu_time)).has_value());
  // A restart: what it counts begins anew.
  stats.reset();
  stats.jobs.add(2);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(jobs), 20));
}

TEST(Sampler, shows_the_levels_of_a_task) {
  static TaskStats stats;
  ASSERT_OK(sampler.add_task("servo", stats));
  stats.max_response_ns.raise(1'500'000);
  Walk walk;
  walk.steps(2);
  EXPECT_EQ(sampler.value(sampler.task(0, TaskFigure::max_response)).value(), 0.0015);
  EXPECT_EQ(sampler.value(sampler.task(0, TaskFigure::completed)).value(), 0.0);
  EXPECT_FALSE(sampler.value(sampler.task(1, TaskFigure::completed)).has_value());
}

TEST(Sampler, what_it_observes_is_numbered_and_may_be_renamed) {
  static WorkerStats first, second, third;
  EXPECT_EQ(*sampler.add_worker("a", first), 0U);
  EXPECT_EQ(*sampler.add_worker("b", second), 1U);
  EXPECT_EQ(*sampler.add_worker("c", first), 0U);
  const auto refused = sampler.add_worker("d", third);
  EXPECT_EQ(refused.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(std::string_view(refused.status().text()), "all 2 SamplerLimits::workers are in use");
  EXPECT_EQ(sampler.add_worker("", third).code(), StatusCode::invalid_argument);
  EXPECT_EQ(sampler.add_worker(nullptr, third).code(), StatusCode::invalid_argument);
  EXPECT_EQ(sampler.add_worker("sixteen letters!", third).code(), StatusCode::invalid_argument);
  Walk walk;
  walk.steps(2);
  ASSERT_EQ(exposed_workers(), "c=0 b=0 ");
}

TEST(Sampler, a_new_name_has_no_figures_of_the_old_one) {
  static WorkerStats first, second;
  ASSERT_OK(sampler.add_worker("a", first));
  ASSERT_OK(sampler.add_worker("b", second));
  first.jobs.add(5);
  second.jobs.add(7);
  Walk walk;
  walk.steps(1);
  EXPECT_EQ(exposed_workers(), "a=5 b=7 ");
  ASSERT_OK(sampler.add_worker("c", first));
  ASSERT_OK(sampler.add_worker("b", second));  // is called so already
  first.reset();
  EXPECT_EQ(exposed_workers(), "b=7 ");
  walk.steps(1);  // may have been under way
  EXPECT_EQ(exposed_workers(), "b=7 ");
  ASSERT_OK(sampler.add_worker("c", first));  // again, which changes nothing
  walk.steps(1);
  EXPECT_EQ(exposed_workers(), "c=0 b=7 ");
}

/// Whose names may be taken away: as a reader sees them while somebody else who renames them is
/// preempted in the midst of it.
class Renamed : private detail::SamplerStorage<kLimits>, public Sampler {
 public:
  Renamed() noexcept : Sampler(this->view()) {}

  void take_names_away() noexcept {
    take_away(this->view().workers[0].name);
    take_away(this->view().tasks[0].name);
  }

 private:
  static void take_away(SeqLock<detail::SourceName>& name) noexcept {
    std::destroy_at(&name);
    std::construct_at(&name);
    EXPECT_FALSE(name.try_load(1).has_value());
  }
};

TEST(Sampler, who_has_no_readable_name_is_left_out) {
  static Renamed renamed;
  static WorkerStats workers[2];
  static TaskStats task;
  static TaskHistograms histograms;
  task.histograms = &histograms;
  ASSERT_OK(renamed.add_worker("first", workers[0]));
  ASSERT_OK(renamed.add_worker("second", workers[1]));
  ASSERT_OK(renamed.add_task("servo", task));
  renamed.step(kBegin);
  const auto exposed = [] {
    std::set<std::string> names;
    renamed.visit(
        [](const MetricView& metric, void* argument) noexcept {
          for (const MetricLabel& label : metric.labels) {
            const std::string_view kind = label.name;
            if (kind != "worker" && kind != "task") continue;
            static_cast<std::set<std::string>*>(argument)->insert(label.value);
          }
        },
        &names);
    std::string all;
    for (const std::string& name : names) all += name + " ";
    return all;
  };
  EXPECT_EQ(exposed(), "first second servo ");
  renamed.take_names_away();
  EXPECT_EQ(exposed(), "second ");
}

TEST(Sampler, series_without_a_place_are_none) {
  EXPECT_FALSE(Series().valid());
  EXPECT_TRUE(sampler.worker(1, WorkerFigure::jobs).valid());
  EXPECT_FALSE(sampler.worker(2, WorkerFigure::jobs).valid());
  EXPECT_FALSE(sampler.task(2, TaskFigure::failed).valid());
  EXPECT_TRUE(sampler.lane(1, LaneFigure::dropped).valid());
  EXPECT_FALSE(sampler.lane(2, LaneFigure::waiting).valid());
  EXPECT_FALSE(sampler.descriptor(1, DescriptorFigure::events).valid());
  EXPECT_FALSE(sampler.metric(3).valid());
  EXPECT_TRUE(sampler.series(ProcessFigure::temperature, kSampledZones - 1).valid());
  EXPECT_FALSE(sampler.series(ProcessFigure::temperature, kSampledZones).valid());
  EXPECT_FALSE(sampler.series(ProcessFigure::threads, 1).valid());
  EXPECT_FALSE(sampler.value(Series()).has_value());
  EXPECT_EQ(sampler.summary(Series(), 1s, {}).code(), StatusCode::invalid_argument);
  // No two series share a column.
  EXPECT_FALSE(sampler.worker(1, WorkerFigure::phase) == sampler.task(0, TaskFigure::releases));
  EXPECT_FALSE(sampler.task(1, TaskFigure::max_response) == sampler.lane(0, LaneFigure::waiting));
  EXPECT_FALSE(sampler.lane(1, LaneFigure::dropped) ==
               sampler.descriptor(0, DescriptorFigure::events));
  EXPECT_FALSE(sampler.descriptor(0, DescriptorFigure::refused) == sampler.metric(0));
}

// A source is an executor's, or a test's.
TEST(Sampler, shows_the_levels_and_rates_of_a_lane) {
  static LaneSource::Look look;
  static const int executors[2] = {};
  constexpr auto kRead = [](const void*, LaneId) noexcept { return look; };
  EXPECT_EQ(sampler.add_lane({}).code(), StatusCode::invalid_argument);
  EXPECT_EQ(*sampler.add_lane({&executors[0], LaneId{3}, kRead}), 0U);
  EXPECT_EQ(*sampler.add_lane({&executors[1], LaneId{3}, kRead}), 1U);
  EXPECT_EQ(*sampler.add_lane({&executors[0], LaneId{3}, kRead}), 0U);  // the same
  const auto refused = sampler.add_lane({&executors[0], LaneId{4}, kRead});
  EXPECT_EQ(refused.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(std::string_view(refused.status().text()), "all 2 SamplerLimits::lanes are in use");
  const auto alert = sampler.add_alert(
      {.name = "lane fills up", .series = sampler.lane(0, LaneFigure::waiting), .threshold = 10});
  ASSERT_OK(alert);
  Walk walk;
  look = {.waiting = 10, .active_workers = 2, .rejected = 100, .dropped = 7};
  walk.steps(1);
  EXPECT_EQ(sampler.value(sampler.lane(0, LaneFigure::waiting)).value(), 10.0);
  EXPECT_EQ(sampler.value(sampler.lane(0, LaneFigure::active_workers)).value(), 2.0);
  EXPECT_TRUE(sampler.alert_state(*alert) == AlertState::quiet);
  look.waiting = 11;
  look.rejected = 105;
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(sampler.lane(0, LaneFigure::rejected)), 50));
  EXPECT_EQ(sampler.value(sampler.lane(0, LaneFigure::dropped)).value(), 0.0);
  EXPECT_TRUE(sampler.alert_state(*alert) == AlertState::raised);
  EXPECT_EQ(sampler.value(sampler.lane(1, LaneFigure::waiting)).value(), 11.0);
}

TEST(Sampler, shows_the_rates_of_a_descriptor_and_that_it_is_lost) {
  static DescriptorStats stats, other;
  EXPECT_EQ(*sampler.add_descriptor("can0", stats), 0U);
  EXPECT_EQ(std::string_view(sampler.add_descriptor("can1", other).status().text()),
            "all 1 SamplerLimits::descriptors are in use");
  Walk walk;
  walk.steps(1);
  stats.events.add(20);
  stats.refused.set(EBADF);
  walk.steps(1);
  EXPECT_TRUE(is_about(sampler.value(sampler.descriptor(0, DescriptorFigure::events)), 200));
  EXPECT_EQ(sampler.value(sampler.descriptor(0, DescriptorFigure::refused)).value(), double{EBADF});
}

class Levels {
 public:
  Levels() {
    EXPECT_OK(metrics_.add(
        {.name = "level_celsius", .help = "L", .unit = "celsius", .per_unit = 10}, level));
    EXPECT_OK(metrics_.add({.name = "events_total", .help = "E"}, events));
    EXPECT_OK(sampler.set_metrics(metrics_));
  }
  Gauge level;
  SharedCounter events;

 private:
  StaticMetrics<4> metrics_;
};

TEST(Sampler, sums_up_levels) {
  Levels levels;
  Walk walk;
  for (const int value : {90, 10, 20, 30, 40, 50}) {
    levels.level.set(value);
    walk.steps(1);
  }
  std::array<double, 16> scratch;
  // The newest sample is of 500 ms: a window of 500 ms begins behind that of 0 ms.
  const auto summary = sampler.summary(sampler.metric(0), 500ms, scratch);
  ASSERT_OK(summary);
  EXPECT_EQ(summary->samples, 5U);
  EXPECT_TRUE(summary->from == kBegin + 100ms);
  EXPECT_TRUE(summary->to == kBegin + 500ms);
  EXPECT_EQ(summary->min, 1.0);
  EXPECT_TRUE(is_about(summary->mean, 3));
  EXPECT_EQ(summary->max, 5.0);
  EXPECT_EQ(summary->median, 3.0);
  EXPECT_EQ(summary->p90, 5.0);
  EXPECT_EQ(summary->p99, 5.0);
  EXPECT_EQ(scratch[0], 1.0);
  EXPECT_EQ(scratch[4], 5.0);
  // Little scratch: the newest ones.
  const auto newest = sampler.summary(sampler.metric(0), 1h, std::span(scratch).first(2));
  EXPECT_EQ(newest->samples, 2U);
  EXPECT_EQ(newest->min, 4.0);
  const auto without_scratch = sampler.summary(sampler.metric(0), 1h, {});
  EXPECT_EQ(without_scratch.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(without_scratch.status().text()),
            "summary: its scratch has room for no sample");
  EXPECT_EQ(sampler.summary(sampler.metric(0), 0ms, scratch).code(), StatusCode::not_found);
}

TEST(Sampler, sums_up_counters_by_the_time_that_they_took) {
  Levels levels;
  sampler.step(kBegin);
  levels.events.add(10);
  sampler.step(kBegin + 100ms);  // 100 a second
  levels.events.add(10);
  sampler.step(kBegin + 500ms);  // 400 ms: 25 a second
  std::array<double, 16> scratch;
  const auto summary = sampler.summary(sampler.metric(1), 1h, scratch);
  ASSERT_OK(summary);
  EXPECT_EQ(summary->samples, 2U);
  EXPECT_TRUE(is_about(summary->min, 25));
  EXPECT_TRUE(is_about(summary->max, 100));
  EXPECT_TRUE(is_about(summary->mean, 40));
}

TEST(Sampler, forgets_what_is_older_than_its_history) {
  Levels levels;
  Walk walk;
  for (int value = 1; value <= 25; ++value) {
    levels.level.set(10 * value);
    walk.steps(1);
  }
  std::array<double, 32> scratch;
  const auto summary = sampler.summary(sampler.metric(0), 1h, scratch);
  EXPECT_EQ(summary->samples, kLimits.history);
  EXPECT_EQ(summary->min, 16.0);
  EXPECT_EQ(summary->max, 25.0);
}

TEST(Sampler, a_worker_that_came_late_has_no_samples_of_another_time) {
  static WorkerStats stats;
  Walk walk;
  walk.steps(15);
  stats.jobs.add(7);
  ASSERT_OK(sampler.add_worker("late", stats));
  std::array<double, 32> scratch;
  const Series phase = sampler.worker(0, WorkerFigure::phase);
  EXPECT_EQ(sampler.summary(phase, 1h, scratch).code(), StatusCode::not_found);
  walk.steps(3);
  EXPECT_EQ(sampler.summary(phase, 1h, scratch)->samples, 3U);
  // The jobs from before are no rate.
  const auto jobs = sampler.summary(sampler.worker(0, WorkerFigure::jobs), 1h, scratch);
  EXPECT_EQ(jobs->samples, 2U);
  EXPECT_EQ(jobs->max, 0.0);
}

TEST(Sampler, reads_this_process) {
  sampler.step(kBegin);
  const auto level = [](ProcessFigure figure) { return sampler.value(sampler.series(figure)); };
  EXPECT_GT(level(ProcessFigure::resident).value_or(0), 100'000.0);
  EXPECT_GE(level(ProcessFigure::peak_resident).value_or(0), 100'000.0);
  EXPECT_GE(level(ProcessFigure::locked).value_or(-1), 0.0);
  EXPECT_GE(level(ProcessFigure::threads).value_or(0), 1.0);
  EXPECT_GE(level(ProcessFigure::descriptors).value_or(0), 1.0);
  EXPECT_GE(level(ProcessFigure::sockets).value_or(-1), 0.0);
  sampler.step(kBegin + 100ms);
  EXPECT_GE(level(ProcessFigure::cpu_time).value_or(-1), 0.0);
  EXPECT_EQ(sampler.read_errors(), 0U);
}

TEST(Sampler, reads_a_board) {
  TemporaryTree sys;
  sys.write("devices/system/cpu/online", "0-5\n");
  for (int cpu = 0; cpu < 6; ++cpu) {
    const std::string directory = "devices/system/cpu/cpu" + std::to_string(cpu);
    sys.write(directory + "/topology/cluster_cpus_list", cpu < 4 ? "0-3" : "4-5");
    sys.write(directory + "/topology/core_cpus_list", std::to_string(cpu));
    sys.write(directory + "/cpufreq/scaling_cur_freq", cpu < 4 ? "1400000\n" : "1800000\n");
  }
  sys.write("class/thermal/thermal_zone0/type", "cpu-thermal\n");
  sys.write("class/thermal/thermal_zone0/temp", "48300\n");
  sys.write("class/thermal/thermal_zone2/type", "gpu-thermal\n");
  sys.write("class/thermal/thermal_zone2/temp", "51000\n");
  ASSERT_OK(sampler.configure({.sys_root = sys.root()}));
  Walk walk;
  walk.steps(1);
  const auto at = [](ProcessFigure figure, std::uint32_t index) {
    return sampler.value(sampler.series(figure, index));
  };
  EXPECT_EQ(at(ProcessFigure::frequency, 0).value_or(0), 1.4e9);
  EXPECT_EQ(at(ProcessFigure::frequency, 1).value_or(0), 1.8e9);
  EXPECT_FALSE(at(ProcessFigure::frequency, 2).has_value());
  EXPECT_EQ(at(ProcessFigure::temperature, 0).value_or(0), 48.3);
  EXPECT_EQ(at(ProcessFigure::temperature, 1).value_or(0), 51.0);
  EXPECT_FALSE(at(ProcessFigure::temperature, 2).has_value());
  // Read anew with the slow period only.
  sys.write("class/thermal/thermal_zone0/temp", "60000\n");
  walk.steps(9);
  EXPECT_EQ(at(ProcessFigure::temperature, 0).value_or(0), 48.3);
  walk.steps(1);
  EXPECT_EQ(at(ProcessFigure::temperature, 0).value_or(0), 60.0);
  // Nonsense is absent, and counted; the other zone goes on.
  EXPECT_EQ(sampler.read_errors(), 0U);
  sys.write("class/thermal/thermal_zone0/temp", "hot\n");
  walk.steps(10);
  EXPECT_FALSE(at(ProcessFigure::temperature, 0).has_value());
  EXPECT_EQ(at(ProcessFigure::temperature, 1).value_or(0), 51.0);
  EXPECT_EQ(sampler.read_errors(), 1U);

  std::vector<std::string> labels;
  sampler.visit(
      [](const MetricView& metric, void* argument) noexcept {
        if (std::string_view(metric.name) != "takt_temperature_celsius") return;
        std::string text;
        for (const MetricLabel& label : metric.labels) {
          text += std::string(label.name) + "=" + label.value + " ";
        }
        static_cast<std::vector<std::string>*>(argument)->push_back(text);
      },
      &labels);
  ASSERT_EQ(labels.size(), 1U);
  EXPECT_EQ(labels[0], "zone=2 type=gpu-thermal ");

  // The slow readings that were slept through are not made up for.
  sys.write("class/thermal/thermal_zone0/temp", "61000\n");
  walk.skip(5s);
  walk.steps(1);
  EXPECT_EQ(at(ProcessFigure::temperature, 0).value_or(0), 61.0);
  sys.write("class/thermal/thermal_zone0/temp", "62000\n");
  walk.steps(1);
  EXPECT_EQ(at(ProcessFigure::temperature, 0).value_or(0), 61.0);
}

TEST(Sampler, what_a_board_lacks_is_absent_and_no_error) {
  const TemporaryTree nothing;
  ASSERT_OK(sampler.configure({.proc_root = nothing.root(), .sys_root = nothing.root()}));
  sampler.step(kBegin);
  for (const ProcessFigure figure :
       {ProcessFigure::resident, ProcessFigure::locked, ProcessFigure::threads,
        ProcessFigure::descriptors, ProcessFigure::sockets, ProcessFigure::frequency,
        ProcessFigure::temperature}) {
    EXPECT_FALSE(sampler.value(sampler.series(figure)).has_value());
  }
  EXPECT_TRUE(sampler.value(sampler.series(ProcessFigure::peak_resident)).has_value());
  EXPECT_EQ(sampler.read_errors(), 0U);
}

TEST_EACH(Sampler, survives_what_the_system_refuses, SystemCall::getrusage, SystemCall::open,
          SystemCall::read, SystemCall::getdents64) {
  ASSERT_OK(sampler.configure({}));
  {
    const FaultInjection fault(param, EIO, 1, FaultInjection::Times::onward);
    sampler.step(kBegin);
    EXPECT_GE(fault.failures(), 1U);
  }
  EXPECT_GE(sampler.read_errors(), 1U);
  sampler.step(kBegin + 1s);
  EXPECT_TRUE(sampler.value(sampler.series(ProcessFigure::resident)).has_value());
  EXPECT_TRUE(sampler.value(sampler.series(ProcessFigure::descriptors)).has_value());
  EXPECT_TRUE(sampler.value(sampler.series(ProcessFigure::peak_resident)).has_value());
}

// What is visited obeys the rules that Metrics::add() enforces, so that an exposition may rely on
// them: names of one kind come together, and none comes twice.
TEST(Sampler, visits_each_name_once) {
  static WorkerStats workers[2];
  static TaskStats tasks[2];
  static TaskHistograms histograms;
  tasks[1].histograms = &histograms;
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(sampler.add_worker("worker", workers[i]));
    ASSERT_OK(sampler.add_task("task", tasks[i]));
  }
  ASSERT_OK(sampler.add_alert({.name = "hot", .series = sampler.series(ProcessFigure::threads)}));
  sampler.step(kBegin);
  struct Seen {
    std::vector<std::string> firsts;
    std::vector<std::string> all;
    int histograms = 0;
  } seen;
  sampler.visit(
      [](const MetricView& metric, void* argument) noexcept {
        auto& into = *static_cast<Seen*>(argument);
        const std::string name = metric.name;
        if (metric.first_of_name) into.firsts.push_back(name);
        ASSERT_EQ(into.firsts.back(), name);
        std::string all = name;
        for (const MetricLabel& label : metric.labels) {
          all += std::string(",") + label.name + "=" + label.value;
        }
        for (const std::string& other : into.all) EXPECT_NE(other, all);
        into.all.push_back(all);
        const bool counter = name.ends_with("_total");
        EXPECT_EQ(counter, metric.kind == MetricKind::counter);
        EXPECT_NE(std::string_view(metric.help), "");
        const std::string unit = std::string("_") + metric.unit;
        const std::string bare = counter ? name.substr(0, name.size() - 6) : name;
        EXPECT_TRUE(unit == "_" || bare.ends_with(unit), "%s", metric.name);
        EXPECT_EQ(metric.histogram != nullptr, metric.kind == MetricKind::histogram);
        into.histograms += metric.histogram != nullptr ? 1 : 0;
      },
      &seen);
  for (std::size_t i = 0; i < seen.firsts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(seen.firsts[i], seen.firsts[j]);
  }
  EXPECT_EQ(seen.histograms, 2);
  EXPECT_GE(seen.firsts.size(), 35U);
}

}  // namespace
}  // namespace takt
