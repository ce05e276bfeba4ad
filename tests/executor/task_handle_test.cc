// SPDX-License-Identifier: Apache-2.0
// Sporadic releases, suspend, resume, set_period, remove; stale handles.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobContext;
using takt::StatusCode;
using takt::StopMode;
using takt::TaskHandle;
using takt::TaskState;
using takt::TimePoint;
using takt::test::Gate;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .lanes = 2, .tasks = 4, .histograms = 1}>
    executor;

constexpr takt::LaneId kOther{1};

std::string_view text_of(const takt::Status& status) { return status.text(); }

TEST(Sporadic, runs_once_a_release) {
  std::atomic<std::uint32_t> ran{0};
  auto task = executor.add_sporadic_task({.name = "frame", .min_interarrival = 1us, .pending = 4},
                                         [&] { ran.fetch_add(1); });
  ASSERT_OK(task);
  EXPECT_EQ(task->release().code(), StatusCode::failed_precondition);  // not started
  const Running running(executor, {{.name = "worker"}});
  for (std::uint32_t round = 1; round <= 100; ++round) {
    const TimePoint before = takt::now();
    ASSERT_OK(task->release());
    wait_until([&] { return ran.load() == round; });
    EXPECT_GE(takt::now(), before);
  }
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(ran.load(), 100);
  EXPECT_EQ(task->stats().releases.get(), 100);
}

TEST(Sporadic, keeps_its_distance_and_refuses_what_it_cannot_keep) {
  std::array<TimePoint, 3> releases{};
  std::atomic<std::uint32_t> ran{0};
  auto task = executor.add_sporadic_task({.name = "spaced", .min_interarrival = 20ms},
                                         [&](const JobContext& job) {
                                           releases.at(ran.load()) = job.release;
                                           EXPECT_EQ(job.index, ran.load());
                                           ran.fetch_add(1);
                                         });
  ASSERT_OK(task);
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(task->release());
  ASSERT_OK(task->release());  // waits for its time
  if (takt::now() < executor.epoch() + 20ms) {
    const takt::Status refused = task->release();
    EXPECT_EQ(refused.code(), StatusCode::resource_exhausted);
    EXPECT_EQ(text_of(refused),
              "release: task 'spaced' has all SporadicConfig::pending releases waiting");
    EXPECT_EQ(task->stats().refused.get(), 1);
  }
  wait_until([&] { return ran.load() == 2; });
  EXPECT_EQ(releases[1] - releases[0], 20ms);
  ASSERT_OK(task->release());
  wait_until([&] { return ran.load() == 3; });
  EXPECT_GE(releases[2] - releases[1], 20ms);
}

