// SPDX-License-Identifier: Apache-2.0
// Waiting for several jobs, for the end of a job that is to be cancelled, and stopping from a job.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobHandle;
using takt::JobHandleBase;
using takt::JobState;
using takt::LaneId;
using takt::Result;
using takt::StatusCode;
using takt::StopMode;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::in_lane;
using takt::test::kPatience;
using takt::test::Running;

constexpr LaneId kFirst{0};
constexpr LaneId kSecond{1};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 3, .lanes = 2}> executor;

#define TAKT_RUNNING() \
  const Running running(executor, {{.name = "one"}, {.name = "two", .lane = kSecond}})

JobHandle<int> submit(int value, LaneId lane = kFirst) {
  auto job = executor.submit([value] { return value; }, in_lane(lane));
  EXPECT_OK(job);
  return std::move(*job);
}

/// A job that runs until the gate opens; it has begun on return.
JobHandle<void> submit_held(Gate& gate, LaneId lane = kFirst) {
  const std::uint32_t before = gate.entries();
  auto job = executor.submit([&gate] { gate.pass(); }, in_lane(lane));
  EXPECT_OK(job);
  gate.wait_for_entries(before + 1);
  return std::move(*job);
}

TEST(CancelAndWait, ends_a_waiting_job_at_once) {
  const auto token = std::make_shared<int>(1);
  TAKT_RUNNING();
  Gate gate;
  hold_worker(executor, gate);
  auto job = executor.submit([token] { ADD_FAILURE("it ran"); });
  ASSERT_OK(job);
  EXPECT_EQ(token.use_count(), 2);
  EXPECT_OK(job->cancel_and_wait());
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_TRUE(job->state() == JobState::cancelled);
}

TEST(CancelAndWait, waits_for_a_running_job) {
  const auto token = std::make_shared<int>(1);
  TAKT_RUNNING();
  Gate gate;
  auto job = executor.submit([&gate, token] { gate.pass(); });
  ASSERT_OK(job);
  gate.wait_for_entries();
  EXPECT_EQ(job->cancel_and_wait_for(1ms).code(), StatusCode::timed_out);
  ASSERT_OK(executor.post([&gate] { gate.open(); }, in_lane(kSecond)));
  EXPECT_OK(job->cancel_and_wait());
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_TRUE(job->state() == JobState::completed);
}

TEST(CancelAndWait, is_refused_where_it_would_wait_for_itself) {
  TAKT_RUNNING();
  static JobHandle<void> self;
  Gate started;
  std::atomic<bool> refused{false};
  auto job = executor.submit([&] {
    started.pass();
    refused.store(self.cancel_and_wait().code() == StatusCode::failed_precondition);
  });
  ASSERT_OK(job);
  started.wait_for_entries();
  self = std::move(*job);
  started.open();
  EXPECT_OK(self.wait());
  EXPECT_TRUE(refused.load());
  self.detach();
}

TEST(WaitAll, returns_when_each_job_is_over_however_it_ended) {
  TAKT_RUNNING();
  Gate gate;
  JobHandle<void> held = submit_held(gate);
  JobHandle<int> cancelled = submit(1);
  JobHandle<int> other = submit(2, kSecond);
  EXPECT_TRUE(cancelled.cancel());
  const std::array<JobHandleBase*, 3> jobs{&held, &cancelled, &other};
  EXPECT_EQ(takt::wait_all_for(jobs, 1ms).code(), StatusCode::timed_out);
  gate.open();
  EXPECT_OK(takt::wait_all(jobs));
  EXPECT_TRUE(held.state() == JobState::completed);
  EXPECT_TRUE(cancelled.state() == JobState::cancelled);
  EXPECT_EQ(*other.wait(), 2);
}

TEST(WaitAny, gives_the_first_that_is_over) {
  TAKT_RUNNING();
  Gate gate;
  JobHandle<void> held = submit_held(gate);
  JobHandle<int> behind = submit(1);
  const std::array<JobHandleBase*, 2> stuck{&held, &behind};
  EXPECT_EQ(takt::wait_any_for(stuck, 1ms).code(), StatusCode::timed_out);
  JobHandle<int> quick = submit(2, kSecond);
  const std::array<JobHandleBase*, 3> jobs{&held, &behind, &quick};
  const Result<std::size_t> which = takt::wait_any(jobs);
  ASSERT_OK(which);
  EXPECT_EQ(*which, 2);
  gate.open();
  EXPECT_OK(takt::wait_all(jobs));
  EXPECT_EQ(*takt::wait_any(jobs), 0);
}

TEST(WaitAny, may_be_called_by_a_job_of_another_lane) {
  TAKT_RUNNING();
  Gate gate;
  static JobHandle<void> held;
  held = submit_held(gate);
  auto other = executor.submit(
      [] {
        const std::array<JobHandleBase*, 1> jobs{&held};
        return takt::wait_any(jobs).ok() && takt::wait_all(jobs).ok();
      },
      in_lane(kSecond));
  ASSERT_OK(other);
  gate.open();
  EXPECT_TRUE(*other->wait());
  held.detach();
}

