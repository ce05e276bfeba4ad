// SPDX-License-Identifier: Apache-2.0
// Between start() and stop() nothing of the executor allocates, error paths included.
#include <atomic>
#include <cstdint>
#include <utility>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobContext;
using takt::JobHandle;
using takt::LaneId;
using takt::StatusCode;
using takt::StopMode;
using takt::TaskHandle;
using takt::WorkerConfig;
using takt::test::AllocationGuard;
using takt::test::Gate;
using takt::test::kPatience;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1}, kUnserved{2};
constexpr std::uint32_t kSlots = 16;
takt::StaticExecutor<takt::ExecutorLimits{.workers = 3,
                                          .lanes = 3,
                                          .jobs_per_lane = kSlots,
                                          .tasks = 4,
                                          .descriptors = 2,
                                          .histograms = 1}>
    executor;
constexpr WorkerConfig kWorkers[] = {{.name = "one", .lane = kFirst},
                                     {.name = "two", .lane = kSecond},
                                     {.name = "three", .lane = kSecond}};

void post_and_submit() {
  std::atomic<int> ran{0};
  int posted = 0;
  for (int i = 0; i < 100; ++i) {
    posted += executor.post([&ran] { ++ran; }, {.lane = kFirst}).ok() ? 1 : 0;
    posted += executor.post([&ran] { ++ran; }, {.lane = kSecond}).ok() ? 1 : 0;
  }
  wait_until([&] { return ran.load() == posted; });
  for (int i = 0; i < 100; ++i) {
    auto job = executor.submit([i](const JobContext&) { return i; }, {.lane = kSecond});
    ASSERT_OK(job);
    EXPECT_EQ(*job->wait_for(kPatience), i);
  }
}

void refuse() {
  EXPECT_EQ(executor.post([] {}, {.lane = kUnserved}).code(), StatusCode::failed_precondition);
  EXPECT_EQ(executor.submit([] {}, takt::test::in_lane(LaneId{7})).code(),
            StatusCode::invalid_argument);
  Gate gate;
  takt::test::hold_worker(executor, gate, kFirst);
  while (executor.post([] {}, {.lane = kFirst}).ok()) {
  }
  EXPECT_EQ(executor.submit([] { return 1; }, {.lane = kFirst}).code(),
            StatusCode::resource_exhausted);
  gate.open();
  // The last one in the lane: what follows finds it empty.
  std::atomic<bool> last{false};
  wait_until([&last] { return executor.post([&last] { last = true; }, {.lane = kFirst}).ok(); });
  wait_until([&last] { return last.load(); });
  EXPECT_EQ(executor.start(kWorkers).code(), StatusCode::failed_precondition);
  EXPECT_FALSE(executor.add_task({.name = "bad"}, [] {}).ok());
}

void cancel_and_time_out() {
  Gate gate;
  takt::test::hold_worker(executor, gate, kFirst);
  auto waiting = executor.submit([] { return 1; }, {.lane = kFirst});
  auto cancelled = executor.submit([] { return 2; }, {.lane = kFirst});
  ASSERT_OK(waiting);
  ASSERT_OK(cancelled);
  EXPECT_EQ(waiting->wait_for(1ms).code(), StatusCode::timed_out);
  EXPECT_TRUE(cancelled->cancel());
  EXPECT_EQ(cancelled->wait().code(), StatusCode::cancelled);
  JobHandle<int> moved = std::move(*waiting);
  gate.open();
  EXPECT_EQ(*moved.wait(), 1);
}

void run_tasks(const TaskHandle& task) {
  const std::uint64_t before = task.stats().completed.get();
  wait_until([&] { return task.stats().completed.get() >= before + 20; });
}

void stay_alive_while_held() {
  Gate gate;
  takt::test::hold_worker(executor, gate, kSecond);
  run_tasks(executor.task(0));
  gate.open();
}

TEST(Allocation, none_between_start_and_stop) {
  const auto task = executor.add_task(
      {.name = "task", .lane = kSecond, .period = 1ms, .histograms = true}, [] {});
  ASSERT_OK(task);
  AllocationGuard::prepare();
  ASSERT_OK(executor.start(kWorkers, takt::test::kAnyMemory));
  {
    const AllocationGuard guard;
    post_and_submit();
    refuse();
    cancel_and_time_out();
    run_tasks(*task);
    stay_alive_while_held();
    const auto late = executor.add_task({.name = "late", .lane = kFirst, .period = 1ms}, [] {});
    EXPECT_OK(late);
    if (late.ok()) run_tasks(*late);
  }
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(Allocation, none_of_watched_descriptors) {
  const takt::test::Pipe pipe;
  const takt::test::Pipe late;
  std::atomic<int> bytes{0};
  const auto watch = [&bytes](int descriptor) {
    return executor.watch(kFirst, descriptor, takt::Readiness::readable, [descriptor, &bytes] {
      if (takt::test::take_byte(descriptor)) ++bytes;
    });
  };
  ASSERT_OK(watch(pipe.here));
  AllocationGuard::prepare();
  ASSERT_OK(executor.start(kWorkers, takt::test::kAnyMemory));
  {
    const AllocationGuard guard;
    auto handle = watch(late.here);
    EXPECT_OK(handle);
    for (int i = 0; i < 50; ++i) {
      pipe.put();
      late.put();
      wait_until([&] { return bytes.load() == 2 * (i + 1); });
    }
    EXPECT_EQ(watch(late.here).code(), StatusCode::resource_exhausted);
    EXPECT_OK(handle->suspend());
    EXPECT_OK(handle->resume());
    EXPECT_OK(handle->remove());
    EXPECT_EQ(watch(-1).code(), StatusCode::invalid_argument);
  }
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(Allocation, none_in_a_stop_that_times_out) {
  ASSERT_OK(executor.start(kWorkers, takt::test::kAnyMemory));
  Gate gate;
  takt::test::hold_worker(executor, gate, kFirst);
  {
    const AllocationGuard guard;
    EXPECT_EQ(executor.stop(StopMode::cancel, 1ms).code(), StatusCode::timed_out);
    EXPECT_EQ(executor.post([] {}).code(), StatusCode::failed_precondition);
  }
  gate.open();
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

}  // namespace
