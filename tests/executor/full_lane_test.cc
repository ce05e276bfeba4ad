// SPDX-License-Identifier: Apache-2.0
// PostOptions::when_full: what becomes of a post to a lane whose job slots are all in use.
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "takt/tests/executor/freezer.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/executor/sleeping.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobHandle;
using takt::JobState;
using takt::LaneId;
using takt::PostOptions;
using takt::Priority;
using takt::Result;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WhenFull;
using takt::test::Freezer;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::sleeps;
using takt::test::Token;
using takt::test::wait_until;

constexpr std::uint32_t kSlots = 4;  // of which a held worker has one
constexpr LaneId kFirst{0}, kSecond{1};
takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 2, .lanes = 2, .jobs_per_lane = kSlots, .tasks = 1, .timers = 1}>
    executor;
constexpr takt::WorkerConfig kWorkers[] = {{.name = "worker"}};
constexpr PostOptions kWait{.when_full = WhenFull::wait};
constexpr PostOptions kDrop{.when_full = WhenFull::drop_oldest};

PostOptions wait_until_time(takt::TimePoint time) {
  return {.when_full = WhenFull::wait, .wait_until = time};
}
PostOptions dropping(Priority priority) {
  return {.priority = priority, .when_full = WhenFull::drop_oldest};
}

/// The lane's worker held, and its other slots taken by jobs that note their order.
struct FullLane {
  FullLane() {
    hold_worker(executor, gate);
    for (char name = 'a'; name < 'a' + static_cast<char>(kSlots) - 1; ++name) add(name);
  }
  auto job(char name) {
    return [this, name, token = Token(alive)] { order += name; };
  }
  void add(char name, const PostOptions& options = {}) {
    EXPECT_OK(executor.post(job(name), options));
  }
  /// Lets the jobs run; what did, in that order.
  const std::string& run() {
    gate.open();
    EXPECT_OK(executor.stop(StopMode::drain, kPatience));
    EXPECT_EQ(alive.load(), 0);
    return order;
  }

  std::atomic<int> alive{0};
  std::string order;
  const Running running{executor, {{.name = "worker"}, {.name = "second", .lane = kSecond}}};
  Gate gate;
};

std::uint64_t dropped() { return executor.lane_stats(kFirst).dropped.get(); }
std::uint64_t rejected() { return executor.lane_stats(kFirst).rejected.get(); }

TEST(FullLane, rejects_by_default_and_counts_it) {
  FullLane lane;
  const std::uint64_t before = rejected();
  EXPECT_EQ(executor.post(lane.job('x')).code(), StatusCode::resource_exhausted);
  EXPECT_EQ(executor.submit(lane.job('x')).code(), StatusCode::resource_exhausted);
  EXPECT_EQ(rejected(), before + 2);
  EXPECT_EQ(lane.run(), "abc");
}

TEST(FullLane, refuses_a_when_full_that_there_is_not) {
  FullLane lane;
  const Status status = executor.post(lane.job('x'), {.when_full = takt::WhenFull{9}});
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()),
            "post to lane 0: it is full, and there is no such WhenFull");
  EXPECT_EQ(lane.run(), "abc");
  // It is looked at only where the lane is full.
  const Running running(executor, {{.name = "worker"}});
  EXPECT_OK(executor.post([] {}, {.when_full = takt::WhenFull{9}}));
}

TEST(FullLane, a_free_slot_needs_no_waiting_and_no_dropping) {
  const std::uint64_t before = dropped();
  std::atomic<int> ran{0};
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.post([&] { ++ran; }, wait_until_time(takt::TimePoint{})));
  ASSERT_OK(executor.post([&] { ++ran; }, kDrop));
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(ran.load(), 2);
  EXPECT_EQ(dropped(), before);
}

TEST(FullLane, who_waits_gets_the_slot_of_the_job_that_ends) {
  FullLane lane;
  std::thread poster([&] { lane.add('x', kWait); });
  lane.gate.open();
  poster.join();
  EXPECT_EQ(lane.run(), "abcx");
}

