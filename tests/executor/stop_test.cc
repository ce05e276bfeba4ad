// SPDX-License-Identifier: Apache-2.0
// stop(): what becomes of waiting and running jobs, who may call it when, and what a stuck job
// does.
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <thread>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::JobContext;
using takt::LaneId;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1};
constexpr takt::ExecutorLimits kLimits{.workers = 2, .lanes = 2};
using TestExecutor = takt::StaticExecutor<kLimits>;
TestExecutor executor;
constexpr WorkerConfig kWorkers[] = {{.name = "first", .lane = kFirst},
                                     {.name = "second", .lane = kSecond}};

TEST(Stop, does_nothing_before_a_start) {
  EXPECT_OK(executor.stop(StopMode::drain, 0ns));
  EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_FALSE(executor.running());
}

TEST(Stop, knows_two_modes) {
  EXPECT_ABORT([] { executor.request_stop(StopMode{33}); }, "request_stop: no such StopMode");
  const Running running(executor, {{.name = "worker"}});
  const takt::Status status = executor.stop(StopMode{7}, kPatience);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()), "stop: no such StopMode");
  EXPECT_TRUE(executor.running());
}

TEST(Stop, a_request_after_the_first_post_is_not_lost_beside_the_start) {
  // The first lane takes posts while start() still schedules the tasks of the second.
  constexpr std::uint32_t kTasks = 2'048;
  static takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .lanes = 2, .tasks = kTasks}> slow;
  for (std::uint32_t task = 0; task < kTasks; ++task) {
    ASSERT_OK(slow.add_task({.name = "task", .lane = kSecond, .period = 1h, .offset = 1h}, [] {})
                  .status());
  }
  for (int round = 0; round < 50; ++round) {
    std::thread other([] {
      wait_until([] { return slow.post([] {}, {.lane = kFirst}).ok(); });
      slow.request_stop(StopMode::drain);
    });
    EXPECT_OK(slow.start(kWorkers, kAnyMemory));
    other.join();
    EXPECT_FALSE(slow.running());
    EXPECT_OK(slow.stop(StopMode::drain, kPatience));
  }
}

TEST(Stop, a_request_without_a_run_is_void) {
  executor.request_stop(StopMode::cancel);
  const Running running(executor, {{.name = "worker"}});
  EXPECT_TRUE(executor.running());
  EXPECT_OK(executor.submit([] {})->wait());
}

TEST(Stop, drain_runs_what_was_accepted) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  std::atomic<int> ran{0};
  for (const LaneId lane : {kFirst, kSecond}) {
    for (std::uint32_t i = 0; i < kLimits.jobs_per_lane; ++i) {
      ASSERT_OK(executor.post(
          [&ran](const JobContext& job) {
            EXPECT_FALSE(job.stop_requested());
            ++ran;
          },
          {.lane = lane}));
    }
  }
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(ran.load(), 2 * kLimits.jobs_per_lane);
  EXPECT_FALSE(executor.running());
  EXPECT_FALSE(executor.stop_requested());
}

TEST(Stop, cancel_asks_the_running_job_to_return) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  std::atomic<bool> begun{false};
  ASSERT_OK(executor.post([&begun](const JobContext& job) {
    begun.store(true);
    while (!job.stop_requested()) ::sched_yield();
  }));
  wait_until([&] { return begun.load(); });
  EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 1);
  EXPECT_EQ(executor.worker_stats(0).cancelled.get(), 0);
  EXPECT_FALSE(executor.stop_requested());
}

TEST(Stop, cancel_may_follow_a_drain_that_took_too_long) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  Gate gate;
  hold_worker(executor, gate);
  ASSERT_OK(executor.post([] { ADD_FAILURE("it was cancelled"); }));
  EXPECT_EQ(executor.stop(StopMode::drain, 0ns).code(), StatusCode::timed_out);
  EXPECT_EQ(executor.stop(StopMode::cancel, 0ns).code(), StatusCode::timed_out);
  gate.open();
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.worker_stats(0).cancelled.get(), 1);
}

TEST(Stop, a_worker_cannot_wait_for_itself) {
  const Running running(executor, {{.name = "worker"}});
  auto job = executor.submit([] {
    const Status stopped = executor.stop(StopMode::drain, kPatience);
    EXPECT_EQ(stopped.code(), StatusCode::failed_precondition);
    EXPECT_EQ(std::string_view(stopped.text()),
              "stop: called by a worker, it would wait for itself");
    EXPECT_EQ(executor.start(kWorkers).code(), StatusCode::failed_precondition);
  });
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
  EXPECT_TRUE(executor.running());
}

TEST(Stop, refuses_posts_from_its_beginning_on) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  Gate gate;
  hold_worker(executor, gate);
  EXPECT_EQ(executor.stop(StopMode::drain, 0ns).code(), StatusCode::timed_out);
  EXPECT_FALSE(executor.running());
  const Status posted = executor.post([] {});
  EXPECT_EQ(posted.code(), StatusCode::failed_precondition);
  EXPECT_EQ(std::string_view(posted.text()), "post to lane 0: the executor is stopping");
  const Status started = executor.start(kWorkers);
  EXPECT_EQ(started.code(), StatusCode::failed_precondition);
  EXPECT_EQ(std::string_view(started.text()), "start: the executor is stopping still");
  gate.open();
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.post([] {}).code(), StatusCode::failed_precondition);
}