TEST(Sporadic, release_of_a_running_job_waits_for_its_end) {
  Gate gate;
  std::atomic<std::uint32_t> ran{0};
  auto task = executor.add_sporadic_task({.name = "held", .min_interarrival = 1us}, [&] {
    if (ran.fetch_add(1) == 0) gate.pass();
  });
  ASSERT_OK(task);
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  ASSERT_OK(task->release());
  gate.wait_for_entries();
  ASSERT_OK(task->release());
  EXPECT_EQ(task->release().code(), StatusCode::resource_exhausted);
  EXPECT_EQ(ran.load(), 1);
  gate.open();
  wait_until([&] { return ran.load() == 2; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(ran.load(), 2);
}

TEST(Sporadic, can_release_itself_from_its_job) {
  std::atomic<std::uint32_t> ran{0};
  static TaskHandle self;
  auto task = executor.add_sporadic_task({.name = "chain", .min_interarrival = 1us}, [&] {
    if (ran.fetch_add(1) < 9) EXPECT_OK(self.release());
  });
  ASSERT_OK(task);
  self = *task;
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(task->release());
  wait_until([&] { return ran.load() == 10; });
}

TEST(Sporadic, what_is_no_sporadic_task_is_not_released_by_hand) {
  auto task = executor.add_task({.name = "periodic", .period = 1h, .offset = 1h}, [] {});
  ASSERT_OK(task);
  const Running running(executor, {{.name = "worker"}});
  EXPECT_EQ(text_of(task->release()), "release: task 'periodic' is not sporadic");
}

TEST(TaskHandle, suspend_and_resume_keep_the_grid) {
  std::atomic<std::uint64_t> ran{0};
  std::atomic<std::uint64_t> last_index{0};
  auto task = executor.add_task({.name = "pauses", .period = 1ms}, [&](const JobContext& job) {
    EXPECT_EQ(job.release, executor.epoch() + job.index * 1ms);
    last_index.store(job.index);
    ran.fetch_add(1);
  });
  std::atomic<std::uint64_t> neighbour{0};
  ASSERT_OK(task);
  ASSERT_OK(
      executor.add_task({.name = "neighbour", .period = 1ms}, [&] { neighbour.fetch_add(1); }));
  const Running running(executor, {{.name = "worker"}});
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t before = ran.load();
    wait_until([&] { return ran.load() >= before + 3; });
    ASSERT_OK(task->suspend());
    EXPECT_TRUE(task->state() == TaskState::suspended);
    // The job that was released before may still run; after that there is none.
    const std::uint64_t released = task->stats().releases.get();
    const std::uint64_t others = neighbour.load();
    wait_until([&] { return neighbour.load() >= others + 5; });
    EXPECT_EQ(task->stats().releases.get(), released);
    const std::uint64_t index = last_index.load();
    ASSERT_OK(task->resume());
    wait_until([&] { return ran.load() > released; });
    EXPECT_GT(last_index.load(), index + 3);
  }
}

TEST(TaskHandle, stays_suspended_over_a_restart) {
  std::atomic<std::uint32_t> ran{0};
  auto task = executor.add_task({.name = "paused", .period = 1ms}, [&] { ran.fetch_add(1); });
  ASSERT_OK(task);
  ASSERT_OK(task->suspend());
  {
    const Running running(executor, {{.name = "worker"}});
    wait_until([] { return takt::now() > executor.epoch() + 10ms; });
  }
  EXPECT_EQ(ran.load(), 0);
  ASSERT_OK(task->resume());
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return ran.load() >= 2; });
}

TEST(TaskHandle, a_new_period_counts_from_the_next_release) {
  std::atomic<std::uint32_t> ran{0};
  std::array<TimePoint, 64> releases{};
  std::array<TimePoint, 64> deadlines{};
  auto task = executor.add_task({.name = "changes", .period = 2ms}, [&](const JobContext& job) {
    const std::uint32_t at = ran.load();
    if (at < releases.size()) releases[at] = job.release, deadlines[at] = job.deadline;
    ran.store(at + 1);
  });
  ASSERT_OK(task);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return ran.load() >= 3; });
  EXPECT_EQ(text_of(task->set_period(0ns)), "set_period: the period is below 1 microsecond");
  ASSERT_OK(task->set_period(3ms));
  const std::uint32_t at = ran.load();
  wait_until([&] { return ran.load() >= at + 4; });
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  const std::uint32_t last = at + 3;
  EXPECT_EQ((releases[last] - releases[last - 1]) % 3ms, 0ns);
  EXPECT_EQ(deadlines[last] - releases[last], 3ms);
}

TEST(TaskHandle, remove_frees_the_slot_and_the_callable) {
  const auto token = std::make_shared<int>(1);
  std::array<TaskHandle, 4> tasks;
  const Running running(executor, {{.name = "worker"}});
  for (int round = 0; round < 5; ++round) {
    for (TaskHandle& task : tasks) {
      auto added = executor.add_task({.name = "short", .period = 1ms}, [token] {});
      ASSERT_OK(added);
      task = *added;
    }
    EXPECT_EQ(executor.add_task({.name = "more", .period = 1ms}, [] {}).code(),
              StatusCode::resource_exhausted);
    EXPECT_EQ(token.use_count(), 5);
    for (TaskHandle& task : tasks) {
      wait_until([&] { return task.stats().completed.get() >= 1; });
      ASSERT_OK(task.remove());
      EXPECT_TRUE(task.state() == TaskState::removed);
      EXPECT_EQ(text_of(task.remove()), "remove: the task was removed");
      EXPECT_EQ(text_of(task.suspend()), "suspend: the task was removed");
      EXPECT_EQ(text_of(task.resume()), "resume: the task was removed");
      EXPECT_EQ(text_of(task.set_period(1ms)), "set_period: the task was removed");
      EXPECT_EQ(text_of(task.release()), "release: the task was removed");
    }
    EXPECT_EQ(token.use_count(), 1);
  }
  EXPECT_EQ(executor.task_count(), 4);
}

