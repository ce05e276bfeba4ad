// SPDX-License-Identifier: Apache-2.0
// Releases of periodic tasks: on their grid, each counted or skipped, whatever the load.
#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::JobContext;
using takt::Priority;
using takt::StopMode;
using takt::TaskConfig;
using takt::TaskHandle;
using takt::TimePoint;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

constexpr std::uint32_t kTasks = 16;
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .tasks = kTasks, .histograms = 1}> executor;

/// The jobs of one task, in the order in which they ran.
class Log {
 public:
  static constexpr std::uint32_t kCapacity = 256;

  struct Entry {
    TimePoint release;
    TimePoint deadline;
    std::uint64_t index;
    std::uint64_t skipped;
  };

  void add(const JobContext& job) noexcept {
    EXPECT_LE(job.release, job.start);
    const std::uint32_t at = size_.load();
    if (at == kCapacity) return;
    entries_[at] = {job.release, job.deadline, job.index, job.skipped};
    size_.store(at + 1);
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_.load(); }
  [[nodiscard]] const Entry& operator[](std::uint32_t at) const noexcept { return entries_[at]; }
  void clear() noexcept { size_.store(0); }

  /// Each release lies on its grid, and indices and skips tell the same story.
  void expect_grid(TimePoint origin, Duration period) const {
    for (std::uint32_t at = 0; at < size(); ++at) {
      const Entry& entry = entries_[at];
      EXPECT_EQ(entry.release, origin + static_cast<std::int64_t>(entry.index) * period);
      if (at > 0) EXPECT_EQ(entry.index, entries_[at - 1].index + 1 + entry.skipped);
    }
  }

 private:
  std::array<Entry, kCapacity> entries_{};
  std::atomic<std::uint32_t> size_{0};
};

Log log_of[kTasks];

/// Adds a task that only logs.
TaskHandle add_logging_task(const TaskConfig& config, Log& log) {
  auto task = executor.add_task(config, [&log](const JobContext& job) { log.add(job); });
  EXPECT_OK(task);
  return *task;
}

void spin_until(TimePoint end) {
  while (takt::now() < end) {
  }
}

TEST(PeriodicTask, is_released_on_its_grid) {
  Log& log = log_of[0];
  const TaskHandle task = add_logging_task({.name = "grid", .period = 1ms, .offset = 300us}, log);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return log.size() >= 20; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(log[0].index, 0);
  EXPECT_EQ(log[0].skipped, 0);
  EXPECT_EQ(log[0].deadline, log[0].release + 1ms);  // the period, when nothing else was said
  log.expect_grid(executor.epoch() + 300us, 1ms);
  EXPECT_EQ(task.stats().releases.get(), log.size());
  EXPECT_EQ(task.stats().completed.get(), log.size());
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), log.size());
}

TEST(PeriodicTask, skips_releases_while_its_job_is_unfinished_and_keeps_its_phase) {
  Log& log = log_of[0];
  const auto task =
      executor.add_task({.name = "long", .period = 1ms, .overrun = takt::Overrun::skip()},
                        [&](const JobContext& job) {
                          log.add(job);
                          spin_until(job.start + 2500us);
                        });
  ASSERT_OK(task);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return log.size() >= 8; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  log.expect_grid(executor.epoch(), 1ms);
  std::uint64_t skipped = 0;
  for (std::uint32_t at = 0; at < log.size(); ++at) {
    if (at > 0) EXPECT_GE(log[at].skipped, 2);
    skipped += log[at].skipped;
  }
  EXPECT_EQ(task->stats().releases.get(), log.size());
  EXPECT_GE(task->stats().overruns.get(), skipped);
  EXPECT_EQ(task->stats().deadline_misses.get(), log.size());
}

