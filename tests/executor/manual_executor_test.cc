// SPDX-License-Identifier: Apache-2.0
// Virtual time itself: clock, CPUs, execution times, waits, stops, the log.
#include "takt/executor/manual_executor.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "takt/executor/parallel.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::Duration;
using takt::Fifo;
using takt::JobContext;
using takt::JobHandleBase;
using takt::JobState;
using takt::kNever;
using takt::LaneId;
using takt::ManualEvent;
using takt::ManualEventKind;
using takt::ManualExecutor;
using takt::ManualExecutorBase;
using takt::ManualJob;
using takt::Priority;
using takt::StatusCode;
using takt::StopMode;
using takt::Text;
using takt::TimePoint;
using takt::test::Running;

constexpr takt::ExecutorLimits kLimits{
    .workers = 4, .lanes = 3, .jobs_per_lane = 8, .tasks = 4, .timers = 4};
constexpr LaneId kFirst{0}, kSecond{1}, kThird{2};

/// Two workers on one CPU, the first preempts the second.
#define TAKT_RUNNING_TWO(executor)                                                                 \
  const Running running(                                                                           \
      executor,                                                                                    \
      {{.name = "high", .lane = kFirst, .cpus = CpuSet::of(9), .scheduling = Fifo{.priority = 2}}, \
       {.name = "low",                                                                             \
        .lane = kSecond,                                                                           \
        .cpus = CpuSet::of(9),                                                                     \
        .scheduling = Fifo{.priority = 1}}})

/// The log as it should be; the first difference is shown.
void expect_log(const ManualExecutorBase& executor, std::string_view expected) {
  Text<8192> text;
  executor.write_events(text);
  EXPECT_EQ(text.view(), expected);
}

TEST(ManualExecutor, preemption_moves_time_only) {
  ManualExecutor<kLimits> executor;
  const auto servo = executor.add_task({.name = "servo", .lane = kFirst, .period = 10ms}, [] {});
  const auto log = executor.add_task({.name = "log", .lane = kSecond, .period = 50ms}, [] {});
  ASSERT_OK(servo);
  ASSERT_OK(log);
  executor.set_execution_time(1ms);
  executor.set_execution_time(*log, 12ms);
  TAKT_RUNNING_TWO(executor);
  executor.run_for(20ms - 1ns);
  expect_log(executor,
             "0ns: servo #0 is released\n"
             "0ns: servo #0 begins on high\n"
             "1ms: servo #0 ends on high, 1ms after its release\n"
             "1ms: log #0 is released, 1ms after its release\n"
             "1ms: log #0 begins on low, 1ms after its release\n"
             "10ms: servo #1 is released\n"
             "10ms: log #0 is preempted on low, 10ms after its release\n"
             "10ms: servo #1 begins on high\n"
             "11ms: servo #1 ends on high, 1ms after its release\n"
             "11ms: log #0 resumes on low, 11ms after its release\n"
             "14ms: log #0 ends on low, 14ms after its release\n");
  EXPECT_EQ(executor.now(), executor.epoch() + 20ms - 1ns);
  EXPECT_EQ(log->stats().max_response_ns.get(), 14'000'000U);
  EXPECT_EQ(log->stats().max_release_jitter_ns.get(), 1'000'000U);
}

TEST(ManualExecutor, each_cpu_works_for_itself) {
  ManualExecutor<kLimits> executor;
  executor.set_execution_time(5ms);
  // The first two share CPU 1; the third may run on 1 and 2; the last has one to itself.
  const Running running(
      executor,
      {{.name = "a", .lane = kFirst, .cpus = CpuSet::of(1), .scheduling = Fifo{.priority = 3}},
       {.name = "b", .lane = kSecond, .cpus = CpuSet::of(1), .scheduling = Fifo{.priority = 1}},
       {.name = "c", .lane = kThird, .cpus = CpuSet::of(1, 2), .scheduling = Fifo{.priority = 2}},
       {.name = "d", .lane = kThird}});
  std::array<TimePoint, 4> ended;
  const auto post = [&](LaneId lane, std::size_t number) {
    ASSERT_OK(executor.post([&, number](const JobContext& job) { ended[number] = job.now(); },
                            {.lane = lane}));
  };
  post(kFirst, 0);
  post(kSecond, 1);
  post(kThird, 2);
  post(kThird, 3);
  executor.run_for(20ms);
  EXPECT_EQ(ended[0] - executor.epoch(), Duration(5ms));
  EXPECT_EQ(ended[1] - executor.epoch(), Duration(10ms));
  EXPECT_EQ(ended[2] - executor.epoch(), Duration(5ms));
  EXPECT_EQ(ended[3] - executor.epoch(), Duration(5ms));
}