TEST(TaskHandle, a_handle_is_stale_though_another_task_has_the_slot) {
  auto first = executor.add_task({.name = "first", .period = 1ms}, [] {});
  ASSERT_OK(first);
  ASSERT_OK(first->remove());
  auto second = executor.add_task({.name = "second", .period = 1ms}, [] {});
  ASSERT_OK(second);
  EXPECT_TRUE(first->state() == TaskState::removed);
  EXPECT_TRUE(second->state() == TaskState::active);
  EXPECT_EQ(first->suspend().code(), StatusCode::failed_precondition);
  EXPECT_TRUE(second->state() == TaskState::active);
  EXPECT_EQ(std::string_view(executor.task(0).name()), "second");
}

TEST(TaskHandle, remove_waits_for_the_job) {
  Gate gate;
  std::atomic<bool> ended{false};
  auto task = executor.add_task({.name = "held", .period = 1ms}, [&] {
    gate.pass();
    ended.store(true);
  });
  ASSERT_OK(task);
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  gate.wait_for_entries();
  EXPECT_EQ(task->remove_for(1ms).code(), StatusCode::timed_out);
  EXPECT_TRUE(task->state() == TaskState::removing);
  std::thread opener([&] { gate.open(); });
  ASSERT_OK(task->remove());
  EXPECT_TRUE(ended.load());
  opener.join();
}

TEST(TaskHandle, a_job_cannot_remove_its_own_task) {
  takt::Status status;
  static TaskHandle self;
  Gate gate;
  auto task = executor.add_task({.name = "own", .period = 1ms}, [&] {
    if (gate.entries() == 0) status = self.remove();
    gate.enter();
  });
  ASSERT_OK(task);
  self = *task;
  const Running running(executor, {{.name = "worker"}});
  gate.wait_for_entries();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(text_of(status), "remove: a job of the task's own lane would wait for itself");
  EXPECT_TRUE(task->state() == TaskState::active);
}

TEST(TaskHandle, a_job_removes_another_lanes_task_and_waits_for_its_job) {
  const auto token = std::make_shared<int>(1);
  Gate gate;
  std::atomic<bool> ended{false};
  auto held = executor.add_task({.name = "held", .lane = kOther, .period = 1ms}, [&, token] {
    gate.pass();
    ended.store(true);
  });
  auto idle =
      executor.add_task({.name = "idle", .lane = kOther, .period = 1h, .offset = 1h}, [token] {});
  auto near = executor.add_task({.name = "near", .period = 1h, .offset = 1h}, [token] {});
  for (const auto* task : {&held, &idle, &near}) ASSERT_OK(*task);
  const Running running(executor, {{.name = "worker"}, {.name = "other", .lane = kOther}});
  gate.wait_for_entries();
  auto job = executor.submit([&] {
    EXPECT_OK(near->remove());  // of its own lane, but without a job
    EXPECT_OK(idle->remove());
    EXPECT_EQ(held->remove_for(1ms).code(), StatusCode::timed_out);
    EXPECT_TRUE(held->state() == TaskState::removing);
    gate.open();
    EXPECT_OK(held->remove());
    EXPECT_TRUE(ended.load());
    EXPECT_EQ(token.use_count(), 1);
  });
  ASSERT_OK(job);
  EXPECT_OK(job->wait());
  for (const auto* task : {&held, &idle, &near})
    EXPECT_TRUE((*task)->state() == TaskState::removed);
}