// What it would wait for is behind it in its own lane.
TEST(WaitAny, and_wait_all_are_refused_to_a_job_of_the_own_lane) {
  TAKT_RUNNING();
  Gate gate;
  static JobHandle<int> behind;
  static JobHandle<int> over;
  static JobHandle<void> held;
  over = submit(1);
  ASSERT_OK(takt::wait_all(std::to_array<JobHandleBase*>({&over})));
  held = submit_held(gate, kSecond);
  const auto expect_refused = [](const takt::Status& status, std::string_view text) {
    EXPECT_EQ(status.code(), StatusCode::failed_precondition);
    EXPECT_EQ(std::string_view(status.text()), text);
  };
  auto job = executor.submit([&expect_refused] {
    constexpr std::string_view kAny = "wait_any: a job's own lane would wait for it";
    constexpr std::string_view kAll = "job: its own lane would wait for itself";
    behind = submit(2);
    const auto alone = std::to_array<JobHandleBase*>({&behind});
    const auto second = std::to_array<JobHandleBase*>({&held, &behind});
    const auto done = std::to_array<JobHandleBase*>({&over, &behind});
    // First those that end in any case.
    expect_refused(takt::wait_all_for(alone, 1ms), kAll);
    expect_refused(takt::wait_all_for(done, 1ms), kAll);
    expect_refused(takt::wait_any_for(alone, 1ms).status(), kAny);
    expect_refused(takt::wait_any_for(second, 1ms).status(), kAny);
    if (takt::test::has_failed()) return;
    expect_refused(takt::wait_all(alone), kAll);
    expect_refused(takt::wait_any(alone).status(), kAny);
    expect_refused(takt::wait_any(second).status(), kAny);
    EXPECT_EQ(*takt::wait_any(done), 0);  // nobody has to wait
    EXPECT_TRUE(behind.state() == JobState::pending);
  });
  ASSERT_OK(job);
  ASSERT_OK(job->wait());
  EXPECT_EQ(*behind.wait(), 2);
  gate.open();
  ASSERT_OK(held.wait());
  for (JobHandleBase* const handle : std::to_array<JobHandleBase*>({&behind, &over, &held})) {
    handle->detach();
  }
}

// Jobs of two lanes end in any order; each is found once, none is missed.
TEST(WaitAny, collects_jobs_as_they_complete) {
  TAKT_RUNNING();
  takt::test::Random random;
  const auto rounds = static_cast<int>(2'000 / takt::test::time_scale());
  for (int round = 0; round < rounds; ++round) {
    std::array<JobHandle<int>, 6> handles;
    std::array<JobHandleBase*, 6> jobs{};
    for (std::size_t at = 0; at < 6; ++at) {
      handles.at(at) = submit(static_cast<int>(at), random.one_in(2) ? kFirst : kSecond);
      jobs.at(at) = &handles.at(at);
    }
    std::size_t left = jobs.size();
    int sum = 0;
    while (left != 0) {
      const Result<std::size_t> which = takt::wait_any(std::span(jobs.data(), left));
      ASSERT_OK(which);
      sum += *static_cast<JobHandle<int>*>(jobs.at(*which))->wait();
      jobs.at(*which) = jobs.at(--left);
    }
    EXPECT_EQ(sum, 0 + 1 + 2 + 3 + 4 + 5);
  }
}

TEST(RequestStop, lets_a_job_end_the_executor) {
  TAKT_RUNNING();
  std::atomic<std::uint32_t> ran{0};
  Gate gate;
  hold_worker(executor, gate);
  for (int i = 0; i < 5; ++i) ASSERT_OK(executor.post([&] { ran.fetch_add(1); }));
  ASSERT_OK(
      executor.submit([] { executor.request_stop(StopMode::drain); }, in_lane(kSecond))->wait());
  EXPECT_FALSE(executor.running());
  EXPECT_EQ(executor.post([] {}).code(), StatusCode::failed_precondition);
  gate.open();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(ran.load(), 5);
  executor.request_stop(StopMode::cancel);  // nothing to stop
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
}

// A job may ask before start() has returned, which still holds the lock.
TEST(RequestStop, is_not_lost_while_start_is_under_way) {
  std::atomic<std::uint32_t> asked{0};
  ASSERT_OK(executor.add_task({.name = "asks", .period = 1h}, [&] {
    executor.request_stop(StopMode::drain);
    asked.fetch_add(1);
  }));
  for (std::uint32_t round = 0; round < 200; ++round) {
    const Running running(executor, {{.name = "worker"}});
    takt::test::wait_until([&] { return asked.load() == round + 1; });
    EXPECT_FALSE(executor.running());
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  }
}

TEST(RequestStop, cancels_what_waits) {
  TAKT_RUNNING();
  Gate gate;
  hold_worker(executor, gate);
  JobHandle<int> waiting = submit(1);
  ASSERT_OK(
      executor.submit([] { executor.request_stop(StopMode::cancel); }, in_lane(kSecond))->wait());
  EXPECT_TRUE(executor.stop_requested());
  gate.open();
  EXPECT_EQ(waiting.wait().code(), StatusCode::cancelled);
}

}  // namespace