TEST(ManualExecutor, equal_priorities_go_in_the_order_of_waking) {
  ManualExecutor<kLimits> executor;
  executor.set_execution_time(10ms);
  const auto on = [](const char* name, LaneId lane) {
    return takt::WorkerConfig{
        .name = name, .lane = lane, .cpus = CpuSet::of(0), .scheduling = Fifo{.priority = 7}};
  };
  const Running running(executor, {on("a", kFirst), on("b", kSecond), on("c", kThird)});
  std::vector<char> order;
  const auto post = [&](LaneId lane, char name) {
    ASSERT_OK(executor.post([&order, name] { order.push_back(name); }, {.lane = lane}));
  };
  executor.run_for(1ms);  // all have looked for work, and sleep
  post(kFirst, '1');
  executor.run_for(1ms);
  post(kThird, '2');
  executor.run_for(1ms);
  post(kSecond, '4');
  post(kFirst, '3');  // its worker is awake, and does not go behind the others
  executor.run_for(50ms);
  EXPECT_EQ(std::string_view(order.data(), order.size()), "1324");
}

TEST(ManualExecutor, asks_the_model_then_the_task_then_the_general_figure) {
  ManualExecutor<kLimits> executor;
  auto task = executor.add_task({.name = "task", .period = 10ms}, [] {});
  ASSERT_OK(task);
  executor.set_execution_time(1ms);
  executor.set_execution_time(*task, 2ms);
  const Running running(executor, {{.name = "worker"}});
  std::vector<ManualJob> asked;
  executor.run_for(5ms);
  EXPECT_EQ(task->stats().execution_ns.get(), 2'000'000U);
  executor.set_execution_model(
      [](const ManualJob& job, void* argument) noexcept {
        static_cast<std::vector<ManualJob>*>(argument)->push_back(job);
        return job.task != nullptr ? Duration(3ms) : Duration(-5ms);
      },
      &asked);
  ASSERT_OK(executor.post([] {}));
  executor.run_for(10ms);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_TRUE(asked[0].task == nullptr);
  EXPECT_EQ(asked[0].start, executor.epoch() + 5ms);
  EXPECT_EQ(std::string_view(asked[1].task), "task");
  EXPECT_EQ(asked[1].index, 1U);
  EXPECT_EQ(asked[1].release, executor.epoch() + 10ms);
  EXPECT_EQ(std::string_view(asked[1].worker), "worker");
  EXPECT_EQ(task->stats().execution_ns.get(), 5'000'000U);
  executor.set_execution_model(nullptr);
  executor.run_for(10ms);
  EXPECT_EQ(task->stats().execution_ns.get(), 7'000'000U);
  // Another task in the slot has not the execution time of the one before.
  ASSERT_OK(task->remove());
  const auto next = executor.add_task({.name = "next", .period = 10ms}, [] {});
  ASSERT_OK(next);
  executor.run_for(10ms);
  EXPECT_EQ(next->stats().execution_ns.get(), 1'000'000U);
}

