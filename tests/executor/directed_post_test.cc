// SPDX-License-Identifier: Apache-2.0
// post_to() and broadcast(): jobs for certain workers.
#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "takt/platform/thread_id.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::LaneId;
using takt::Priority;
using takt::Result;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WhenFull;
using takt::WorkerConfig;
using takt::WorkerId;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::Token;
using takt::test::wait_until;

constexpr std::uint32_t kSlots = 4;
constexpr std::uint32_t kWorkers = 4;
constexpr LaneId kAlone{0}, kShared{1}, kUnserved{2};
takt::StaticExecutor<takt::ExecutorLimits{.workers = kWorkers, .lanes = 3, .jobs_per_lane = kSlots}>
    executor;
// The lanes' workers are not neighbours: their numbers are those of the configs.
constexpr std::initializer_list<WorkerConfig> kConfigs = {{.name = "s0", .lane = kShared},
                                                          {.name = "alone", .lane = kAlone},
                                                          {.name = "s1", .lane = kShared},
                                                          {.name = "s2", .lane = kShared}};
constexpr WorkerId kShared0{0}, kAloneWorker{1}, kShared1{2}, kShared2{3};

/// Whether the caller is that worker.
bool is_on(WorkerId worker) {
  const takt::WorkerStats& stats = executor.worker_stats(static_cast<std::uint32_t>(worker));
  return stats.thread_id.get() == static_cast<std::uint64_t>(takt::platform::thread_id());
}

TEST_EACH(DirectedPost, runs_on_that_worker, kShared0, kAloneWorker, kShared1, kShared2) {
  const Running running(executor, kConfigs);
  for (int i = 0; i < 200; ++i) {  // asleep, awake, about to sleep
    std::atomic<bool> ran{false};
    ASSERT_OK(executor.post_to(param, [&] {
      EXPECT_TRUE(is_on(param));
      ran.store(true);
    }));
    wait_until([&] { return ran.load(); });
  }
}

TEST(DirectedPost, waits_for_that_worker_though_others_are_idle) {
  const Running running(executor, kConfigs);
  std::atomic<int> alive{0};
  std::atomic<bool> ran{false};
  Gate gate;
  ASSERT_OK(executor.post_to(kShared1, [&gate] { gate.pass(); }));
  gate.wait_for_entries();
  ASSERT_OK(executor.post_to(kShared1, [&ran, token = Token(alive)] {
    EXPECT_TRUE(is_on(kShared1));
    ran.store(true);
  }));
  // A job of the lane goes past it, on another worker.
  auto job = executor.submit([] { return is_on(kShared1); }, {.lane = kShared});
  ASSERT_OK(job);
  EXPECT_FALSE(*job->wait());
  EXPECT_FALSE(ran.load());
  gate.open();
  wait_until([&] { return alive.load() == 0; });
  EXPECT_TRUE(ran.load());
}

TEST(DirectedPost, goes_by_priority_then_before_the_lane_then_by_age) {
  std::string order;
  {
    const Running running(executor, kConfigs);
    Gate gate;
    hold_worker(executor, gate, kAlone);
    const auto note = [&order](char name) { return [&order, name] { order += name; }; };
    // Three slots are left.
    ASSERT_OK(executor.post(note('l'), {.lane = kAlone, .priority = Priority::normal}));
    ASSERT_OK(executor.post_to(kAloneWorker, note('d')));
    ASSERT_OK(executor.post(note('h'), {.lane = kAlone, .priority = Priority::high}));
    gate.open();
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  }
  EXPECT_EQ(order, "hdl");
  order.clear();
  {
    const Running running(executor, kConfigs);
    Gate gate;
    hold_worker(executor, gate, kAlone);
    const auto note = [&order](char name) { return [&order, name] { order += name; }; };
    ASSERT_OK(executor.post_to(kAloneWorker, note('2'), {.priority = Priority::low}));
    ASSERT_OK(executor.post_to(kAloneWorker, note('1')));
    ASSERT_OK(executor.post_to(kAloneWorker, note('3'), {.priority = Priority::low}));
    gate.open();
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  }
  EXPECT_EQ(order, "123");
}

