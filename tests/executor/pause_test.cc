// SPDX-License-Identifier: Apache-2.0
// Which of a lane's workers take jobs: pause(), resume(), set_active_workers() and its policy.
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <thread>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::BacklogPolicy;
using takt::JobContext;
using takt::LaneId;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerState;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1};
takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 3, .lanes = 2, .jobs_per_lane = 64, .tasks = 4, .timers = 4}>
    executor;

bool is_paused(std::uint32_t worker) {
  return executor.worker_activity(worker).state() == WorkerState::paused;
}

TEST(Pause, posts_wait_until_resume) {
  const Running running(executor, {{.name = "a"}, {.name = "b"}});
  ASSERT_OK(executor.pause(kFirst));
  ASSERT_OK(executor.wait_paused_for(kFirst, kPatience));
  EXPECT_TRUE(is_paused(0));
  EXPECT_TRUE(is_paused(1));
  EXPECT_EQ(executor.active_workers(kFirst), 0);
  static std::atomic<int> ran{0};
  for (int i = 0; i < 10; ++i) ASSERT_OK(executor.post([] { ++ran; }));
  auto job = executor.submit([] { return 7; });
  ASSERT_OK(job);
  EXPECT_EQ(job->wait_for(2ms).code(), StatusCode::timed_out);
  EXPECT_EQ(ran.load(), 0);
  ASSERT_OK(executor.resume(kFirst));
  EXPECT_EQ(executor.active_workers(kFirst), 2);
  EXPECT_EQ(*job->wait(), 7);
  wait_until([] { return ran.load() == 10; });
  wait_until([] { return !is_paused(0) && !is_paused(1); });
}

TEST(Pause, lets_running_jobs_end_and_says_when) {
  const Running running(executor, {{.name = "a"}});
  Gate gate;
  hold_worker(executor, gate);
  ASSERT_OK(executor.pause(kFirst));
  const Status early = executor.wait_paused_for(kFirst, 1ms);
  EXPECT_EQ(early.code(), StatusCode::timed_out);
  EXPECT_EQ(std::string_view(early.text()), "wait_paused: lane 0 still runs a job");
  gate.open();
  EXPECT_OK(executor.wait_paused(kFirst));
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 1);
  EXPECT_OK(executor.pause(kFirst));  // again: nothing changes
  EXPECT_OK(executor.wait_paused(kFirst));
}

TEST(Pause, concerns_its_lane_only) {
  const Running running(executor, {{.name = "a"}, {.name = "b", .lane = kSecond}});
  ASSERT_OK(executor.pause(kFirst));
  auto job = executor.submit([] {}, {.lane = kSecond});
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
  EXPECT_EQ(executor.wait_paused(kSecond).code(), StatusCode::failed_precondition);
}

TEST(Pause, ends_who_waits_for_it_at_resume_and_stop) {
  for (const bool stops : {false, true}) {
    ASSERT_OK(executor.start(std::array{takt::WorkerConfig{.name = "a"}}, kAnyMemory));
    Gate gate;
    hold_worker(executor, gate);
    ASSERT_OK(executor.pause(kFirst));
    std::thread waiting(
        [] { EXPECT_EQ(executor.wait_paused(kFirst).code(), StatusCode::failed_precondition); });
    if (stops) {
      EXPECT_EQ(executor.stop(StopMode::drain, 0ns).code(), StatusCode::timed_out);
    } else {
      EXPECT_OK(executor.resume(kFirst));
    }
    waiting.join();  // though the worker is still in its job
    gate.open();
    EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  }
}

// By the grid: nothing of what the pause covers is made up for.
TEST(Pause, skips_and_counts_the_releases_that_it_covers) {
  static std::atomic<std::uint64_t> last{0};
  static std::atomic<std::uint64_t> first_after{0};
  static std::atomic<std::uint64_t> skipped_after{0};
  static std::atomic<std::uint64_t> runs{0};
  static std::atomic<bool> was_paused{false};
  auto task = executor.add_task({.name = "task", .period = 1ms}, [](const JobContext& job) {
    EXPECT_EQ((job.release - executor.epoch()) % 1ms, 0ns);
    if (was_paused.exchange(false)) {
      skipped_after.store(job.skipped);
      first_after.store(job.index);
    } else if (first_after.load() == 0) {
      last.store(job.index);
    }
    ++runs;
  });
  ASSERT_OK(task);
  {
    const Running running(executor, {{.name = "a"}, {.name = "b"}});
    wait_until([] { return runs.load() >= 3; });
    ASSERT_OK(executor.pause(kFirst));
    ASSERT_OK(executor.wait_paused_for(kFirst, kPatience));
    const std::uint64_t before = runs.load();
    const std::uint64_t skipped = task->stats().skipped.get();
    const takt::TimePoint resumed = takt::now() + 20ms;
    takt::platform::sleep_until(resumed);
    EXPECT_EQ(runs.load(), before);
    was_paused.store(true);
    ASSERT_OK(executor.resume(kFirst));
    wait_until([] { return first_after.load() != 0; });
    // Its release lies behind the resume, so at least 19 points of the grid were skipped.
    EXPECT_GE(executor.epoch() + first_after.load() * 1ms, resumed);
    EXPECT_GE(task->stats().skipped.get(), skipped + 19);
    EXPECT_GE(skipped_after.load(), 19);
    EXPECT_LE(skipped_after.load(), first_after.load() - last.load() - 1);
  }
  EXPECT_OK(task->remove());
}

