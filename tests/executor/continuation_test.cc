// SPDX-License-Identifier: Apache-2.0
// JobHandle::then(): what becomes of a job is told on a lane, whatever becomes of it.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "takt/tests/executor/running.h"
#include "takt/tests/executor/sleeping.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobHandle;
using takt::LaneId;
using takt::Priority;
using takt::Result;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WhenFull;
using takt::WorkerConfig;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::in_lane;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::sleeps;
using takt::test::Token;
using takt::test::wait_until;

constexpr std::uint32_t kSlots = 4;
constexpr LaneId kWork{0}, kReport{1}, kUnserved{2};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 3, .lanes = 3, .jobs_per_lane = kSlots}>
    executor;
constexpr std::initializer_list<WorkerConfig> kConfigs = {{.name = "work", .lane = kWork},
                                                          {.name = "report", .lane = kReport}};

/// What a continuation was told.
struct Outcome {
  std::atomic<int> calls{0};
  std::atomic<int> value{0};
  std::atomic<StatusCode> code{StatusCode::ok};

  auto note() {
    return [this](Result<int> result) {
      code.store(result.code());
      if (result.ok()) value.store(*result);
      ++calls;
    };
  }
};

/// That all slots of the lane are free, once what waits has run: this goes behind it.
void expect_free(LaneId lane) {
  Gate gate;
  wait_until([&] {
    return executor.post([&gate] { gate.pass(); }, {.lane = lane, .priority = Priority::low}).ok();
  });
  gate.wait_for_entries();
  for (std::uint32_t slot = 1; slot < kSlots; ++slot) {
    wait_until([&] { return executor.post([] {}, {.lane = lane}).ok(); });
  }
}

TEST(Continuation, gets_the_result_on_its_lane) {
  Outcome outcome;
  const Running running(executor, kConfigs);
  auto job = executor.submit([] { return 42; });
  ASSERT_OK(job);
  ASSERT_OK(job->then(outcome.note(), in_lane(kReport)));
  EXPECT_FALSE(job->valid());
  wait_until([&] { return outcome.calls.load() == 1; });
  EXPECT_EQ(outcome.value.load(), 42);
  wait_until([&] { return executor.worker_stats(1).jobs.get() == 1; });
  expect_free(kWork);
  expect_free(kReport);
}

TEST(Continuation, of_a_job_that_is_over_runs_at_once) {
  Outcome outcome;
  const Running running(executor, kConfigs);
  auto job = executor.submit([] { return 7; });
  ASSERT_OK(job);
  wait_until([&] { return job->state() == takt::JobState::completed; });
  ASSERT_OK(job->then(outcome.note(), in_lane(kReport)));
  wait_until([&] { return outcome.calls.load() == 1; });
  EXPECT_EQ(outcome.value.load(), 7);
}

TEST(Continuation, does_not_begin_before_the_job_ended) {
  Outcome outcome;
  std::atomic<int> alive{0};
  const Running running(executor, kConfigs);
  Gate gate;
  auto job = executor.submit([&gate, token = Token(alive)] {
    gate.pass();
    return 1;
  });
  ASSERT_OK(job);
  gate.wait_for_entries();
  ASSERT_OK(job->then(
      [&](Result<int> result) {
        EXPECT_EQ(alive.load(), 0);  // the callable is destroyed
        outcome.note()(std::move(result));
      },
      in_lane(kReport)));
  EXPECT_OK(executor.submit([] {}, in_lane(kReport))->wait());
  EXPECT_EQ(outcome.calls.load(), 0);
  gate.open();
  wait_until([&] { return outcome.calls.load() == 1; });
}

TEST(Continuation, is_not_lost_when_the_lane_is_full) {
  Outcome outcome;
  const Running running(executor, kConfigs);
  Gate gate;
  Gate work;
  hold_worker(executor, gate, kReport);
  auto job = executor.submit([&work] {
    work.pass();
    return 3;
  });
  ASSERT_OK(job);
  ASSERT_OK(job->then(outcome.note(), in_lane(kReport)));
  while (executor.post([] {}, in_lane(kReport)).ok()) {
  }
  work.open();
  wait_until([] { return executor.worker_stats(0).jobs.get() == 1; });
  EXPECT_EQ(executor.post([] {}, in_lane(kReport)).code(), StatusCode::resource_exhausted);
  gate.open();
  wait_until([&] { return outcome.calls.load() == 1; });
  EXPECT_EQ(outcome.value.load(), 3);
}