TEST(DirectedPost, takes_slots_of_the_worker_s_lane_and_when_full_counts) {
  const Running running(executor, kConfigs);
  Gate gate;
  std::atomic<int> ran{0};
  hold_worker(executor, gate, kAlone);
  for (std::uint32_t i = 1; i < kSlots; ++i) {
    ASSERT_OK(executor.post_to(kAloneWorker, [&ran] { ++ran; }));
  }
  EXPECT_EQ(executor.post_to(kAloneWorker, [] {}).code(), StatusCode::resource_exhausted);
  // A job for one worker is not dropped.
  EXPECT_EQ(executor.post_to(kAloneWorker, [] {}, {.when_full = WhenFull::drop_oldest}).code(),
            StatusCode::resource_exhausted);
  EXPECT_EQ(executor
                .post_to(kAloneWorker, [] {},
                         {.when_full = WhenFull::wait, .wait_until = takt::TimePoint{}})
                .code(),
            StatusCode::timed_out);
  std::thread poster([&] {
    EXPECT_OK(executor.post_to(kAloneWorker, [&ran] { ++ran; }, {.when_full = WhenFull::wait}));
  });
  gate.open();
  poster.join();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(ran.load(), kSlots);
}

TEST(DirectedPost, a_worker_posts_to_itself) {
  const Running running(executor, kConfigs);
  std::atomic<int> depth{0};
  struct Chain {
    std::atomic<int>* depth;
    void operator()() const {
      EXPECT_TRUE(is_on(kShared1));
      if (depth->fetch_add(1) < 99) EXPECT_OK(executor.post_to(kShared1, Chain{depth}));
    }
  };
  ASSERT_OK(executor.post_to(kShared1, Chain{&depth}));
  wait_until([&] { return depth.load() == 100; });
}

TEST(DirectedPost, refuses_with_a_reason) {
  std::atomic<int> alive{0};
  const auto post = [&alive](WorkerId worker) {
    return executor.post_to(worker, [token = Token(alive)] { ADD_FAILURE("it was refused"); });
  };
  EXPECT_EQ(post(kShared0).code(), StatusCode::failed_precondition);
  {
    const Running running(executor, kConfigs);
    const Status status = post(WorkerId{kWorkers});
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_EQ(std::string_view(status.text()), "post_to: no worker 4, there are 4");
  }
  EXPECT_EQ(post(kShared0).code(), StatusCode::failed_precondition);
  EXPECT_EQ(alive.load(), 0);
}

TEST_EACH(DirectedPost, stop_runs_or_cancels_what_waits, StopMode::drain, StopMode::cancel) {
  std::atomic<int> alive{0};
  std::atomic<int> ran{0};
  const Running running(executor, kConfigs);
  Gate gate;
  hold_worker(executor, gate, kAlone);
  for (std::uint32_t i = 1; i < kSlots; ++i) {
    ASSERT_OK(executor.post_to(kAloneWorker, [&ran, token = Token(alive)] { ++ran; }));
  }
  EXPECT_EQ(executor.stop(param, 0ns).code(), StatusCode::timed_out);
  EXPECT_EQ(executor.post_to(kAloneWorker, [] {}).code(), StatusCode::failed_precondition);
  gate.open();
  ASSERT_OK(executor.stop(param, kPatience));
  EXPECT_EQ(alive.load(), 0);
  EXPECT_EQ(ran.load(), param == StopMode::drain ? kSlots - 1 : 0);
  EXPECT_EQ(takt::test::jobs_cancelled(executor), param == StopMode::drain ? 0 : kSlots - 1);
}

TEST(DirectedPost, reaches_the_worker_of_that_number_after_a_restart) {
  for (std::uint32_t round = 0; round < 3; ++round) {
    const Running running(executor, {{.name = "first", .lane = kAlone},
                                     {.name = "second", .lane = LaneId{(round % 2) + 1U}}});
    std::atomic<bool> ran{false};
    ASSERT_OK(executor.post_to(WorkerId{1}, [&ran] {
      EXPECT_TRUE(is_on(WorkerId{1}));
      ran.store(true);
    }));
    wait_until([&] { return ran.load(); });
  }
}

