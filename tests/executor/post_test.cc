// SPDX-License-Identifier: Apache-2.0
// post(): every accepted job runs once, every refused one never, and each callable dies once.
#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "takt/tests/executor/running.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobContext;
using takt::LaneId;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::test::Gate;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::Token;
using takt::test::wait_until;

constexpr std::uint32_t kSlots = 8;
constexpr LaneId kServed{0}, kUnserved{1}, kMissing{2};
takt::StaticExecutor<takt::ExecutorLimits{.lanes = 2, .jobs_per_lane = kSlots}> executor;

TEST(Post, runs_each_job_once) {
  constexpr std::uint32_t kJobs = 50 * kSlots;  // each slot is used again and again
  std::array<std::atomic<int>, kJobs> runs{};
  const Running running(executor, {{.name = "worker"}});
  for (auto& count : runs) {
    wait_until([&] { return executor.post([&count] { ++count; }).ok(); });
  }
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), kJobs);
}

TEST(Post, tells_the_job_about_itself) {
  const Running running(executor, {{.name = "worker"}});
  const takt::TimePoint before = takt::now();
  const takt::TimePoint deadline = takt::deadline_after(1h);
  ASSERT_OK(executor.post(
      [&](const JobContext& job) {
        EXPECT_LE(before, job.release);
        EXPECT_LE(job.release, job.start);
        EXPECT_LE(job.start, job.now());
        EXPECT_EQ(job.deadline, deadline);
        EXPECT_EQ(job.index, 0);
        EXPECT_EQ(job.skipped, 0);
        EXPECT_FALSE(job.stop_requested());
        EXPECT_EQ(job.executor, &executor);
      },
      {.deadline = deadline}));
  ASSERT_OK(executor.post([](const JobContext& job) { EXPECT_EQ(job.deadline, takt::kNever); }));
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 2);
}

TEST(Post, without_time_stamps_reads_no_clock) {
  const Running running(executor, {{.name = "worker"}},
                        {.on_denied = takt::OnDenied::degrade, .time_stamps = false});
  ASSERT_OK(executor.post([](const JobContext& job) {
    EXPECT_EQ(job.release, takt::TimePoint{});
    EXPECT_EQ(job.start, takt::TimePoint{});
  }));
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 1);
  EXPECT_EQ(executor.worker_stats(0).busy_ns.get(), 0);
}

TEST(Post, counts_the_time_inside_jobs) {
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.post([](const JobContext& job) {
    while (job.now() < job.start + 1ms) {
    }
  }));
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_GE(executor.worker_stats(0).busy_ns.get(), 1'000'000);
}

TEST(Post, counts_a_late_end) {
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.post([] {}, {.deadline = takt::now() - 1ms}));
  ASSERT_OK(executor.post([] {}, {.deadline = takt::deadline_after(1h)}));
  ASSERT_OK(executor.post([] {}));
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.worker_stats(0).deadline_misses.get(), 1);
}

std::atomic<int> calls{0};
void count_call() { ++calls; }

TEST(Post, takes_every_kind_of_callable) {
  const Running running(executor, {{.name = "worker"}});
  struct Largest {
    void operator()() const { calls.fetch_add(bytes[47]); }
    char bytes[takt::kCallableBytes] = {};
  };
  static_assert(sizeof(Largest) == takt::kCallableBytes);
  const Largest constant = [] {
    Largest largest;
    largest.bytes[47] = 10;
    return largest;
  }();
  auto mutable_lambda = [count = 0]() mutable { calls += 100 * ++count; };
  ASSERT_OK(executor.post(count_call));
  ASSERT_OK(executor.post(&count_call));
  ASSERT_OK(executor.post(constant));
  ASSERT_OK(executor.post(mutable_lambda));  // copied: each starts from 0
  ASSERT_OK(executor.post(mutable_lambda));
  ASSERT_OK(executor.post([] { return "a result that nobody wants"; }));
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(calls.load(), 212);
}

