// SPDX-License-Identifier: Apache-2.0
// submit(): the result reaches the handle, or the reason why there is none.
#include <atomic>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

#include "takt/tests/executor/running.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobContext;
using takt::JobHandle;
using takt::JobState;
using takt::LaneId;
using takt::Result;
using takt::StatusCode;
using takt::StopMode;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::Token;

constexpr std::uint32_t kSlots = 4;
constexpr LaneId kFirst{0}, kSecond{1};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .lanes = 2, .jobs_per_lane = kSlots}>
    executor;

static_assert(std::is_same_v<JobHandle<void>::WaitResult, takt::Status>);
static_assert(std::is_same_v<JobHandle<int>::WaitResult, Result<int>>);
static_assert(!std::is_copy_constructible_v<JobHandle<int>>);
static_assert(std::is_nothrow_move_constructible_v<JobHandle<int>>);

TEST(Submit, gives_the_result) {
  const Running running(executor, {{.name = "worker"}});
  auto answer = executor.submit([] { return 42; });
  ASSERT_OK(answer);
  const Result<int> value = answer->wait();
  ASSERT_OK(value);
  EXPECT_EQ(*value, 42);
  EXPECT_EQ(answer->state(), JobState::completed);
}

TEST(Submit, gives_ok_for_void) {
  const Running running(executor, {{.name = "worker"}});
  bool ran = false;
  auto job = executor.submit([&ran] { ran = true; });
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
  EXPECT_TRUE(ran);
  EXPECT_OK(job->wait());  // nothing is moved out: asking again is fine
}

TEST(Submit, gives_a_move_only_result_of_a_move_only_callable) {
  const Running running(executor, {{.name = "worker"}});
  std::atomic<int> alive{0};
  auto job = executor.submit([token = Token(alive)]() mutable { return std::move(token); });
  ASSERT_OK(job);
  const Result<Token> token = job->wait();
  ASSERT_OK(token);
  EXPECT_TRUE(token->held());
}

TEST(Submit, gives_the_result_of_a_job_that_knows_itself) {
  const Running running(executor, {{.name = "worker"}});
  auto job = executor.submit([](const JobContext& context) { return context.executor; });
  ASSERT_OK(job);
  EXPECT_EQ(*job->wait(), &executor);
}

TEST(Submit, the_result_is_taken_once) {
  const Running running(executor, {{.name = "worker"}});
  auto job = executor.submit([] { return 1; });
  ASSERT_OK(job);
  ASSERT_OK(job->wait());
  EXPECT_EQ(job->wait().code(), StatusCode::failed_precondition);
  EXPECT_EQ(job->state(), JobState::completed);
}

TEST(Submit, an_exception_ends_it_failed) {
  const Running running(executor, {{.name = "worker"}});
  std::atomic<int> alive{0};
  auto number = executor.submit([token = Token(alive)]() -> int { throw std::runtime_error("x"); });
  auto nothing = executor.submit([token = Token(alive)] { throw 1; });
  ASSERT_OK(number);
  ASSERT_OK(nothing);
  EXPECT_EQ(number->wait().code(), StatusCode::failed);
  EXPECT_EQ(nothing->wait().code(), StatusCode::failed);
  EXPECT_EQ(number->state(), JobState::failed);
  EXPECT_EQ(alive.load(), 0);
  number->detach();
  EXPECT_EQ(alive.load(), 0);
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.worker_stats(0).failed.get(), 2);
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 2);
}

TEST(Submit, shows_each_state) {
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  auto first = executor.submit([&gate] { gate.pass(); });
  auto second = executor.submit([] {});
  ASSERT_OK(first);
  ASSERT_OK(second);
  gate.wait_for_entries();
  EXPECT_EQ(first->state(), JobState::running);
  EXPECT_EQ(second->state(), JobState::pending);
  gate.open();
  EXPECT_OK(second->wait());
  EXPECT_EQ(first->state(), JobState::completed);
}