TEST(ManualExecutor, a_callable_takes_effect_when_its_job_ends) {
  ManualExecutor<kLimits> executor;
  executor.set_execution_time(3ms);
  const Running running(executor, {{.name = "worker"}});
  TimePoint start{};
  TimePoint end{};
  auto job = executor.submit([&](const JobContext& context) {
    start = context.start;
    end = context.now();
    return 42;
  });
  ASSERT_OK(job);
  EXPECT_TRUE(job->state() == JobState::pending);
  EXPECT_TRUE(executor.step());  // begins
  EXPECT_TRUE(job->state() == JobState::running);
  EXPECT_EQ(end, TimePoint());
  EXPECT_FALSE(job->cancel());
  EXPECT_TRUE(executor.step());  // ends
  EXPECT_TRUE(job->state() == JobState::completed);
  EXPECT_EQ(end - start, Duration(3ms));
  EXPECT_FALSE(executor.step());
  const auto value = job->wait();
  ASSERT_OK(value);
  EXPECT_EQ(*value, 42);
}

TEST(ManualExecutor, a_wait_lets_time_pass) {
  ManualExecutor<kLimits> executor;
  executor.set_execution_time(3ms);
  const Running running(executor, {{.name = "worker"}});
  auto job = executor.submit([] {});
  ASSERT_OK(job);
  EXPECT_EQ(job->wait_for(1ms).code(), StatusCode::timed_out);
  EXPECT_EQ(executor.now(), executor.epoch() + 1ms);
  EXPECT_EQ(job->wait_for(0ms).code(), StatusCode::timed_out);
  EXPECT_EQ((job->wait_until(executor.epoch())).code(), StatusCode::timed_out);
  // Another clock's hour from now is one of virtual time.
  EXPECT_OK(job->wait_until(std::chrono::system_clock::now() + 1h));
  EXPECT_EQ(executor.now(), executor.epoch() + 3ms);

  auto first = executor.submit([] {});
  auto second = executor.submit([] {}, {.priority = Priority::high});
  ASSERT_OK(first);
  ASSERT_OK(second);
  JobHandleBase* const both[] = {&*first, &*second};
  EXPECT_EQ((takt::wait_any_for(both, 2ms)).code(), StatusCode::timed_out);
  const auto which = takt::wait_any_for(both, 2ms);
  ASSERT_OK(which);
  EXPECT_EQ(*which, 1U);
  EXPECT_EQ((takt::wait_all_for(both, 2ms)).code(), StatusCode::timed_out);
  EXPECT_OK(takt::wait_all(both));
  EXPECT_EQ(executor.now(), executor.epoch() + 9ms);
  EXPECT_EQ(executor.late_wakes(), 0U);
}

TEST(ManualExecutor, a_wait_that_nothing_can_end_is_refused) {
  ManualExecutor<kLimits> executor;
  const Running running(executor,
                        {{.name = "worker", .lane = kFirst}, {.name = "b", .lane = kSecond}});
  takt::Status seen;
  takt::JobHandle<void> outer;
  auto inner = executor.submit(
      [&] {
        seen = outer.wait();  // for the job that waits for this one
      },
      {.lane = kSecond});
  ASSERT_OK(inner);
  auto job = executor.submit([&] { EXPECT_OK(inner->wait()); });
  ASSERT_OK(job);
  outer = std::move(*job);
  executor.run_for(1s);
  EXPECT_EQ(seen.code(), StatusCode::failed_precondition);
  EXPECT_TRUE(outer.state() == JobState::completed);
}

TEST(ManualExecutor, a_job_may_wait_for_another_lane) {
  ManualExecutor<kLimits> executor;
  executor.set_execution_time(2ms);
  TAKT_RUNNING_TWO(executor);
  TimePoint end{};
  ASSERT_OK(executor.post(
      [&](const JobContext& job) {
        auto part = executor.submit([] { return 7; }, {.lane = kSecond});
        ASSERT_OK(part);
        EXPECT_EQ(part->wait_for(1ms).code(), StatusCode::timed_out);
        const auto value = part->wait();
        ASSERT_OK(value);
        EXPECT_EQ(*value, 7);
        end = job.now();
        auto own = executor.submit([] {}, {.lane = kFirst});
        ASSERT_OK(own);
        EXPECT_EQ(own->wait().code(), StatusCode::failed_precondition);
      },
      {.lane = kFirst}));
  executor.run_for(10ms);
  EXPECT_EQ(end, executor.epoch() + 4ms);
  EXPECT_EQ(executor.worker_stats(0).busy_ns.get(), 6'000'000U);  // 4 ms and the last job
  EXPECT_EQ(executor.late_wakes(), 0U);
}