TEST(Stop, names_the_stuck_task) {
  Gate gate;
  ASSERT_OK(executor.add_task({.name = "endless", .period = 1ms}, [&gate] { gate.pass(); }));
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  gate.wait_for_entries();
  const takt::TimePoint before = takt::now();
  const Status stopped = executor.stop(StopMode::drain, 3ms);
  EXPECT_GE(takt::now() - before, 3ms);
  EXPECT_EQ(stopped.code(), StatusCode::timed_out);
  EXPECT_EQ(std::string_view(stopped.text()), "worker 'first' is stuck in task 'endless'");
  gate.open();
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(Stop, names_the_slot_of_a_stuck_job) {
  Gate gate;
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  hold_worker(executor, gate, kSecond);
  wait_until([&] {
    const Status stopped = executor.stop(StopMode::drain, 1ms);
    EXPECT_EQ(stopped.code(), StatusCode::timed_out);
    // Until the idle worker has ended, it is the one that is named.
    return std::string_view(stopped.text()) ==
           "worker 'second' is stuck in a posted job, slot 0 of lane 1";
  });
  gate.open();
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(Stop, a_second_caller_waits_for_the_first) {
  Gate gate;
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  hold_worker(executor, gate);
  std::thread first([] { EXPECT_OK(executor.stop(StopMode::drain, kPatience)); });
  wait_until([] { return !executor.running(); });
  const Status second = executor.stop(StopMode::drain, 1ms);
  EXPECT_EQ(second.code(), StatusCode::timed_out);
  EXPECT_EQ(std::string_view(second.text()), "stop: another start() or stop() is still under way");
  std::thread third([] { EXPECT_OK(executor.stop(StopMode::cancel, kPatience)); });
  gate.open();
  first.join();
  third.join();
}

TEST(Stop, a_restart_is_as_good_as_the_first_start) {
  for (int round = 0; round < 100; ++round) {
    ASSERT_OK(executor.start(kWorkers, kAnyMemory), "round %d", round);
    auto job = executor.submit([round] { return round; }, {.lane = kSecond});
    ASSERT_OK(job);
    EXPECT_EQ(*job->wait(), round);
    ASSERT_OK(executor.stop(round % 2 == 0 ? StopMode::drain : StopMode::cancel, kPatience),
              "round %d", round);
    EXPECT_EQ(executor.worker_stats(1).jobs.get(), 1);
  }
}

TEST(Stop, may_take_for_ever) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  ASSERT_OK(executor.post([] {}));
  EXPECT_OK(executor.stop(StopMode::drain, Duration::max()));
}

TEST(Stop, a_running_executor_must_not_be_destroyed) {
  EXPECT_ABORT(
      [] {
        auto* const running = new TestExecutor;
        ASSERT_OK(running->start(kWorkers, kAnyMemory));
        delete running;
      },
      "Executor destroyed while it runs: call stop() before");
}

TEST(Stop, the_destructor_names_what_is_stuck) {
  EXPECT_ABORT(
      [] {
        static Gate gate;
        auto* const stuck = new TestExecutor;
        ASSERT_OK(stuck->add_task({.name = "endless", .period = 1ms}, [] { gate.pass(); }));
        ASSERT_OK(stuck->start(kWorkers, kAnyMemory));
        gate.wait_for_entries();
        EXPECT_EQ(stuck->stop(StopMode::cancel, 0ns).code(), StatusCode::timed_out);
        delete stuck;
      },
      "before; worker 'first' is stuck in task 'endless'");
}

/// Whose jobs an accepted post added to, and what became of them.
struct Ledger {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> ran{0};
  std::atomic<std::int64_t> alive{0};
};

/// Counts its own life and run.
class Entry {
 public:
  explicit Entry(Ledger& ledger) noexcept : ledger_(&ledger) { ++ledger.alive; }
  Entry(Entry&& other) noexcept : ledger_(other.ledger_) { ++ledger_->alive; }
  Entry(const Entry&) = delete;
  ~Entry() { --ledger_->alive; }
  void operator()() const noexcept { ++ledger_->ran; }

 private:
  Ledger* ledger_;
};

// Posters never pause while the executor stops and starts again, each time with other workers.
TEST_EACH(Stop, loses_no_job_of_a_racing_post, StopMode::drain, StopMode::cancel) {
  constexpr std::size_t kRounds = 30;
  const std::array<std::array<WorkerConfig, 2>, 3> layouts = {{
      {{{.name = "a", .lane = kFirst}, {.name = "b", .lane = kFirst}}},
      {{{.name = "c", .lane = kFirst}, {.name = "d", .lane = kSecond}}},
      {{{.name = "e", .lane = kSecond}, {.name = "f", .lane = kSecond}}},
  }};
  Ledger ledger;
  std::atomic<bool> over{false};
  const auto post = [&](LaneId lane) {
    while (!over.load()) {
      if (executor.post(Entry(ledger), {.lane = lane}).ok()) ++ledger.accepted;
    }
  };
  std::thread first(post, kFirst);
  std::thread second(post, kSecond);
  std::uint64_t cancelled = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    ASSERT_OK(executor.start(layouts[round % layouts.size()], kAnyMemory));
    const std::uint64_t seen = ledger.ran.load();
    wait_until([&] { return ledger.ran.load() > seen + 20; });
    ASSERT_OK(executor.stop(param, kPatience));
    cancelled += takt::test::jobs_cancelled(executor);
  }
  over.store(true);
  first.join();
  second.join();
  EXPECT_EQ(ledger.accepted.load(), ledger.ran.load() + cancelled);
  EXPECT_EQ(ledger.alive.load(), 0);
  if (param == StopMode::drain) EXPECT_EQ(cancelled, 0);
}

}  // namespace