TEST(Submit, times_out_and_can_be_waited_for_again) {
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  auto job = executor.submit([&gate] {
    gate.pass();
    return 5;
  });
  ASSERT_OK(job);
  const takt::TimePoint start = takt::now();
  EXPECT_EQ(job->wait_for(2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now() - start, 2ms);
  EXPECT_EQ(job->wait_for(-1h).code(), StatusCode::timed_out);
  EXPECT_EQ(job->wait_until(takt::TimePoint::min()).code(), StatusCode::timed_out);
  EXPECT_EQ(job->wait_until(std::chrono::system_clock::now() + 1ms).code(), StatusCode::timed_out);
  gate.open();
  EXPECT_EQ(*job->wait_for(kPatience), 5);
}

TEST(Submit, a_wait_that_is_over_ignores_its_deadline) {
  const Running running(executor, {{.name = "worker"}});
  auto job = executor.submit([] { return 5; });
  ASSERT_OK(job);
  takt::test::wait_until([&] { return job->state() == JobState::completed; });
  EXPECT_EQ(*job->wait_until(takt::TimePoint::min()), 5);
}

TEST(Submit, a_job_of_the_own_lane_is_not_waited_for) {
  const Running running(executor, {{.name = "worker"}});
  std::optional<JobHandle<int>> inner;
  auto outer = executor.submit([&inner] {
    auto job = executor.submit([] { return 1; });
    EXPECT_OK(job);
    EXPECT_EQ(job->wait().code(), StatusCode::failed_precondition);
    EXPECT_EQ(job->wait_for(1h).code(), StatusCode::failed_precondition);
    inner = std::move(*job);
  });
  ASSERT_OK(outer);
  EXPECT_OK(outer->wait());
  EXPECT_EQ(*inner->wait(), 1);
}

TEST(Submit, a_finished_job_of_the_own_lane_gives_its_result) {
  const Running running(executor, {{.name = "worker"}});
  auto first = executor.submit([] { return 1; });
  ASSERT_OK(first);
  auto second = executor.submit([&first] { return *first->wait() + 1; });
  ASSERT_OK(second);
  EXPECT_EQ(*second->wait(), 2);
}

TEST(Submit, a_job_of_another_lane_is_waited_for) {
  const Running running(executor,
                        {{.name = "first", .lane = kFirst}, {.name = "second", .lane = kSecond}});
  auto outer = executor.submit(
      [] {
        auto inner = executor.submit([] { return 20; }, {.lane = kSecond});
        EXPECT_OK(inner);
        return *inner->wait() + 1;
      },
      {.lane = kFirst});
  ASSERT_OK(outer);
  EXPECT_EQ(*outer->wait(), 21);
}

TEST(Submit, cancel_before_it_begins) {
  std::atomic<int> alive{0};
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  hold_worker(executor, gate);
  auto job = executor.submit([token = Token(alive)] { ADD_FAILURE("it was cancelled"); });
  ASSERT_OK(job);
  EXPECT_EQ(alive.load(), 1);
  EXPECT_TRUE(job->cancel());
  EXPECT_EQ(alive.load(), 0);
  EXPECT_TRUE(job->cancel());
  EXPECT_EQ(job->state(), JobState::cancelled);
  EXPECT_EQ(job->wait().code(), StatusCode::cancelled);
  gate.open();
  EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_EQ(job->state(), JobState::cancelled);
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.worker_stats(0).jobs.get(), 2);
}

TEST(Submit, cancel_comes_too_late) {
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  auto job = executor.submit([&gate] {
    gate.pass();
    return 3;
  });
  ASSERT_OK(job);
  gate.wait_for_entries();
  EXPECT_FALSE(job->cancel());
  gate.open();
  EXPECT_EQ(*job->wait(), 3);
  EXPECT_FALSE(job->cancel());
}