TEST(ManualExecutor, a_wait_that_ends_behind_a_later_one_is_counted) {
  ManualExecutor<kLimits> executor;
  const Running running(executor, {{.name = "a", .lane = kFirst},
                                   {.name = "b", .lane = kSecond},
                                   {.name = "c", .lane = kThird}});
  executor.set_execution_model([](const ManualJob& job, void*) noexcept {
    return job.lane == kThird && job.index == 1 ? Duration(5ms) : Duration(0);
  });
  TimePoint end{};
  ASSERT_OK(executor.post(
      [&](const JobContext& job) {
        auto soon = executor.submit([] {}, {.lane = kThird});
        ASSERT_OK(soon);
        EXPECT_OK(soon->wait());
        end = job.now();
      },
      {.lane = kFirst}));
  // Waits on the same stack for 5 ms, while the first wait is over at once.
  ASSERT_OK(executor.post(
      [&] {
        auto job = executor.submit([] {}, {.lane = kThird});
        ASSERT_OK(job);
        EXPECT_OK(job->wait());
      },
      {.lane = kSecond}));
  executor.run_for(20ms);
  EXPECT_EQ(end, executor.epoch() + 5ms);
  EXPECT_EQ(executor.late_wakes(), 1U);
}

TEST(ManualExecutor, parallel_loops_run_on_the_caller) {
  ManualExecutor<kLimits> executor;
  TAKT_RUNNING_TWO(executor);
  std::uint32_t sum = 0;
  EXPECT_OK(takt::parallel_for(
      executor, 0, 100,
      [&](std::size_t from, std::size_t to) { sum += static_cast<std::uint32_t>(to - from); },
      {.chunk = 7}));
  EXPECT_EQ(sum, 100U);
  executor.run_for(1ms);
  EXPECT_EQ(sum, 100U);
}

TEST(ManualExecutor, posts_at_a_time_come_by_time) {
  ManualExecutor<kLimits> executor;
  const Running running(executor, {{.name = "worker"}});
  std::vector<std::pair<int, Duration>> seen;
  const auto note = [&](int number) {
    return [&seen, &executor, number](const JobContext& job) {
      EXPECT_EQ(job.release, job.now());
      seen.emplace_back(number, job.now() - executor.epoch());
    };
  };
  ASSERT_OK(executor.post_after(3ms, note(3)));
  ASSERT_OK(executor.post_at(executor.epoch() + 1ms, note(1)));
  ASSERT_OK(executor.post_after(2ms, note(2)));
  // "For ever" saturates, and never comes.
  ASSERT_OK(executor.post_after(Duration::max(), [] { ADD_FAILURE("it came"); }));
  EXPECT_EQ(executor.post_after(1ms, [] {}).code(), StatusCode::resource_exhausted);
  executor.run_for(1h);
  ASSERT_EQ(seen.size(), 3U);
  for (int at = 0; at < 3; ++at) {
    EXPECT_EQ(seen[static_cast<std::size_t>(at)].first, at + 1);
    EXPECT_EQ(seen[static_cast<std::size_t>(at)].second, Duration(1ms) * (at + 1));
  }
}

