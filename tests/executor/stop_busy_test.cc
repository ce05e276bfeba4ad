// SPDX-License-Identifier: Apache-2.0
// stop() while jobs wait for another lane's, while they wait for room in it, while they throw.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "takt/tests/executor/running.h"
#include "takt/tests/executor/sleeping.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobHandle;
using takt::JobHandleBase;
using takt::JobState;
using takt::LaneId;
using takt::PostOptions;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WhenFull;
using takt::WorkerConfig;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::in_lane;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::sleeps;
using takt::test::Token;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .lanes = 2, .jobs_per_lane = 8, .tasks = 1}>
    executor;
constexpr WorkerConfig kWorkers[] = {{.name = "first", .lane = kFirst},
                                     {.name = "second", .lane = kSecond}};

/// Where a job sleeps.
class Sleeper {
 public:
  void enter() { thread_.store(::gettid()); }
  void wait_until_it_sleeps() const {
    wait_until([this] { return thread_.load() != 0 && sleeps(thread_.load()); });
  }

 private:
  std::atomic<pid_t> thread_{0};
};

using Wait = Status (*)(JobHandle<int>& job);

Status wait(JobHandle<int>& job) { return job.wait().status(); }
Status wait_any(JobHandle<int>& job) {
  JobHandleBase* const jobs[] = {&job};
  const Status status = takt::wait_any(jobs).status();
  return status.ok() ? wait(job) : status;
}
Status wait_all(JobHandle<int>& job) {
  JobHandleBase* const jobs[] = {&job};
  const Status status = takt::wait_all(jobs);
  return status.ok() ? wait(job) : status;
}

struct Waiting {
  const char* name;
  StopMode mode;
  Wait wait;
};

// A job of the first lane waits for one of the second, which waits behind one that runs.
TEST_EACH(StopBusy, a_job_waits_for_another_lanes, Waiting{"wait_drain", StopMode::drain, wait},
          Waiting{"wait_cancel", StopMode::cancel, wait},
          Waiting{"wait_any_drain", StopMode::drain, wait_any},
          Waiting{"wait_any_cancel", StopMode::cancel, wait_any},
          Waiting{"wait_all_drain", StopMode::drain, wait_all},
          Waiting{"wait_all_cancel", StopMode::cancel, wait_all}) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  Gate gate;
  hold_worker(executor, gate, kSecond);
  auto behind = executor.submit([] { return 1; }, in_lane(kSecond));
  ASSERT_OK(behind);
  Sleeper sleeper;
  Status seen;
  auto job = executor.submit([&] {
    sleeper.enter();
    seen = param.wait(*behind);
  });
  ASSERT_OK(job);
  sleeper.wait_until_it_sleeps();
  const Status stopped = executor.stop(param.mode, 1ms);
  EXPECT_EQ(stopped.code(), StatusCode::timed_out);
  EXPECT_EQ(std::string_view(stopped.text()),
            "worker 'first' is stuck in a posted job, slot 0 of lane 0");
  gate.open();
  EXPECT_OK(executor.stop(param.mode, kPatience));
  const bool drained = param.mode == StopMode::drain;
  EXPECT_EQ(seen.code(), drained ? StatusCode::ok : StatusCode::cancelled);
  EXPECT_TRUE(behind->state() == (drained ? JobState::completed : JobState::cancelled));
  EXPECT_TRUE(job->state() == JobState::completed);
}

TEST_EACH(StopBusy, a_job_waits_for_the_end_of_one_that_it_cancels, StopMode::drain,
          StopMode::cancel) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  Gate gate;
  auto held = executor.submit([&gate] { gate.pass(); }, in_lane(kSecond));
  ASSERT_OK(held);
  gate.wait_for_entries();
  Sleeper sleeper;
  auto job = executor.submit([&] {
    sleeper.enter();
    EXPECT_OK(held->cancel_and_wait());
  });
  ASSERT_OK(job);
  sleeper.wait_until_it_sleeps();
  EXPECT_EQ(executor.stop(param, 1ms).code(), StatusCode::timed_out);
  gate.open();
  EXPECT_OK(executor.stop(param, kPatience));
  EXPECT_TRUE(held->state() == JobState::completed);
  EXPECT_TRUE(job->state() == JobState::completed);
}

constexpr PostOptions when_there_is_room(LaneId lane) {
  return {.lane = lane, .when_full = WhenFull::wait};
}