// The callable's destructor is slow: whoever learns that the job is cancelled may free at once what
// the callable refers to.
TEST(Submit, a_cancelled_job_has_let_go_of_everything) {
  struct Slow {
    explicit Slow(std::atomic<int>& flag) noexcept : gone(&flag) {}
    Slow(Slow&& other) noexcept : gone(std::exchange(other.gone, nullptr)) {}
    ~Slow() {
      if (gone == nullptr) return;
      for (int i = 0; i < 2000; ++i) ::sched_yield();
      gone->store(1);
    }
    void operator()() const {}
    std::atomic<int>* gone;
  };
  std::atomic<int> gone{0};
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  hold_worker(executor, gate);
  auto job = executor.submit(Slow(gone));
  ASSERT_OK(job);
  EXPECT_EQ(executor.stop(StopMode::cancel, 0ns).code(), StatusCode::timed_out);
  gate.open();
  takt::test::wait_until([&] { return job->state() == JobState::cancelled; });
  EXPECT_EQ(gone.load(), 1);
  EXPECT_EQ(job->wait().code(), StatusCode::cancelled);
}

TEST(Submit, stop_cancels_what_waits_and_wakes_who_waits_for_it) {
  std::atomic<int> alive{0};
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  hold_worker(executor, gate);
  auto job = executor.submit([token = Token(alive)] { return 1; });
  ASSERT_OK(job);
  EXPECT_EQ(executor.stop(StopMode::cancel, 0ns).code(), StatusCode::timed_out);
  EXPECT_EQ(job->state(), JobState::pending);
  gate.open();
  EXPECT_EQ(job->wait().code(), StatusCode::cancelled);
  EXPECT_EQ(alive.load(), 0);
  EXPECT_TRUE(job->cancel());
  ASSERT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_EQ(executor.worker_stats(0).cancelled.get(), 1);
}

TEST(Submit, a_handle_moves) {
  const Running running(executor, {{.name = "worker"}});
  auto submitted = executor.submit([] { return 1; });
  auto other = executor.submit([] { return 2; });
  ASSERT_OK(submitted);
  ASSERT_OK(other);
  JobHandle<int> handle = std::move(*submitted);
  EXPECT_FALSE(submitted->valid());  // NOLINT(*-use-after-move)
  EXPECT_TRUE(handle.valid());
  EXPECT_EQ(*handle.wait(), 1);
  handle = std::move(*other);  // gives up the first, takes the second, whose result is untaken
  EXPECT_EQ(*handle.wait(), 2);
  JobHandle<int>& same = handle;
  handle = std::move(same);
  EXPECT_TRUE(handle.valid());
  handle.detach();
  EXPECT_FALSE(handle.valid());
  handle.detach();
  EXPECT_FALSE(JobHandle<int>().valid());
}

TEST(Submit, an_empty_handle_is_a_bug) {
  EXPECT_ABORT([] { static_cast<void>(JobHandle<int>().wait()); }, "JobHandle: refers to no job");
  EXPECT_ABORT([] { static_cast<void>(JobHandle<int>().state()); }, "JobHandle: refers to no job");
  EXPECT_ABORT([] { static_cast<void>(JobHandle<int>().cancel()); }, "JobHandle: refers to no job");
}

TEST(Submit, a_handle_outlives_a_restart) {
  std::optional<JobHandle<int>> handle;
  {
    const Running running(executor, {{.name = "worker"}});
    auto job = executor.submit([] { return 9; });
    ASSERT_OK(job);
    handle = std::move(*job);
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  }
  const Running again(executor, {{.name = "worker"}});
  EXPECT_EQ(*handle->wait(), 9);
}

TEST(Submit, a_slot_is_taken_until_job_and_handle_are_gone) {
  const Running running(executor, {{.name = "worker"}});
  JobHandle<int> handles[kSlots];
  for (JobHandle<int>& handle : handles) {
    auto job = executor.submit([] { return 1; });
    ASSERT_OK(job);
    handle = std::move(*job);
    EXPECT_OK(handle.wait());
  }
  EXPECT_EQ(executor.submit([] { return 1; }).code(), StatusCode::resource_exhausted);
  handles[2].detach();
  auto job = executor.submit([] { return 1; });
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
}

TEST(Submit, refuses_as_post_does) {
  std::atomic<int> alive{0};
  EXPECT_EQ(executor.submit([token = Token(alive)] {}).code(), StatusCode::failed_precondition);
  EXPECT_EQ(executor.submit([token = Token(alive)] {}, takt::test::in_lane(LaneId{2})).code(),
            StatusCode::invalid_argument);
  EXPECT_EQ(alive.load(), 0);
}

}  // namespace