TEST(ManualExecutor, drain_runs_what_waits) {
  ManualExecutor<kLimits> executor;
  executor.set_execution_time(2ms);
  std::uint32_t runs = 0;
  const auto task = executor.add_task(
      {.name = "task", .period = 1ms, .overrun = takt::Overrun::skip()}, [&] { ++runs; });
  ASSERT_OK(task);
  const takt::WorkerConfig worker{.name = "worker"};
  ASSERT_OK(executor.start({&worker, 1}));
  ASSERT_OK(executor.post([&] { ++runs; }));
  ASSERT_OK(executor.post(
      [&] { EXPECT_EQ(executor.post([] {}).code(), StatusCode::failed_precondition); }));
  ASSERT_OK(executor.post_after(1ms, [] { ADD_FAILURE("it ran"); }));
  executor.run_for(500us);
  // Three jobs of 2 ms: the posted ones, and the task's, which was released when it first looked.
  const takt::Status late = executor.stop(StopMode::drain, 1ms);
  EXPECT_EQ(late.code(), StatusCode::timed_out);
  EXPECT_EQ(std::string_view(late.text()),
            "worker 'worker' is stuck in a posted job, slot 0 of lane 0");
  EXPECT_EQ(executor.now(), executor.epoch() + 1'500us);
  EXPECT_OK(executor.stop(StopMode::drain, 1s));
  EXPECT_EQ(runs, 2U);
  EXPECT_EQ(executor.now(), executor.epoch() + 6ms);
  EXPECT_EQ(executor.worker_stats(0).cancelled.get(), 1U);
  // And again, with a new epoch.
  ASSERT_OK(executor.start({&worker, 1}));
  EXPECT_EQ(executor.epoch(), TimePoint() + 6ms);
  executor.run_for(2ms);
  EXPECT_EQ(runs, 3U);
  EXPECT_OK(executor.stop(StopMode::cancel, 1s));
}

TEST(ManualExecutor, cancel_ends_what_waits_and_asks_what_runs) {
  ManualExecutor<kLimits> executor;
  executor.set_execution_time(2ms);
  const takt::WorkerConfig worker{.name = "worker"};
  ASSERT_OK(executor.start({&worker, 1}));
  bool asked = false;
  ASSERT_OK(executor.post([&](const JobContext& job) { asked = job.stop_requested(); }));
  auto waiting = executor.submit([] {});
  ASSERT_OK(waiting);
  executor.run_for(1ms);
  EXPECT_OK(executor.stop(StopMode::cancel, 1s));
  EXPECT_TRUE(asked);
  EXPECT_TRUE(waiting->state() == JobState::cancelled);
  EXPECT_EQ(executor.now(), executor.epoch() + 2ms);
}

TEST(ManualExecutor, a_job_may_request_the_stop_but_not_stop) {
  ManualExecutor<kLimits> executor;
  const takt::WorkerConfig worker{.name = "worker"};
  ASSERT_OK(executor.start({&worker, 1}));
  ASSERT_OK(executor.post([&] {
    EXPECT_EQ(executor.stop(StopMode::drain, 1s).code(), StatusCode::failed_precondition);
    EXPECT_EQ(executor.start({}).code(), StatusCode::failed_precondition);
    executor.request_stop(StopMode::drain);
  }));
  executor.run_for(1ms);
  EXPECT_FALSE(executor.running());
  EXPECT_OK(executor.stop(StopMode::drain, 0ms));
}

TEST(ManualExecutor, a_deadline_worker_is_unsupported) {
  ManualExecutor<kLimits> executor;
  const takt::WorkerConfig worker{
      .name = "edf", .scheduling = takt::Deadline{.runtime = 1ms, .deadline = 5ms, .period = 5ms}};
  EXPECT_EQ(executor.start({&worker, 1}).code(), StatusCode::unsupported);
  EXPECT_FALSE(executor.running());
}

TEST(ManualExecutor, a_scheduling_that_no_kernel_takes_is_refused_here_too) {
  ManualExecutor<kLimits> executor;
  const takt::WorkerConfig worker{.name = "urgent", .scheduling = takt::Fifo{.priority = 200}};
  const takt::Status status = executor.start({&worker, 1});
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()),
            "worker 'urgent': SCHED_FIFO 200: priorities go from 1 to 99");
  EXPECT_FALSE(executor.running());
}

TEST(ManualExecutor, a_job_that_throws_has_failed) {
  ManualExecutor<kLimits> executor;
  const Running running(executor, {{.name = "worker"}});
  auto job = executor.submit([] { throw 1; });
  ASSERT_OK(job);
  EXPECT_EQ(job->wait().code(), StatusCode::failed);
  ASSERT_EQ(executor.events().size(), 2U);
  EXPECT_TRUE(executor.events()[1].kind == ManualEventKind::failed);
}