TEST(Broadcast, each_worker_of_the_lane_runs_it_once) {
  std::array<std::atomic<int>, kWorkers> runs{};
  const Running running(executor, kConfigs);
  const auto note = [&runs] {
    for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
      if (is_on(WorkerId{worker})) ++runs[worker];
    }
  };
  for (int round = 1; round <= 50; ++round) {
    const Result<std::uint32_t> given = executor.broadcast(note, {.lane = kShared});
    ASSERT_OK(given);
    EXPECT_EQ(*given, 3);
    for (const WorkerId worker : {kShared0, kShared1, kShared2}) {
      wait_until([&] { return runs[static_cast<std::uint32_t>(worker)].load() == round; });
    }
    // Their slots are back a moment later.
    wait_until([&] { return takt::test::jobs_run(executor) == 3U * static_cast<unsigned>(round); });
  }
  EXPECT_EQ(runs[static_cast<std::uint32_t>(kAloneWorker)].load(), 0);
}

TEST(Broadcast, to_all_reaches_every_worker) {
  std::array<std::atomic<int>, kWorkers> runs{};
  {
    const Running running(executor, kConfigs);
    const Result<std::uint32_t> given = executor.broadcast_to_all([&runs] {
      for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
        if (is_on(WorkerId{worker})) ++runs[worker];
      }
    });
    ASSERT_OK(given);
    EXPECT_EQ(*given, kWorkers);
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  }
  for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
}

TEST(Broadcast, to_workers_that_are_busy_waits_for_each) {
  const Running running(executor, kConfigs);
  Gate gate;
  std::atomic<int> ran{0};
  hold_worker(executor, gate, kShared);
  const Result<std::uint32_t> given = executor.broadcast([&ran] { ++ran; }, {.lane = kShared});
  ASSERT_OK(given);  // four slots: three copies, and the job that holds a worker
  wait_until([&] { return ran.load() == 2; });
  gate.open();
  wait_until([&] { return ran.load() == 3; });
}

TEST(Broadcast, all_or_none_when_slots_are_missing) {
  std::atomic<int> ran{0};
  const Running running(executor, kConfigs);
  Gate gate;
  hold_worker(executor, gate, kShared);
  hold_worker(executor, gate, kShared);
  const std::uint64_t before = executor.lane_stats(kShared).rejected.get();
  EXPECT_EQ(executor.broadcast([&ran] { ++ran; }, {.lane = kShared}).code(),
            StatusCode::resource_exhausted);
  EXPECT_EQ(executor.broadcast_to_all([&ran] { ++ran; }).code(), StatusCode::resource_exhausted);
  EXPECT_EQ(executor.lane_stats(kShared).rejected.get(), before + 2);
  EXPECT_EQ(ran.load(), 0);
  gate.open();
  // What it had claimed is free again.
  wait_until([&] { return executor.broadcast([&ran] { ++ran; }, {.lane = kShared}).ok(); });
  wait_until([&] { return executor.broadcast_to_all([&ran] { ++ran; }).ok(); });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(ran.load(), 3 + kWorkers);
}

TEST(Broadcast, refuses_with_a_reason) {
  const auto code = [](LaneId lane, WhenFull when_full = WhenFull::reject) {
    return executor.broadcast([] {}, {.lane = lane, .when_full = when_full}).code();
  };
  EXPECT_EQ(code(kShared), StatusCode::failed_precondition);
  EXPECT_EQ(executor.broadcast_to_all([] {}).code(), StatusCode::failed_precondition);
  const Running running(executor, kConfigs);
  EXPECT_EQ(code(kUnserved), StatusCode::failed_precondition);
  EXPECT_EQ(code(LaneId{3}), StatusCode::invalid_argument);
  EXPECT_EQ(code(kShared, WhenFull::wait), StatusCode::invalid_argument);
}

TEST(Broadcast, destroys_each_copy) {
  struct Copied {
    explicit Copied(std::atomic<int>& counter) noexcept : alive(&counter) { ++*alive; }
    Copied(const Copied& other) noexcept : alive(other.alive) { ++*alive; }
    ~Copied() { --*alive; }
    Copied& operator=(const Copied&) = delete;
    void operator()() const {}
    std::atomic<int>* alive;
  };
  std::atomic<int> alive{0};
  const Running running(executor, kConfigs);
  {
    const Copied original(alive);
    ASSERT_OK(executor.broadcast(original, {.lane = kShared}));
  }
  wait_until([&] { return alive.load() == 0; });
}

}  // namespace