TEST(Post, works_from_a_job) {
  const Running running(executor, {{.name = "worker"}});
  std::atomic<int> depth{0};
  struct Chain {
    std::atomic<int>* depth;
    void operator()(const JobContext&) const {
      if (depth->fetch_add(1) < 99) EXPECT_OK(executor.post(Chain{depth}));
    }
  };
  ASSERT_OK(executor.post(Chain{&depth}));
  wait_until([&] { return depth.load() == 100; });
}

TEST(Post, a_job_that_throws_is_counted_and_harms_nobody) {
  const Running running(executor, {{.name = "worker"}});
  std::atomic<int> alive{0};
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(executor.post([token = Token(alive)] { throw std::runtime_error("wanted"); }));
  }
  ASSERT_OK(executor.post([token = Token(alive)] {}));
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 4);
  EXPECT_EQ(executor.worker_stats(0).failed.get(), 3);
  EXPECT_EQ(alive.load(), 0);
}

TEST(Post, destroys_a_callable_that_ran_or_was_cancelled) {
  std::atomic<int> alive{0};
  std::atomic<int> ran{0};
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  ASSERT_OK(executor.post([&ran, token = Token(alive)] { ++ran; }));
  wait_until([&] { return alive.load() == 0; });
  takt::test::hold_worker(executor, gate);
  for (std::uint32_t i = 1; i < kSlots; ++i) {
    ASSERT_OK(executor.post([&ran, token = Token(alive)] { ++ran; }));
  }
  EXPECT_EQ(alive.load(), kSlots - 1);
  EXPECT_EQ(executor.stop(StopMode::cancel, 0ns).code(), StatusCode::timed_out);
  gate.open();
  ASSERT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_EQ(alive.load(), 0);
  EXPECT_EQ(ran.load(), 1);
  EXPECT_EQ(executor.worker_stats(0).cancelled.get(), kSlots - 1);
}

TEST(Post, a_full_lane_refuses_and_leaves_the_callable_alone) {
  std::atomic<int> alive{0};
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  takt::test::hold_worker(executor, gate);
  for (std::uint32_t i = 1; i < kSlots; ++i) ASSERT_OK(executor.post([] {}));
  auto job = [token = Token(alive)] {};
  const Status status = executor.post(std::move(job));  // NOLINT(*-use-after-move): not moved
  EXPECT_EQ(status.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(std::string_view(status.text()),
            "post to lane 0: all 8 job slots (jobs_per_lane) are in use");
  EXPECT_EQ(alive.load(), 1);
  gate.open();
  wait_until([&] { return executor.post([] {}).ok(); });
}

struct Refusal {
  const char* name;
  bool started;
  LaneId lane;
  StatusCode code;
  std::string_view text;
};
TEST_EACH(Post, refuses_with_a_reason,
          Refusal{"not_started", false, kServed, StatusCode::failed_precondition,
                  "post to lane 0: the executor is not started"},
          Refusal{"lane_without_worker", true, kUnserved, StatusCode::failed_precondition,
                  "post to lane 1: the lane has no worker"},
          Refusal{"no_such_lane", true, kMissing, StatusCode::invalid_argument,
                  "post to lane 2: there are 2 lanes"}) {
  std::atomic<int> alive{0};
  const takt::WorkerConfig workers[] = {{.name = "worker", .lane = kServed}};
  if (param.started) ASSERT_OK(executor.start(workers, takt::test::kAnyMemory));
  const Status status = executor.post([token = Token(alive)] { ADD_FAILURE("it was refused"); },
                                      takt::test::in_lane(param.lane));
  EXPECT_EQ(status.code(), param.code);
  EXPECT_EQ(std::string_view(status.text()), param.text);
  EXPECT_EQ(alive.load(), 0);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(Post, a_job_still_posts_while_another_executor_stops) {
  static takt::StaticExecutor<takt::ExecutorLimits{}> other;
  const Running running(executor, {{.name = "worker"}});
  {
    const Running other_running(other, {{.name = "other"}});
    std::atomic<int> ran{0};
    ASSERT_OK(other.post([&ran] { EXPECT_OK(executor.post([&ran] { ++ran; })); }));
    ASSERT_OK(other.stop(StopMode::drain, kPatience));
    wait_until([&] { return ran.load() == 1; });
  }
}

}  // namespace
