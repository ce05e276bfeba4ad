// SPDX-License-Identifier: Apache-2.0
// A worker that a debugger has stopped: stop() returns in time and names it, the others go on, and
// once it runs again everything ends as if nothing had been.
#include <atomic>
#include <cstdint>
#include <string_view>

#include "takt/tests/executor/freezer.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::LaneId;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::WorkerPhase;
using takt::test::Freezer;
using takt::test::Gate;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .lanes = 2}> executor;
constexpr WorkerConfig kTwoLanes[] = {{.name = "first", .lane = kFirst},
                                      {.name = "second", .lane = kSecond}};
constexpr WorkerConfig kOneLane[] = {{.name = "first"}, {.name = "second"}};

pid_t thread_of(std::uint32_t worker) {
  return static_cast<pid_t>(executor.worker_stats(worker).thread_id.get());
}

/// What stop() says after a moment.
Status stop_in_vain(StopMode mode) {
  const takt::TimePoint before = takt::now();
  const Status stopped = executor.stop(mode, 5ms);
  EXPECT_GE(takt::now() - before, 5ms);
  EXPECT_EQ(stopped.code(), StatusCode::timed_out);
  return stopped;
}

TEST_EACH(FrozenWorker, stop_names_it_when_it_slept, StopMode::drain, StopMode::cancel) {
  const Freezer freezer;
  ASSERT_OK(executor.start(kTwoLanes, kAnyMemory));
  wait_until([] { return executor.worker_activity(0).phase() == WorkerPhase::idle; });
  const int refused = freezer.freeze(thread_of(0));
  if (refused == 0) {
    EXPECT_EQ(std::string_view(stop_in_vain(param).text()),
              "worker 'first' has not ended, though it runs no job");
    freezer.thaw();
  }
  EXPECT_OK(executor.stop(param, kPatience));
  if (refused != 0) SKIP("ptrace is refused here, errno %d", refused);
  ASSERT_OK(executor.start(kTwoLanes, kAnyMemory));
  EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST_EACH(FrozenWorker, stop_names_its_job, StopMode::drain, StopMode::cancel) {
  const Freezer freezer;
  ASSERT_OK(executor.start(kTwoLanes, kAnyMemory));
  Gate gate;
  std::atomic<bool> ended{false};
  ASSERT_OK(executor.post([&] {
    gate.pass();
    ended.store(true);
  }));
  gate.wait_for_entries();
  const int refused = freezer.freeze(thread_of(0));
  gate.open();  // the job could go on
  if (refused == 0) {
    EXPECT_EQ(std::string_view(stop_in_vain(param).text()),
              "worker 'first' is stuck in a posted job, slot 0 of lane 0");
    EXPECT_FALSE(ended.load());
    EXPECT_EQ(executor.post([] {}, {.lane = kSecond}).code(), StatusCode::failed_precondition);
    freezer.thaw();
  }
  EXPECT_OK(executor.stop(param, kPatience));
  EXPECT_TRUE(ended.load());
  if (refused != 0) SKIP("ptrace is refused here, errno %d", refused);
}

// It was resumed, and gets no CPU: no longer one that may rest as long as it likes.
TEST(FrozenWorker, is_ready_once_its_lane_is_resumed) {
  const Freezer freezer;
  ASSERT_OK(executor.start(kTwoLanes, kAnyMemory));
  ASSERT_OK(executor.pause(kFirst));
  wait_until([] { return executor.worker_activity(0).phase() == WorkerPhase::paused; });
  const int refused = freezer.freeze(thread_of(0));
  if (refused == 0) {
    EXPECT_TRUE(executor.worker_activity(0).phase() == WorkerPhase::paused);
    EXPECT_OK(executor.resume(kFirst));
    EXPECT_TRUE(executor.worker_activity(0).phase() == WorkerPhase::ready);
    freezer.thaw();
  } else {
    EXPECT_OK(executor.resume(kFirst));
  }
  wait_until([] { return executor.worker_activity(0).phase() == WorkerPhase::idle; });
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  if (refused != 0) SKIP("ptrace is refused here, errno %d", refused);
}

// Its lane's other worker has the jobs and the releases to itself.
TEST(FrozenWorker, the_others_go_on) {
  const Freezer freezer;
  std::atomic<int> releases{0};
  ASSERT_OK(executor.add_task({.name = "task", .period = 1ms}, [&releases] { ++releases; }));
  ASSERT_OK(executor.start(kOneLane, kAnyMemory));
  Gate gate;
  ASSERT_OK(executor.post_to(takt::WorkerId{0}, [&] { gate.pass(); }));
  gate.wait_for_entries();
  const int refused = freezer.freeze(thread_of(0));
  if (refused == 0) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(*executor.submit([i] { return i; })->wait(), i);
    const std::uint64_t jobs = executor.worker_stats(0).jobs.get();
    const int before = releases.load();
    wait_until([&] { return releases.load() >= before + 10; });
    EXPECT_EQ(executor.worker_stats(0).jobs.get(), jobs);
    freezer.thaw();
  }
  gate.open();
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  if (refused != 0) SKIP("ptrace is refused here, errno %d", refused);
}

}  // namespace