TEST(FullLane, who_waits_gets_the_slot_of_a_handle_that_goes) {
  FullLane lane;
  lane.gate.open();
  std::vector<JobHandle<int>> handles;
  while (handles.size() < kSlots) {
    if (auto job = executor.submit([] { return 1; }); job.ok()) handles.push_back(std::move(*job));
  }
  for (JobHandle<int>& handle : handles) EXPECT_OK(handle.wait());
  EXPECT_EQ(executor.post([] {}).code(), StatusCode::resource_exhausted);
  std::thread poster([&] { lane.add('x', kWait); });
  handles.pop_back();
  poster.join();
  EXPECT_EQ(lane.run(), "abcx");
}

TEST(FullLane, many_who_wait_are_all_served) {
  constexpr int kPosters = 6;
  FullLane lane;
  std::atomic<int> ran{0};
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_OK(executor.post([&ran] { ++ran; }, kWait));
    });
  }
  lane.gate.open();
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(lane.run(), "abc");
  EXPECT_EQ(ran.load(), 20 * kPosters);
}

TEST(FullLane, a_wait_ends_at_its_deadline) {
  FullLane lane;
  const takt::TimePoint deadline = takt::deadline_after(2ms);
  const std::uint64_t before = rejected();
  const Status status = executor.post(lane.job('x'), wait_until_time(deadline));
  EXPECT_GE(takt::now(), deadline);
  EXPECT_EQ(status.code(), StatusCode::timed_out);
  EXPECT_EQ(std::string_view(status.text()), "post to lane 0: no job slot came free in time");
  EXPECT_EQ(rejected(), before + 1);
  EXPECT_EQ(executor.submit(lane.job('x'), wait_until_time(takt::TimePoint{})).code(),
            StatusCode::timed_out);
  EXPECT_EQ(lane.run(), "abc");
}

TEST(FullLane, a_worker_does_not_wait_for_its_own_lane) {
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  Gate gate;
  std::atomic<bool> full{false};
  Status status;
  Status with_room;
  auto job = executor.submit([&] {
    with_room = executor.post([] {}, kWait);
    gate.enter();
    while (!full.load()) ::sched_yield();
    status = executor.post([] {}, kWait);
  });
  ASSERT_OK(job);
  gate.wait_for_entries();
  hold_worker(executor, gate);  // the other worker, which took the job of the first post, too
  while (executor.post([] {}).ok()) {
  }
  full.store(true);
  ASSERT_OK(job->wait());
  EXPECT_OK(with_room);
  EXPECT_EQ(status.code(), StatusCode::failed_precondition);
  EXPECT_EQ(std::string_view(status.text()),
            "post to lane 0: it is full, and its own worker would wait for itself");
}

TEST(FullLane, a_worker_may_wait_for_another_lane) {
  FullLane lane;
  auto job = executor.submit([&] { lane.add('x', kWait); }, {.lane = kSecond});
  ASSERT_OK(job);
  lane.gate.open();
  EXPECT_OK(job->wait());
  EXPECT_EQ(lane.run(), "abcx");
}

TEST_EACH(FullLane, stop_releases_those_who_wait, StopMode::drain, StopMode::cancel) {
  FullLane lane;
  std::atomic<int> begun{0};
  std::vector<std::thread> posters;
  for (int poster = 0; poster < 3; ++poster) {
    posters.emplace_back([&] {
      ++begun;
      const Status status = executor.post(lane.job('x'), kWait);
      EXPECT_EQ(status.code(), StatusCode::failed_precondition);
    });
  }
  wait_until([&] { return begun.load() == 3; });
  EXPECT_EQ(executor.stop(param, 0ns).code(), StatusCode::timed_out);  // the job still runs
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(lane.run(), param == StopMode::drain ? "abc" : "");
}

