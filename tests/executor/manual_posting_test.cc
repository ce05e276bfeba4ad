// SPDX-License-Identifier: Apache-2.0
// The forms of posting in virtual time: a wait for room lets it pass.
#include <cstdint>
#include <string>

#include "takt/executor/manual_executor.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::LaneId;
using takt::Result;
using takt::StatusCode;
using takt::WhenFull;

constexpr LaneId kOther{1};
constexpr takt::WorkerConfig kWorkers[] = {
    {.name = "a"}, {.name = "b", .lane = kOther}, {.name = "c", .lane = kOther}};
using Manual =
    takt::ManualExecutor<takt::ExecutorLimits{.workers = 3, .lanes = 2, .jobs_per_lane = 3}>;

takt::Duration two_ms(const takt::ManualJob& /*job*/, void* /*argument*/) noexcept { return 2ms; }

TEST(ManualPosting, all_forms) {
  static Manual executor;
  executor.set_execution_model(two_ms);
  ASSERT_OK(executor.start(kWorkers));
  const takt::TimePoint begin = executor.now();
  int ran = 0;
  for (int i = 0; i < 3; ++i) ASSERT_OK(executor.post([&ran] { ++ran; }));
  ASSERT_OK(executor.post([&ran] { ++ran; }, {.when_full = WhenFull::wait}));
  EXPECT_EQ(executor.now(), begin + 2ms);
  const auto late = executor.post(
      [&ran] { ++ran; }, {.when_full = WhenFull::wait, .wait_until = executor.now() + 1ms});
  EXPECT_EQ(late.code(), StatusCode::timed_out);
  EXPECT_EQ(executor.now(), begin + 3ms);
  ASSERT_OK(executor.post([&ran] { ran += 10; }, {.when_full = WhenFull::drop_oldest}));

  int directed = 0;
  ASSERT_OK(executor.post_to(takt::WorkerId{2}, [&directed] { ++directed; }));
  const Result<std::uint32_t> given =
      executor.broadcast([&directed] { ++directed; }, {.lane = kOther});
  ASSERT_OK(given);
  EXPECT_EQ(*given, 2);
  executor.run_for(20ms);
  EXPECT_EQ(ran, 13);
  EXPECT_EQ(directed, 3);

  int got = 0;
  auto job = executor.submit([] { return 5; });
  ASSERT_OK(job);
  ASSERT_OK(job->then([&got](Result<int> result) { got = *result; }, {.lane = kOther}));
  ASSERT_OK(executor.stop(takt::StopMode::drain, 1s));
  EXPECT_EQ(got, 5);
}

TEST(ManualPosting, a_job_for_the_worker_goes_before_a_release_of_its_priority) {
  static Manual executor;
  executor.set_execution_model(two_ms);
  std::string order;
  ASSERT_OK(
      executor.add_task({.name = "task", .period = 1s, .offset = 1ms}, [&] { order += 't'; }));
  ASSERT_OK(executor.start(kWorkers));
  ASSERT_OK(executor.post([&] { order += 'p'; }));
  executor.run_for(500us);
  ASSERT_OK(executor.post_to(takt::WorkerId{0}, [&] { order += 'd'; }));
  executor.run_for(10ms);
  EXPECT_EQ(order, "pdt");
  ASSERT_OK(executor.stop(takt::StopMode::drain, 1s));
}

// A broadcast takes its slots one by one, and with drop_oldest each drops a job where there is one.
TEST(ManualPosting, a_broadcast_drops_the_oldest_for_each_worker) {
  static Manual executor;
  executor.set_execution_model(two_ms);
  ASSERT_OK(executor.start(kWorkers));
  std::string order;
  for (const char name : {'1', '2', '3'}) {
    ASSERT_OK(executor.post([&order, name] { order += name; }, {.lane = kOther}));
  }
  EXPECT_EQ(executor.broadcast([] {}, {.lane = kOther}).code(), StatusCode::resource_exhausted);
  const Result<std::uint32_t> given = executor.broadcast(
      [&order] { order += 'b'; }, {.lane = kOther, .when_full = WhenFull::drop_oldest});
  ASSERT_OK(given);
  EXPECT_EQ(*given, 2);
  EXPECT_EQ(executor.lane_stats(kOther).dropped.get(), 2);
  executor.run_for(20ms);
  EXPECT_EQ(order, "bb3");
  ASSERT_OK(executor.stop(takt::StopMode::drain, 1s));
}

// None of it runs where a slot is missing in the end; what was dropped on the way stays dropped,
// and the slots are free.
TEST(ManualPosting, a_refused_broadcast_may_have_dropped_jobs) {
  static Manual executor;
  executor.set_execution_model(two_ms);
  ASSERT_OK(executor.start(kWorkers));
  int running = 0;
  int dropped = 0;
  int copies = 0;
  for (int worker = 0; worker < 2; ++worker) {
    ASSERT_OK(executor.post([&running] { ++running; }, {.lane = kOther}));
  }
  executor.run_for(1ms);  // both workers of the lane are at it
  ASSERT_OK(executor.post([&dropped] { ++dropped; }, {.lane = kOther}));
  const auto broadcast = [&copies] {
    return executor.broadcast([&copies] { ++copies; },
                              {.lane = kOther, .when_full = WhenFull::drop_oldest});
  };
  EXPECT_EQ(broadcast().code(), StatusCode::resource_exhausted);
  EXPECT_EQ(executor.lane_stats(kOther).dropped.get(), 1);
  EXPECT_EQ(executor.lane_stats(kOther).rejected.get(), 1);
  // With nothing left to drop it changes nothing, and takes no slot.
  EXPECT_EQ(broadcast().code(), StatusCode::resource_exhausted);
  EXPECT_EQ(executor.lane_stats(kOther).dropped.get(), 1);
  ASSERT_OK(executor.post([&running] { ++running; }, {.lane = kOther}));
  EXPECT_EQ(executor.post([] {}, {.lane = kOther}).code(), StatusCode::resource_exhausted);
  executor.run_for(20ms);
  EXPECT_EQ(running, 3);
  EXPECT_EQ(dropped, 0);
  EXPECT_EQ(copies, 0);

  // Of all lanes: what the first one has dropped does not come back because another one is full.
  for (int slot = 0; slot < 3; ++slot) ASSERT_OK(executor.post([&running] { ++running; }));
  for (int worker = 0; worker < 2; ++worker) {
    ASSERT_OK(executor.post([&running] { ++running; }, {.lane = kOther}));
  }
  executor.run_for(1ms);
  ASSERT_OK(executor.post_to(takt::WorkerId{1}, [&running] { ++running; }));
  EXPECT_EQ(executor.broadcast_to_all([&copies] { ++copies; }, {.when_full = WhenFull::drop_oldest})
                .code(),
            StatusCode::resource_exhausted);
  EXPECT_EQ(executor.lane_stats(takt::LaneId{0}).dropped.get(), 1);
  executor.run_for(20ms);
  EXPECT_EQ(running, 3 + (3 - 1) + 3);
  EXPECT_EQ(copies, 0);
  ASSERT_OK(executor.stop(takt::StopMode::drain, 1s));
}

}  // namespace