TEST(Pause, keeps_timed_posts_and_sporadic_releases) {
  static std::atomic<int> ran{0};
  auto task = executor.add_sporadic_task({.name = "task", .min_interarrival = 1us}, [] { ++ran; });
  ASSERT_OK(task);
  {
    const Running running(executor, {{.name = "a"}});
    ASSERT_OK(executor.pause(kFirst));
    ASSERT_OK(executor.wait_paused_for(kFirst, kPatience));
    ASSERT_OK(executor.post_after(1us, [] { ++ran; }));
    ASSERT_OK(task->release());
    takt::platform::sleep_until(takt::now() + 2ms);
    EXPECT_EQ(ran.load(), 0);
    ASSERT_OK(executor.resume(kFirst));
    wait_until([] { return ran.load() == 2; });
  }
  EXPECT_OK(task->remove());
}

TEST_EACH(Pause, ends_with_a_stop, StopMode::drain, StopMode::cancel) {
  ASSERT_OK(executor.start(
      std::array{takt::WorkerConfig{.name = "a"}, takt::WorkerConfig{.name = "b"}}, kAnyMemory));
  ASSERT_OK(executor.pause(kFirst));
  ASSERT_OK(executor.wait_paused_for(kFirst, kPatience));
  std::atomic<int> ran{0};
  for (int i = 0; i < 10; ++i) ASSERT_OK(executor.post([&ran] { ++ran; }));
  EXPECT_OK(executor.stop(param, kPatience));
  EXPECT_EQ(ran.load(), param == StopMode::drain ? 10 : 0);
  EXPECT_EQ(takt::test::jobs_cancelled(executor), param == StopMode::drain ? 0 : 10);
  EXPECT_EQ(executor.pause(kFirst).code(), StatusCode::failed_precondition);
  // And is forgotten by the next start.
  const Running running(executor, {{.name = "a"}});
  auto job = executor.submit([] {});
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
}

TEST(Pause, a_job_may_pause_its_own_lane_and_cannot_wait_for_it) {
  const Running running(executor, {{.name = "a"}});
  auto job = executor.submit([] {
    EXPECT_OK(executor.pause(kFirst));
    EXPECT_EQ(executor.wait_paused(kFirst).code(), StatusCode::failed_precondition);
  });
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
  EXPECT_OK(executor.wait_paused_for(kFirst, kPatience));
  EXPECT_OK(executor.resume(kFirst));
}

TEST(ActiveWorkers, refuses_what_cannot_be) {
  EXPECT_EQ(executor.set_active_workers(kFirst, 1).code(), StatusCode::failed_precondition);
  const Running running(executor, {{.name = "a"}, {.name = "b"}});
  EXPECT_EQ(executor.set_active_workers(LaneId{2}, 1).code(), StatusCode::invalid_argument);
  EXPECT_EQ(executor.pause(LaneId{2}).code(), StatusCode::invalid_argument);
  EXPECT_EQ(executor.wait_paused(LaneId{2}).code(), StatusCode::invalid_argument);
  EXPECT_EQ(executor.pause(kSecond).code(), StatusCode::failed_precondition);  // no workers
  EXPECT_EQ(executor.set_active_workers(kFirst, 3).code(), StatusCode::invalid_argument);
  const Status none = executor.set_active_workers(kFirst, 0);
  EXPECT_EQ(none.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(none.text()), "set_active_workers: 0 given, lane 0 has 1 to 2");
}

TEST(ActiveWorkers, only_the_first_ones_take_jobs) {
  const Running running(executor, {{.name = "a"}, {.name = "b"}, {.name = "c"}});
  ASSERT_OK(executor.set_active_workers(kFirst, 1));
  wait_until([] { return is_paused(1) && is_paused(2); });
  const std::uint64_t before = executor.worker_stats(0).jobs.get();
  for (int i = 0; i < 50; ++i) {
    auto job = executor.submit([] {});
    ASSERT_OK(job);
    EXPECT_OK(job->wait());
  }
  wait_until([before] { return executor.worker_stats(0).jobs.get() == before + 50; });
  EXPECT_EQ(executor.worker_stats(1).jobs.get() + executor.worker_stats(2).jobs.get(), 0);

  // Three jobs that wait for each other take all three.
  ASSERT_OK(executor.set_active_workers(kFirst, 3));
  Gate gate;
  for (int i = 0; i < 3; ++i) ASSERT_OK(executor.post([&gate] { gate.pass(); }));
  gate.wait_for_entries(3);
  gate.open();
}