// One who is so slow that the executor runs again when it looks: what it waited for has ended.
TEST(FullLane, a_restart_releases_those_who_wait) {
  const Freezer freezer;
  int refused = 0;
  std::atomic<pid_t> poster_id{0};
  {
    std::vector<JobHandle<void>> handles;  // keep all slots
    ASSERT_OK(executor.start(kWorkers, kAnyMemory));
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      auto job = executor.submit([] {});
      ASSERT_OK(job);
      EXPECT_OK(job->wait());
      handles.push_back(std::move(*job));
    }
    std::thread poster([&] {
      poster_id.store(::gettid());
      const Status status = executor.post([] {}, kWait);
      EXPECT_EQ(status.code(), StatusCode::failed_precondition);
    });
    wait_until([&] { return poster_id.load() != 0 && sleeps(poster_id.load()); });
    refused = freezer.freeze(poster_id.load());
    EXPECT_OK(executor.stop(StopMode::drain, kPatience));
    EXPECT_OK(executor.start(kWorkers, kAnyMemory));
    if (refused == 0) freezer.thaw();
    poster.join();
  }
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  if (refused != 0) SKIP("ptrace is refused here, errno %d", refused);
}

TEST(FullLane, drops_the_oldest_first) {
  FullLane lane;
  const std::uint64_t before = dropped();
  lane.add('x', kDrop);
  EXPECT_EQ(lane.alive.load(), kSlots - 1);  // what was dropped is destroyed
  lane.add('y', kDrop);
  EXPECT_EQ(dropped(), before + 2);
  EXPECT_EQ(lane.run(), "cxy");
}

TEST(FullLane, drops_for_ever) {
  FullLane lane;
  for (int i = 0; i < 1000; ++i) lane.add(static_cast<char>('A' + i % 26), kDrop);
  EXPECT_EQ(lane.run(), "JKL");  // 997, 998, 999
}

TEST(FullLane, drops_the_lowest_priority_and_none_above_its_own) {
  const std::uint64_t before = dropped();
  FullLane lane;                              // abc of level normal
  lane.add('h', dropping(Priority::high));    // for a
  lane.add('l', dropping(Priority::normal));  // for b
  lane.add('H', dropping(Priority::high));    // for c
  EXPECT_EQ(dropped(), before + 3);
  EXPECT_EQ(executor.post(lane.job('x'), dropping(Priority::low)).code(),
            StatusCode::resource_exhausted);
  lane.add('C', dropping(Priority::critical));  // for l, the only one of level normal
  lane.add('D', dropping(Priority::critical));  // for h
  EXPECT_EQ(executor.post(lane.job('x'), kDrop).code(), StatusCode::resource_exhausted);
  EXPECT_EQ(dropped(), before + 5);
  EXPECT_EQ(lane.run(), "CDH");
}

TEST(FullLane, running_jobs_are_not_dropped) {
  const Running running(executor, {{.name = "one"}});
  Gate gate;
  hold_worker(executor, gate);
  ASSERT_OK(executor.post_at(takt::deadline_after(1h), [] {}));
  std::vector<JobHandle<void>> done;
  while (true) {  // the rest of the slots by handles of cancelled jobs
    auto job = executor.submit([] {});
    if (!job.ok()) break;
    EXPECT_TRUE(job->cancel());
    done.push_back(std::move(*job));
  }
  EXPECT_EQ(done.size(), kSlots - 2);
  const std::uint64_t before = dropped();
  const Status status = executor.post([] {}, dropping(Priority::critical));
  EXPECT_EQ(status.code(), StatusCode::resource_exhausted);
  EXPECT_TRUE(std::string_view(status.text()).ends_with(", and none can be dropped"));
  EXPECT_EQ(dropped(), before);
  for (const JobHandle<void>& job : done) EXPECT_EQ(job.state(), JobState::cancelled);
}