// suspend(), resume(), release() and new tasks beside restarts: clean under tsan, and nothing dies.
TEST(TaskHandle, works_beside_restarts) {
  std::atomic<bool> over{false};
  auto first = executor.add_task({.name = "periodic", .period = 1ms}, [] {});
  auto second = executor.add_sporadic_task({.name = "sporadic", .min_interarrival = 1us}, [] {});
  ASSERT_OK(first);
  ASSERT_OK(second);
  std::thread caller([&] {
    while (!over.load()) {
      EXPECT_OK(first->suspend());
      EXPECT_OK(first->resume());
      static_cast<void>(second->release());
      auto third = executor.add_task({.name = "third", .period = 2ms}, [] {});
      EXPECT_OK(third);
      EXPECT_OK(executor.task(2).set_period(3ms));
      EXPECT_OK(third->remove());
    }
  });
  for (int round = 0; round < 100; ++round) {
    const Running running(executor, {{.name = "one"}, {.name = "two"}});
  }
  over.store(true);
  caller.join();
}

// Readers of figures beside a slot that is used anew again and again; stale handles too.
TEST(TaskHandle, slots_are_used_anew_beside_readers) {
  std::atomic<bool> over{false};
  auto task = executor.add_task({.name = "old", .period = 1h, .histograms = true}, [] {});
  ASSERT_OK(task);
  TaskHandle old = *task;
  std::thread reader([&] {
    while (!over.load()) {
      static_cast<void>(old.suspend());
      static_cast<void>(executor.task(0).stats().releases.get());
      const takt::TaskHistograms* histograms = executor.task(0).stats().histograms;
      if (histograms != nullptr) static_cast<void>(histograms->release_jitter.max());
    }
  });
  ASSERT_OK(old.remove());
  for (int round = 0; round < 500; ++round) {
    auto next = executor.add_task({.name = "new", .period = 1h, .histograms = true}, [] {});
    ASSERT_OK(next);
    ASSERT_OK(next->remove());
  }
  over.store(true);
  reader.join();
}

TEST(TaskHandle, a_callable_that_removes_its_own_task_is_destroyed_once) {
  static std::uint32_t destroyed = 0;
  struct Removes {
    Removes() = default;
    Removes(Removes&& other) noexcept : live(std::exchange(other.live, false)) {}
    Removes& operator=(Removes&&) = delete;
    ~Removes() {
      if (!live || ++destroyed > 1) return;
      EXPECT_EQ(executor.task(0).remove().code(), StatusCode::failed_precondition);
    }
    void operator()() const {}
    bool live = true;
  };
  auto task = executor.add_task({.name = "removes", .period = 1h}, Removes());
  ASSERT_OK(task);
  ASSERT_OK(task->remove());
  EXPECT_EQ(destroyed, 1);
}

TEST(TaskHandle, a_removed_task_needs_no_worker) {
  auto task = executor.add_task({.name = "gone", .lane = takt::LaneId{1}, .period = 1ms}, [] {});
  ASSERT_OK(task);
  ASSERT_OK(task->remove());
  const Running running(executor, {{.name = "worker"}});
}

TEST(TaskHandle, histograms_go_to_the_next_task_empty) {
  const Running running(executor, {{.name = "worker"}});
  for (int round = 0; round < 3; ++round) {
    auto task = executor.add_task({.name = "recorded", .period = 1ms, .histograms = true}, [] {});
    ASSERT_OK(task);
    wait_until([&] { return task->stats().completed.get() >= 2; });
    ASSERT_OK(task->remove());
    std::uint64_t recorded = 0;
    for (std::uint32_t bucket = 0; bucket < takt::HistogramCounts::kBuckets; ++bucket) {
      recorded += task->stats().histograms.load()->response_time.count(bucket);
    }
    EXPECT_EQ(recorded, task->stats().completed.get());
  }
}

}  // namespace