TEST(ManualExecutor, the_log_counts_what_it_has_no_room_for) {
  ManualExecutor<kLimits, 3> executor;
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.post([] {}));
  ASSERT_OK(executor.post([] {}));
  executor.run_for(1ms);
  EXPECT_EQ(executor.lost_events(), 1U);
  expect_log(executor,
             "0ns: job in slot 0 of lane 0 begins on worker\n"
             "0ns: job in slot 0 of lane 0 ends on worker\n"
             "0ns: job in slot 1 of lane 0 begins on worker\n"
             "1 events more, for which there was no room\n");
  executor.clear_events();
  EXPECT_TRUE(executor.events().empty());
  std::uint32_t events = 0;
  executor.set_event_sink(
      [](const ManualEvent&, void* argument) noexcept { ++*static_cast<std::uint32_t*>(argument); },
      &events);
  for (int times = 0; times < 4; ++times) ASSERT_OK(executor.post([] {}));
  executor.run_for(1ms);
  EXPECT_EQ(events, 8U);
  EXPECT_EQ(executor.lost_events(), 0U);
}

TEST(ManualExecutor, the_clock_ends_without_overflow) {
  // Stuck in the end, and so never destroyed.
  alignas(ManualExecutor<kLimits>) static std::byte storage[sizeof(ManualExecutor<kLimits>)];
  auto& executor = *::new (storage) ManualExecutor<kLimits>(ManualExecutorBase::kClockEnd - 10ms);
  std::uint32_t runs = 0;
  const auto task =
      executor.add_task({.name = "task", .period = 3ms, .offset = 1ms}, [&] { ++runs; });
  const auto rare = executor.add_task({.name = "rare", .period = Duration::max() / 4}, [] {});
  const auto never = executor.add_task({.name = "never", .period = 1ms, .offset = Duration::max()},
                                       [] { ADD_FAILURE("it came"); });
  ASSERT_OK(task);
  ASSERT_OK(rare);
  ASSERT_OK(never);
  const takt::WorkerConfig workers[] = {{.name = "worker"}, {.name = "slow", .lane = kSecond}};
  ASSERT_OK(executor.start(workers));
  executor.run_until(kNever);
  EXPECT_EQ(executor.now(), ManualExecutorBase::kClockEnd);
  EXPECT_EQ(runs, 4U);  // 1, 4, 7 and 10 ms
  EXPECT_FALSE(executor.step());
  executor.set_execution_time(Duration::max());
  auto job = executor.submit([] {}, {.lane = kSecond});
  ASSERT_OK(job);
  EXPECT_EQ(job->wait_for(1h).code(), StatusCode::timed_out);
  EXPECT_EQ(job->wait().code(), StatusCode::failed_precondition);
  EXPECT_EQ(executor.stop(StopMode::cancel, 1h).code(), StatusCode::timed_out);
}

TEST(ManualExecutor, event_rings_and_activities_are_those_of_virtual_time) {
  constexpr takt::ExecutorLimits kWithEvents{.events_per_worker = 16};
  ManualExecutor<kWithEvents> executor;
  executor.set_execution_time(2ms);
  const Running running(executor, {{.name = "worker"}});
  executor.run_for(1ms);
  EXPECT_TRUE(executor.worker_activity(0).phase() == takt::WorkerPhase::idle);
  ASSERT_OK(executor.post([] {}));
  executor.run_for(1ms);
  EXPECT_TRUE(executor.worker_activity(0).phase() == takt::WorkerPhase::in_job);
  executor.run_for(5ms);
  std::vector<std::pair<takt::EventKind, Duration>> seen;
  takt::EventReader reader(executor.worker_events(0));
  for (auto event = reader.next(); event.has_value(); event = reader.next()) {
    seen.emplace_back(event->kind(), event->time() - executor.epoch());
  }
  const std::vector<std::pair<takt::EventKind, Duration>> expected = {
      {takt::EventKind::park, 0ms},      {takt::EventKind::wake, 1ms},
      {takt::EventKind::release, 1ms},   {takt::EventKind::start, 1ms},
      {takt::EventKind::completed, 3ms}, {takt::EventKind::park, 3ms}};
  EXPECT_TRUE(seen == expected);
}

}  // namespace