TEST(FullLane, jobs_behind_a_task_s_job_are_not_dropped) {
  std::atomic<int> ticks{0};
  auto task =
      executor.add_sporadic_task({.name = "task", .min_interarrival = 1us}, [&ticks] { ++ticks; });
  ASSERT_OK(task);
  {
    const Running running(executor, {{.name = "worker"}});
    Gate gate;
    hold_worker(executor, gate);
    ASSERT_OK(task->release());
    while (executor.post([] {}).ok()) {
    }
    const std::uint64_t before = dropped();
    EXPECT_EQ(executor.post([] {}, kDrop).code(), StatusCode::resource_exhausted);
    EXPECT_EQ(dropped(), before);
    // Another level is another queue.
    gate.open();
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  }
  EXPECT_EQ(ticks.load(), 1);
  ASSERT_OK(task->remove());
}

TEST(FullLane, the_handle_of_a_dropped_job_says_so) {
  FullLane lane;
  Result<JobHandle<int>> job = executor.submit([] { return 1; }, dropping(Priority::low));
  EXPECT_EQ(job.code(), StatusCode::resource_exhausted);  // abc are above it
  job = executor.submit([] { return 1; }, kDrop);
  ASSERT_OK(job);
  lane.add('x', kDrop), lane.add('y', kDrop);
  EXPECT_EQ(job->state(), JobState::pending);
  lane.add('z', kDrop);
  EXPECT_EQ(job->state(), JobState::dropped);
  EXPECT_TRUE(job->cancel());  // it never ran and never will
  EXPECT_OK(job->cancel_and_wait());
  const Result<int> result = job->wait();
  EXPECT_EQ(result.code(), StatusCode::dropped);
  EXPECT_EQ(std::string_view(result.status().text()),
            "job: a newer one took its place in the full lane");
  takt::JobHandleBase* const all[] = {&*job};
  EXPECT_EQ(*takt::wait_any(all), 0);
  EXPECT_OK(takt::wait_all(all));
  EXPECT_EQ(lane.run(), "xyz");
  // Its slot has become another's meanwhile: the handle leaves it alone.
  EXPECT_EQ(job->state(), JobState::dropped);
  job->detach();
}

TEST(FullLane, a_dropped_job_wakes_who_waits_for_it) {
  FullLane lane;
  auto job = executor.submit([] { return 1; }, kDrop);
  auto watched = executor.submit([] { return 1; }, kDrop);
  ASSERT_OK(job);
  ASSERT_OK(watched);
  std::atomic<int> begun{0};
  std::thread waiter([&] {
    ++begun;
    EXPECT_EQ(job->wait().code(), StatusCode::dropped);
  });
  std::thread watcher([&] {
    ++begun;
    takt::JobHandleBase* const all[] = {&*watched};
    EXPECT_EQ(*takt::wait_any(all), 0);
  });
  wait_until([&] { return begun.load() == 2; });
  for (int i = 0; i < 3; ++i) lane.add(static_cast<char>('x' + i), kDrop);
  waiter.join();
  watcher.join();
  EXPECT_EQ(lane.run(), "xyz");
}

TEST(FullLane, every_slot_is_back_after_drops) {
  FullLane lane;
  std::vector<JobHandle<int>> handles;
  for (int i = 0; i < 50; ++i) {
    auto job = executor.submit([i] { return i; }, kDrop);
    ASSERT_OK(job);
    if (i % 3 == 0) handles.push_back(std::move(*job));
  }
  EXPECT_EQ(lane.run(), "");
  for (const JobHandle<int>& handle : handles) {
    EXPECT_EQ(handle.state(), &handle == &handles.back() ? JobState::completed : JobState::dropped);
  }
  handles.clear();
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  hold_worker(executor, gate);
  std::uint32_t accepted = 0;
  while (executor.post([] {}).ok()) ++accepted;
  EXPECT_EQ(accepted, kSlots - 1);
}

TEST(FullLane, a_job_for_later_takes_a_slot_the_same_way) {
  FullLane lane;
  ASSERT_OK(executor.post_at(takt::TimePoint{}, lane.job('x'), kDrop));
  lane.gate.open();
  wait_until([&] { return lane.alive.load() == 0; });  // stop() ends what waits for its time
  EXPECT_EQ(lane.run(), "bcx");
}

}  // namespace