// The stop itself ends its wait: the other lane stays full, its worker in its job.
TEST_EACH(StopBusy, a_job_waits_for_room_in_another_lane, StopMode::drain, StopMode::cancel) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  Gate gate;
  hold_worker(executor, gate, kSecond);
  std::atomic<int> ran{0};
  int accepted = 0;
  while (executor.post([&ran] { ++ran; }, in_lane(kSecond)).ok()) ++accepted;
  Sleeper sleeper;
  Status seen;
  auto job = executor.submit([&] {
    sleeper.enter();
    seen = executor.post([] { ADD_FAILURE("it was refused"); }, when_there_is_room(kSecond));
  });
  ASSERT_OK(job);
  sleeper.wait_until_it_sleeps();
  EXPECT_EQ(executor.stop(param, 0ns).code(), StatusCode::timed_out);
  ASSERT_OK(job->wait_for(kPatience));
  EXPECT_EQ(seen.code(), StatusCode::failed_precondition);
  EXPECT_EQ(std::string_view(seen.text()), "post to lane 1: the executor is stopping");
  gate.open();
  EXPECT_OK(executor.stop(param, kPatience));
  EXPECT_EQ(ran.load(), param == StopMode::drain ? accepted : 0);
}

// Nothing but a stop can end these waits.
TEST_EACH(StopBusy, two_jobs_wait_for_room_in_the_others_lane, StopMode::drain, StopMode::cancel) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  Gate gate;
  Sleeper sleepers[2];
  Status seen[2];
  std::atomic<int> ran{0};
  for (const LaneId lane : {kFirst, kSecond}) {
    const auto own = static_cast<std::uint32_t>(lane);
    const LaneId other{1 - own};
    ASSERT_OK(executor.post(
        [&gate, &ran, &sleeper = sleepers[own], &status = seen[own], other] {
          gate.pass();
          sleeper.enter();
          status = executor.post([&ran] { ++ran; }, when_there_is_room(other));
        },
        in_lane(lane)));
  }
  gate.wait_for_entries(2);
  int accepted = 0;
  for (const LaneId lane : {kFirst, kSecond}) {
    while (executor.post([&ran] { ++ran; }, in_lane(lane)).ok()) ++accepted;
  }
  gate.open();
  for (const Sleeper& sleeper : sleepers) sleeper.wait_until_it_sleeps();
  EXPECT_OK(executor.stop(param, kPatience));
  // Lanes close one after the other: the first one's poster ends, and may so make room for the
  // second.
  int refused = 0;
  for (const Status& status : seen) {
    if (status.ok()) {
      ++accepted;
    } else {
      EXPECT_EQ(status.code(), StatusCode::failed_precondition);
      ++refused;
    }
  }
  EXPECT_GE(refused, 1);
  EXPECT_EQ(ran.load(), param == StopMode::drain ? accepted : 0);
}

// Each job throws: the one that runs while the executor stops, and those that wait.
TEST_EACH(StopBusy, jobs_throw, StopMode::drain, StopMode::cancel) {
  constexpr std::uint64_t kPosted = 5;
  std::atomic<int> alive{0};
  auto task = executor.add_sporadic_task({.name = "task", .lane = kSecond, .min_interarrival = 1us},
                                         [token = Token(alive)] { throw 1; });
  ASSERT_OK(task);
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  Gate gate;
  for (const LaneId lane : {kFirst, kSecond}) {
    ASSERT_OK(executor.post(
        [&gate, token = Token(alive)] {
          gate.pass();
          throw 2;
        },
        in_lane(lane)));
  }
  gate.wait_for_entries(2);
  for (const LaneId lane : {kFirst, kSecond}) {
    for (std::uint64_t i = 0; i < kPosted; ++i) {
      ASSERT_OK(executor.post([token = Token(alive)] { throw 3; }, in_lane(lane)));
    }
  }
  auto handle = executor.submit([token = Token(alive)]() -> int { throw 4; }, in_lane(kFirst));
  ASSERT_OK(handle);
  ASSERT_OK(task->release());
  EXPECT_EQ(executor.stop(param, 0ns).code(), StatusCode::timed_out);
  gate.open();
  EXPECT_OK(executor.stop(param, kPatience));
  const bool drained = param == StopMode::drain;
  for (const std::uint32_t worker : {0U, 1U}) {  // each had one job of another kind
    const takt::WorkerStats& stats = executor.worker_stats(worker);
    EXPECT_EQ(stats.failed.get(), drained ? 1 + kPosted + 1 : 1);
    EXPECT_EQ(stats.cancelled.get(), drained ? 0 : kPosted + 1);
    EXPECT_EQ(stats.jobs.get(), stats.failed.get());
  }
  EXPECT_EQ(handle->wait().code(), drained ? StatusCode::failed : StatusCode::cancelled);
  EXPECT_EQ(task->stats().failed.get(), drained ? 1 : 0);
  EXPECT_EQ(task->stats().cancelled.get(), drained ? 0 : 1);
  EXPECT_OK(task->remove());
  EXPECT_EQ(alive.load(), 0);
  // And it starts anew.
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  EXPECT_EQ(*executor.submit([] { return 7; }, in_lane(kSecond))->wait(), 7);
  EXPECT_OK(executor.stop(param, kPatience));
}

}  // namespace