TEST(ActiveWorkers, releases_go_on_with_those_that_are_left) {
  static std::atomic<int> ran{0};
  auto task = executor.add_task({.name = "task", .period = 100us}, [] { ++ran; });
  ASSERT_OK(task);
  {
    const Running running(executor, {{.name = "a"}, {.name = "b"}, {.name = "c"}});
    for (const std::uint32_t count : {1U, 3U, 2U, 1U, 2U, 3U, 1U}) {
      ASSERT_OK(executor.set_active_workers(kFirst, count));
      const int before = ran.load();
      wait_until([before] { return ran.load() >= before + 5; });
    }
  }
  EXPECT_OK(task->remove());
}

TEST(ActiveWorkers, a_pause_keeps_the_number) {
  const Running running(executor, {{.name = "a"}, {.name = "b"}});
  ASSERT_OK(executor.pause(kFirst));
  ASSERT_OK(executor.set_active_workers(kFirst, 1));
  EXPECT_EQ(executor.active_workers(kFirst), 0);
  ASSERT_OK(executor.resume(kFirst));
  EXPECT_EQ(executor.active_workers(kFirst), 1);
}

TEST(BacklogPolicy, grows_and_shrinks_after_so_many_looks) {
  BacklogPolicy policy(
      {.minimum = 1, .maximum = 3, .grow_above = 2, .grow_after = 2, .shrink_after = 3});
  EXPECT_EQ(policy.look(4, 1, 3), 1);
  EXPECT_EQ(policy.look(4, 1, 3), 2);  // twice in a row
  EXPECT_EQ(policy.look(4, 2, 5), 2);
  EXPECT_EQ(policy.look(4, 2, 4), 2);  // no more than 2 for each: the row is broken
  EXPECT_EQ(policy.look(4, 2, 5), 2);
  EXPECT_EQ(policy.look(4, 2, 5), 3);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(policy.look(4, 3, 100), 3);  // the maximum
  EXPECT_EQ(policy.look(4, 3, 0), 3);
  EXPECT_EQ(policy.look(4, 3, 0), 3);
  EXPECT_EQ(policy.look(4, 3, 1), 3);  // something waits: the row is broken
  EXPECT_EQ(policy.look(4, 3, 0), 3);
  EXPECT_EQ(policy.look(4, 3, 0), 3);
  EXPECT_EQ(policy.look(4, 3, 0), 2);
  for (int i = 0; i < 9; ++i) static_cast<void>(policy.look(4, 1, 0));
  EXPECT_EQ(policy.look(4, 1, 0), 1);  // the minimum
}

TEST(BacklogPolicy, stays_within_the_lane) {
  BacklogPolicy policy({.minimum = 5, .maximum = 9, .grow_after = 1});
  EXPECT_EQ(policy.look(2, 1, 0), 2);  // as near to the minimum as there are workers
  EXPECT_EQ(policy.look(2, 2, 100), 2);
}

TEST(BacklogPolicy, is_carried_out) {
  const Running running(executor, {{.name = "a"}, {.name = "b"}});
  BacklogPolicy policy({.grow_above = 2, .grow_after = 2, .shrink_after = 2});
  ASSERT_OK(executor.set_active_workers(kFirst, 1));
  wait_until([] { return is_paused(1); });
  Gate gate;
  hold_worker(executor, gate);
  for (int i = 0; i < 3; ++i) ASSERT_OK(executor.post([] {}));
  ASSERT_OK(executor.adjust_active_workers(kFirst, policy));
  EXPECT_EQ(executor.active_workers(kFirst), 1);
  ASSERT_OK(executor.adjust_active_workers(kFirst, policy));
  EXPECT_EQ(executor.active_workers(kFirst), 2);
  wait_until(
      [] { return executor.worker_stats(1).jobs.get() == 3; });  // beside the one that is held
  ASSERT_OK(executor.adjust_active_workers(kFirst, policy));
  ASSERT_OK(executor.adjust_active_workers(kFirst, policy));
  EXPECT_EQ(executor.active_workers(kFirst), 1);
  gate.open();
}

// Threads that post, pause, resume and change the number without a pause: nothing is lost.
TEST(Pause, loses_no_job_whoever_changes_what) {
  constexpr int kPosts = 2'000;
  std::atomic<int> ran{0};
  std::atomic<bool> over{false};
  const Running running(executor, {{.name = "a"}, {.name = "b"}, {.name = "c"}});
  std::thread poster([&] {
    for (int accepted = 0; accepted < kPosts;) {
      if (executor.post([&ran] { ++ran; }).ok()) {
        ++accepted;
      } else {
        ::sched_yield();
      }
    }
  });
  std::thread pauser([&] {
    while (!over.load()) {
      EXPECT_OK(executor.pause(kFirst));
      ::sched_yield();
      EXPECT_OK(executor.resume(kFirst));
      ::sched_yield();
    }
  });
  std::thread changer([&] {
    for (std::uint32_t count = 0; !over.load(); count = (count + 1) % 3) {
      EXPECT_OK(executor.set_active_workers(kFirst, count + 1));
      ::sched_yield();
    }
  });
  poster.join();
  wait_until([&] { return ran.load() == kPosts; });
  over.store(true);
  pauser.join();
  changer.join();
}

}  // namespace