TEST(PeriodicTask, joins_its_grid_late) {
  Log& log = log_of[0];
  const Running running(executor, {{.name = "worker"}});
  wait_until([] { return takt::now() > executor.epoch() + 10ms; });
  const TimePoint before = takt::now();
  add_logging_task({.name = "late", .period = 2ms, .offset = 500us}, log);
  const TimePoint after = takt::now();
  wait_until([&] { return log.size() >= 3; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  log.expect_grid(executor.epoch() + 500us, 2ms);
  EXPECT_GE(log[0].release, before);
  EXPECT_LT(log[0].release, after + 2ms);
  EXPECT_GE(log[0].index, 4);
  EXPECT_EQ(log[0].skipped, 0);  // what was before it joined it did not miss
}

TEST(PeriodicTask, added_before_its_offset_begins_with_it) {
  Log& log = log_of[0];
  const Running running(executor, {{.name = "worker"}});
  add_logging_task({.name = "future", .period = 1ms, .offset = 50ms}, log);
  wait_until([&] { return log.size() >= 2; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  if (log[0].index != 0) SKIP("this machine was too slow: 50 ms passed before the task was added");
  log.expect_grid(executor.epoch() + 50ms, 1ms);
}

TEST(PeriodicTask, counts_missed_deadlines) {
  const auto late = executor.add_task({.name = "late", .period = 5ms, .deadline = 1us},
                                      [](const JobContext& job) { spin_until(job.start + 10us); });
  const auto punctual =
      executor.add_task({.name = "punctual", .period = 5ms, .deadline = 1h},
                        [](const JobContext& job) { EXPECT_EQ(job.deadline, job.release + 1h); });
  ASSERT_OK(late);
  ASSERT_OK(punctual);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return punctual->stats().completed.get() >= 4; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(late->stats().deadline_misses.get(), late->stats().completed.get());
  EXPECT_EQ(punctual->stats().deadline_misses.get(), 0);
  EXPECT_GE(late->stats().max_response_ns.get(), 10'000);
  EXPECT_GE(late->stats().execution_ns.get(), 10'000 * late->stats().completed.get());
  EXPECT_LE(late->stats().max_release_jitter_ns.get(), late->stats().max_response_ns.get());
}

// One worker, one level: jobs run in the order of their releases, equal ones in that of the tasks.
TEST(PeriodicTask, many_in_one_lane_run_in_the_order_of_their_releases) {
  struct Ran {
    TimePoint release;
    std::uint32_t task;
  };
  static std::array<Ran, 400> ran{};
  static std::atomic<std::uint32_t> count{0};
  constexpr Duration kPeriods[] = {1ms, 2ms, 5ms, 2ms};
  for (std::uint32_t number = 0; number < kTasks; ++number) {
    ASSERT_OK(executor.add_task({.name = "task", .period = kPeriods[number % 4]},
                                [number](const JobContext& job) {
                                  const std::uint32_t at = count.load();
                                  if (at < ran.size()) ran[at] = {job.release, number};
                                  count.store(at + 1);
                                }));
  }
  const Running running(executor, {{.name = "worker"}});
  wait_until([] { return count.load() >= ran.size(); });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  for (std::size_t at = 1; at < ran.size(); ++at) {
    const Ran& before = ran[at - 1];
    const Ran& after = ran[at];
    EXPECT_TRUE(before.release < after.release ||
                    (before.release == after.release && before.task < after.task),
                "task %u before task %u at place %zu", before.task, after.task, at);
  }
  for (std::uint32_t number = 0; number < kTasks; ++number) {
    EXPECT_GE(executor.task(number).stats().completed.get(), 1, "task %u", number);
  }
}

TEST(PeriodicTask, survives_a_stop_and_begins_anew_at_the_next_epoch) {
  Log& log = log_of[0];
  const TaskHandle task = add_logging_task({.name = "again", .period = 1ms, .offset = 1ms}, log);
  TimePoint last_epoch{};
  std::uint64_t sum = 0;
  for (int round = 0; round < 3; ++round) {
    log.clear();
    const Running running(executor, {{.name = "worker"}});
    EXPECT_GT(executor.epoch(), last_epoch);
    last_epoch = executor.epoch();
    wait_until([&] { return log.size() >= 3; });
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
    EXPECT_EQ(log[0].index, 0);
    EXPECT_EQ(log[0].skipped, 0);
    log.expect_grid(last_epoch + 1ms, 1ms);
    sum += log.size();
  }
  EXPECT_EQ(task.stats().completed.get(), sum);
}

TEST(PeriodicTask, records_histograms_on_demand) {
  const TaskHandle task =
      add_logging_task({.name = "recorded", .period = 1ms, .histograms = true}, log_of[0]);
  const TaskHandle other = add_logging_task({.name = "other", .period = 1ms}, log_of[1]);
  EXPECT_EQ(other.stats().histograms.load(), nullptr);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return log_of[0].size() >= 10; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  ASSERT_NE(task.stats().histograms.load(), nullptr);
  const takt::TaskHistograms& histograms = *task.stats().histograms.load();
  std::uint64_t jitters = 0;
  std::uint64_t responses = 0;
  for (std::uint32_t bucket = 0; bucket < takt::HistogramCounts::kBuckets; ++bucket) {
    jitters += histograms.release_jitter.count(bucket);
    responses += histograms.response_time.count(bucket);
  }
  EXPECT_EQ(jitters, task.stats().completed.get());
  EXPECT_EQ(responses, task.stats().completed.get());
  EXPECT_EQ(histograms.release_jitter.max(), task.stats().max_release_jitter_ns.get());
  EXPECT_EQ(histograms.response_time.max(), task.stats().max_response_ns.get());
}

TEST(PeriodicTask, a_removed_one_does_not_show_the_histograms_of_the_next) {
  TaskHandle plain = add_logging_task({.name = "plain", .period = 1s}, log_of[0]);
  TaskHandle recorded =
      add_logging_task({.name = "recorded", .period = 1s, .histograms = true}, log_of[1]);
  const takt::TaskStats& before = recorded.stats();
  ASSERT_OK(plain.remove());
  ASSERT_OK(recorded.remove());
  EXPECT_NE(before.histograms.load(), nullptr);  // until somebody else has them
  const TaskHandle next =
      add_logging_task({.name = "next", .period = 1s, .histograms = true}, log_of[2]);
  EXPECT_NE(next.stats().histograms.load(), nullptr);
  EXPECT_EQ(before.histograms.load(), nullptr);
}

TEST(PeriodicTask, a_job_that_throws_is_counted_and_the_next_one_comes) {
  const auto task = executor.add_task({.name = "throws", .period = 1ms}, [](const JobContext& job) {
    if (job.index % 2 == 0) throw std::runtime_error("wanted");
  });
  ASSERT_OK(task);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return task->stats().failed.get() >= 3; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(task->stats().failed.get() + task->stats().completed.get(),
            task->stats().releases.get());
  EXPECT_EQ(executor.worker_stats(0).failed.get(), task->stats().failed.get());
}

TEST(PeriodicTask, overtakes_posted_jobs_of_lower_levels) {
  std::atomic<bool> over{false};
  struct Flood {  // always one job ready
    std::atomic<bool>* over;
    void operator()() const {
      if (!over->load()) static_cast<void>(executor.post(Flood{over}));  // or it is stopping
    }
  };
  add_logging_task({.name = "urgent", .priority = Priority::high, .period = 1ms}, log_of[0]);
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.post(Flood{&over}));
  wait_until([&] { return log_of[0].size() >= 10; });
  over.store(true);
}

// Two workers: whichever is stuck in a job, the other goes on with the lane's releases.
TEST(PeriodicTask, goes_on_while_one_of_two_workers_is_stuck) {
  const TaskHandle task = add_logging_task({.name = "steady", .period = 1ms}, log_of[0]);
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  std::array<Gate, 20> gates;
  for (Gate& gate : gates) {
    hold_worker(executor, gate);
    const std::uint64_t seen = task.stats().completed.get();
    wait_until([&] { return task.stats().completed.get() >= seen + 2; });
    gate.open();
  }
}

TEST(PeriodicTask, goes_on_while_another_task_is_stuck) {
  Gate gate;
  ASSERT_OK(executor.add_task({.name = "stuck", .period = 1ms}, [&gate] { gate.pass(); }));
  const TaskHandle task = add_logging_task({.name = "steady", .period = 1ms}, log_of[0]);
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  gate.wait_for_entries();
  const std::uint64_t seen = task.stats().completed.get();
  wait_until([&] { return task.stats().completed.get() >= seen + 10; });
  gate.open();
}

TEST(PeriodicTask, the_first_one_begins_while_a_worker_is_stuck) {
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  std::array<Gate, kTasks> gates;
  for (std::uint32_t number = 0; number < kTasks; ++number) {
    for (int i = 0; i < 50; ++i) ASSERT_OK(executor.submit([] {})->wait());  // the lead wanders
    hold_worker(executor, gates[number]);
    add_logging_task({.name = "first", .period = 1ms}, log_of[number]);
    wait_until([&] { return log_of[number].size() >= 1; });
    gates[number].open();
  }
}

TEST(PeriodicTask, can_be_added_by_a_job) {
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.post([] { add_logging_task({.name = "added", .period = 1ms}, log_of[0]); }));
  wait_until([] { return log_of[0].size() >= 2; });
}

TEST(PeriodicTask, a_waiting_job_is_cancelled_with_the_executor) {
  const TaskHandle task = add_logging_task({.name = "waiting", .period = 1ms}, log_of[0]);
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  hold_worker(executor, gate);
  wait_until([&] { return takt::now() > executor.epoch() + 20ms; });
  EXPECT_EQ(executor.stop(StopMode::cancel, 0ns).code(), takt::StatusCode::timed_out);
  gate.open();
  ASSERT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_EQ(task.stats().releases.get(),
            task.stats().completed.get() + task.stats().cancelled.get());
}

}  // namespace