TEST(Continuation, learns_that_the_job_threw) {
  Outcome outcome;
  const Running running(executor, kConfigs);
  auto job = executor.submit([]() -> int { throw std::runtime_error("wanted"); });
  ASSERT_OK(job);
  ASSERT_OK(job->then(outcome.note(), in_lane(kReport)));
  wait_until([&] { return outcome.calls.load() == 1; });
  EXPECT_TRUE(outcome.code.load() == StatusCode::failed);
}

TEST(Continuation, learns_that_the_job_was_dropped) {
  Outcome outcome;
  const Running running(executor, kConfigs);
  Gate gate;
  hold_worker(executor, gate, kWork);
  auto job = executor.submit([] { return 1; });
  ASSERT_OK(job);
  ASSERT_OK(job->then(outcome.note(), in_lane(kReport)));
  while (executor.post([] {}).ok()) {
  }
  ASSERT_OK(executor.post([] {}, {.when_full = WhenFull::drop_oldest}));
  wait_until([&] { return outcome.calls.load() == 1; });
  EXPECT_TRUE(outcome.code.load() == StatusCode::dropped);
  gate.open();
  expect_free(kWork);
  expect_free(kReport);
}

TEST(Continuation, learns_that_the_job_was_cancelled) {
  Outcome outcome;
  const Running running(executor, kConfigs);
  Gate gate;
  hold_worker(executor, gate, kWork);
  auto job = executor.submit([] { return 1; });
  ASSERT_OK(job);
  EXPECT_TRUE(job->cancel());
  ASSERT_OK(job->then(outcome.note(), in_lane(kReport)));
  wait_until([&] { return outcome.calls.load() == 1; });
  EXPECT_TRUE(outcome.code.load() == StatusCode::cancelled);
}

TEST(Continuation, takes_a_status_of_a_job_without_result) {
  std::atomic<int> calls{0};
  const Running running(executor, kConfigs);
  auto job = executor.submit([] {});
  ASSERT_OK(job);
  ASSERT_OK(job->then(
      [&calls](const Status& status) {
        EXPECT_OK(status);
        ++calls;
      },
      in_lane(kWork)));  // its own lane will do
  wait_until([&] { return calls.load() == 1; });
}

TEST(Continuation, moves_a_result_that_cannot_be_copied) {
  std::atomic<int> alive{0};
  std::atomic<int> calls{0};
  const Running running(executor, kConfigs);
  auto job = executor.submit([token = std::make_shared<Token>(alive)] {
    return std::make_unique<std::shared_ptr<Token>>(token);
  });
  ASSERT_OK(job);
  ASSERT_OK(job->then(
      [&](Result<std::unique_ptr<std::shared_ptr<Token>>> result) {
        EXPECT_TRUE((**result)->held());
        ++calls;
      },
      in_lane(kReport)));
  wait_until([&] { return calls.load() == 1 && alive.load() == 0; });
}

TEST(Continuation, chains_through_a_pipeline_of_lanes) {
  std::atomic<int> sum{0};
  const Running running(executor, kConfigs);
  for (int i = 0; i < 200; ++i) {
    wait_until([&] {
      auto job = executor.submit([i] { return i; });
      if (!job.ok()) return false;
      const auto add = [&sum](Result<int> result) { sum += *result; };
      while (!job->then(add, in_lane(kReport)).ok()) {
        EXPECT_TRUE(job->valid());  // refused, the handle stays
      }
      return true;
    });
  }
  wait_until([&] { return sum.load() == 199 * 100; });
}

TEST(Continuation, a_refusal_leaves_the_handle) {
  std::atomic<int> alive{0};
  const Running running(executor, kConfigs);
  Gate gate;
  hold_worker(executor, gate, kReport);
  while (executor.post([] {}, in_lane(kReport)).ok()) {
  }
  auto job = executor.submit([] { return 5; });
  ASSERT_OK(job);
  const auto code = [&](LaneId lane) {
    return job
        ->then([token = Token(alive)](Result<int>) { ADD_FAILURE("it was refused"); },
               in_lane(lane))
        .code();
  };
  EXPECT_EQ(code(kReport), StatusCode::resource_exhausted);
  EXPECT_EQ(code(kUnserved), StatusCode::failed_precondition);
  EXPECT_EQ(code(LaneId{3}), StatusCode::invalid_argument);
  EXPECT_EQ(alive.load(), 0);
  EXPECT_EQ(*job->wait(), 5);
}

// The lane of the continuation has nothing to do when the stop begins, and the job is held up.
TEST(Continuation, a_drain_runs_it) {
  Outcome outcome;
  const Running running(executor, {{.name = "report", .lane = kReport},
                                   {.name = "report2", .lane = kReport},
                                   {.name = "work", .lane = kWork}});
  Gate gate;
  auto job = executor.submit([&gate] {
    gate.pass();
    return 9;
  });
  ASSERT_OK(job);
  gate.wait_for_entries();
  ASSERT_OK(job->then(outcome.note(), in_lane(kReport)));
  const Status stuck = executor.stop(StopMode::drain, 1ms);
  EXPECT_EQ(stuck.code(), StatusCode::timed_out);
  // Not the worker that waits for the continuation: the one that is in its way.
  EXPECT_EQ(std::string_view(stuck.text()).substr(0, 13), "worker 'work'");
  auto late = executor.submit([] { return 1; });
  EXPECT_EQ(late.code(), StatusCode::failed_precondition);
  gate.open();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(outcome.calls.load(), 1);
  EXPECT_EQ(outcome.value.load(), 9);
}

// A post for one worker that began before the stop, and is accepted while that worker waits for
// the continuation of a job that may need the posted one.
TEST(Continuation, a_worker_that_waits_for_it_runs_what_was_posted_to_it) {
  struct Held {
    Held(Gate& at_move, Gate& in_job) noexcept : move(&at_move), job(&in_job) {}
    Held(Held&& other) noexcept : move(other.move), job(other.job) { move->pass(); }
    Held& operator=(Held&&) = delete;
    ~Held() = default;
    void operator()() const { job->enter(); }
    Gate* move;
    Gate* job;
  };
  Outcome outcome;
  const Running running(executor, kConfigs);
  Gate busy, posting, posted, work;
  auto job = executor.submit([&] {
    work.enter();
    posted.wait_for_entries();
    return 9;
  });
  ASSERT_OK(job);
  work.wait_for_entries();
  ASSERT_OK(job->then(outcome.note(), in_lane(kReport)));
  hold_worker(executor, busy, kReport);
  std::thread poster([&] {  // its slot is claimed when the callable moves
    EXPECT_OK(executor.post_to(takt::WorkerId{1}, Held(posting, posted)));
  });
  posting.wait_for_entries();
  const auto reporter = static_cast<pid_t>(executor.worker_stats(1).thread_id.get());
  std::thread stopper([] { EXPECT_OK(executor.stop(StopMode::drain, kPatience)); });
  wait_until([] {
    return executor.post([] {}, in_lane(kReport)).code() == StatusCode::failed_precondition;
  });
  busy.open();
  wait_until([&] { return executor.worker_stats(1).jobs.get() != 0 && sleeps(reporter); });
  posting.open();
  poster.join();
  stopper.join();
  EXPECT_EQ(posted.entries(), 1);
  EXPECT_EQ(outcome.value.load(), 9);
}

TEST(Continuation, stop_cancel_destroys_it) {
  std::atomic<int> alive{0};
  const Running running(executor, kConfigs);
  Gate gate;
  auto job = executor.submit([&gate] {
    gate.pass();
    return 9;
  });
  ASSERT_OK(job);
  gate.wait_for_entries();
  ASSERT_OK(job->then([token = Token(alive)](Result<int>) { ADD_FAILURE("it was cancelled"); },
                      in_lane(kReport)));
  EXPECT_EQ(alive.load(), 1);
  EXPECT_EQ(executor.stop(StopMode::cancel, 0ns).code(), StatusCode::timed_out);
  gate.open();
  ASSERT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_EQ(alive.load(), 0);
  EXPECT_EQ(takt::test::jobs_cancelled(executor), 1);
  // Whatever happened, the slots are back.
  const Running again(executor, kConfigs);
  expect_free(kWork);
  expect_free(kReport);
}

TEST(Continuation, after_the_stop_it_is_refused) {
  const Running running(executor, kConfigs);
  auto job = executor.submit([] { return 5; });
  ASSERT_OK(job);
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(job->then([](Result<int>) {}, in_lane(kReport)).code(),
            StatusCode::failed_precondition);
  EXPECT_EQ(*job->wait(), 5);
}

}  // namespace
