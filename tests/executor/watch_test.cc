// SPDX-License-Identifier: Apache-2.0
// watch(): jobs of descriptors, when they run, and how a watch ends.
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::DescriptorContext;
using takt::DescriptorHandle;
using takt::DescriptorState;
using takt::JobContext;
using takt::LaneId;
using takt::Priority;
using takt::Readiness;
using takt::Result;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Pipe;
using takt::test::Running;
using takt::test::SocketPair;
using takt::test::take_byte;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1};
constexpr std::uint32_t kSlots = 4;
takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 3, .lanes = 2, .jobs_per_lane = kSlots, .tasks = 2, .descriptors = 3}>
    executor;
constexpr WorkerConfig kWorker[] = {{.name = "worker"}};

/// Watches `descriptor` in the first lane; each job takes one byte and counts.
Result<DescriptorHandle> count_bytes(int descriptor, std::atomic<int>& count) {
  return executor.watch(kFirst, descriptor, Readiness::readable, [descriptor, &count] {
    if (take_byte(descriptor)) ++count;
  });
}

TEST(Watch, each_event_is_a_job) {
  Pipe pipe;
  std::atomic<int> count{0};
  const auto handle = count_bytes(pipe.here, count);
  ASSERT_OK(handle);
  EXPECT_TRUE(handle->valid());
  EXPECT_TRUE(handle->state() == DescriptorState::active);
  {
    const Running running(executor, {{.name = "worker"}});
    for (int i = 0; i < 20; ++i) {
      pipe.put();
      wait_until([&] { return count.load() == i + 1; });
    }
  }
  EXPECT_EQ(handle->stats().events.get(), handle->stats().completed.get());
  EXPECT_GE(handle->stats().events.get(), 20U);
}

// Level-triggered: what was there before, and what a job leaves, is reported.
TEST(Watch, sees_what_is_there_already) {
  Pipe pipe;
  for (int i = 0; i < 3; ++i) pipe.put();
  std::atomic<int> count{0};
  ASSERT_OK(count_bytes(pipe.here, count));
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return count.load() == 3; });
}

TEST(Watch, tells_the_job_what_is_ready) {
  SocketPair pair;
  std::atomic<bool> told{false};
  const takt::TimePoint before = takt::now();
  ASSERT_OK(executor.watch(kFirst, pair.here, Readiness::readable | Readiness::writable,
                           [&](const DescriptorContext& job) {
                             EXPECT_EQ(job.descriptor, pair.here);
                             EXPECT_TRUE(has(job.ready, Readiness::writable));
                             EXPECT_FALSE(has(job.ready, Readiness::readable));
                             EXPECT_GE(job.release, before);
                             EXPECT_GE(job.start, job.release);
                             EXPECT_TRUE(job.deadline == takt::kNever);
                             EXPECT_EQ(job.index, 0U);
                             told.store(true);
                             while (!job.stop_requested()) ::sched_yield();
                           }));
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return told.load(); });
}

TEST(Watch, takes_callables_of_three_kinds) {
  std::array<Pipe, 3> pipes;
  std::atomic<int> count{0};
  ASSERT_OK(executor.watch(kFirst, pipes[0].here, Readiness::readable, [&] {
    if (take_byte(pipes[0].here)) ++count;
  }));
  ASSERT_OK(executor.watch(kFirst, pipes[1].here, Readiness::readable, [&](const JobContext&) {
    if (take_byte(pipes[1].here)) ++count;
  }));
  ASSERT_OK(
      executor.watch(kFirst, pipes[2].here, Readiness::readable, [&](const DescriptorContext& job) {
        if (take_byte(job.descriptor)) ++count;
      }));
  for (const Pipe& pipe : pipes) pipe.put();
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return count.load() == 3; });
}

TEST(Watch, begins_while_the_executor_runs_and_sleeps) {
  Pipe pipe;
  std::atomic<int> count{0};
  const Running running(executor, {{.name = "worker"}});
  wait_until([] { return executor.worker_stats(0).sleeps.get() != 0; });
  ASSERT_OK(count_bytes(pipe.here, count));
  pipe.put();
  wait_until([&] { return count.load() == 1; });
}

TEST(Watch, posts_wake_a_worker_that_waits_for_descriptors) {
  Pipe pipe;
  std::atomic<int> count{0};
  ASSERT_OK(count_bytes(pipe.here, count));
  const Running running(executor, {{.name = "worker"}});
  for (int i = 0; i < 200; ++i) EXPECT_OK(executor.submit([] {})->wait());
}

TEST(Watch, timers_of_the_lane_go_on) {
  Pipe pipe;
  std::atomic<int> count{0};
  ASSERT_OK(count_bytes(pipe.here, count));
  const Running running(executor, {{.name = "worker"}});
  std::atomic<int> ticks{0};
  ASSERT_OK(executor.add_task({.name = "task", .period = 1ms}, [&](const JobContext& job) {
    EXPECT_GE(job.start, job.release);
    ++ticks;
  }));
  wait_until([&] { return ticks.load() >= 10; });
  pipe.put();
  wait_until([&] { return count.load() == 1; });
}

// The job has its own slot, and takes its turn by priority and age.
TEST(Watch, an_event_goes_before_a_release_of_lower_priority) {
  Pipe pipe;
  std::string order;
  ASSERT_OK(executor.watch(
      kFirst, pipe.here, Readiness::readable,
      [&] {
        EXPECT_TRUE(take_byte(pipe.here));
        order += 'd';
      },
      Priority::high));
  ASSERT_OK(executor.add_task({.name = "task", .priority = Priority::low, .period = 1ms},
                              [&] { order += 't'; }));
  const Running running(executor, {{.name = "worker"}});
  for (int i = 0; i < 10; ++i) {
    Gate gate;
    hold_worker(executor, gate);
    order.clear();
    pipe.put();
    takt::platform::sleep_until(takt::deadline_after(2ms));  // the task is due by then
    gate.open();
    auto first = executor.submit([&] { return order.front(); }, {.priority = Priority::low});
    ASSERT_OK(first);
    const Result<char> seen = first->wait();
    ASSERT_OK(seen);
    EXPECT_EQ(*seen, 'd');
  }
}

TEST(Watch, is_not_lost_when_the_lane_is_full) {
  Pipe pipe;
  std::atomic<int> order{0};
  std::atomic<int> seen{-1};
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.watch(
      kFirst, pipe.here, Readiness::readable,
      [&] {
        if (take_byte(pipe.here)) seen.store(order.load());
      },
      Priority::critical));
  Gate gate;
  hold_worker(executor, gate);
  while (executor.post([&order] { ++order; }, {.priority = Priority::low}).ok()) {
  }
  pipe.put();
  gate.open();
  wait_until([&] { return seen.load() >= 0 && order.load() == kSlots - 1; });
  EXPECT_EQ(seen.load(), 0);  // ahead of all posted jobs, at the first job boundary
}

// Each lane has its own; a busy lane sees its descriptors at job boundaries.
TEST(Watch, a_busy_lane_sees_events_between_its_jobs) {
  Pipe pipe;
  std::atomic<int> count{0};
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(count_bytes(pipe.here, count));
  struct Chain {
    std::atomic<int>& count;
    void operator()() const {
      if (count.load() == 0) EXPECT_OK(executor.post(Chain{count}));
    }
  };
  ASSERT_OK(executor.post(Chain{count}));  // never idle until the event was seen
  pipe.put();
  wait_until([&] { return count.load() == 1; });
}

// So does a worker that always has a job of its own, which would come first at the same priority.
TEST(Watch, a_worker_busy_with_its_own_posts_sees_events_between_them) {
  Pipe pipe;
  std::atomic<int> count{0};
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(count_bytes(pipe.here, count));
  struct Chain {
    std::atomic<int>& count;
    void operator()() const {
      if (count.load() == 0) post();
    }
    void post() const {
      EXPECT_OK(executor.post_to(takt::WorkerId{0}, *this, {.priority = Priority::low}));
    }
  };
  Chain{count}.post();
  pipe.put();
  wait_until([&] { return count.load() == 1; });
}

TEST(Watch, wakes_the_polling_worker_for_its_own_posts) {
  Pipe pipe;
  std::atomic<int> count{0};
  ASSERT_OK(count_bytes(pipe.here, count));
  const Running running(executor, {{.name = "one"}, {.name = "other"}});
  std::atomic<int> posts{0};
  for (int i = 0; i < 100; ++i) {
    for (const takt::WorkerId worker : {takt::WorkerId{0}, takt::WorkerId{1}}) {
      ASSERT_OK(executor.post_to(worker, [&posts] { ++posts; }));
    }
    wait_until([&] { return posts.load() == 2 * (i + 1); });
  }
}

TEST(Watch, a_paused_lane_leaves_events_for_later) {
  Pipe pipe;
  std::atomic<int> count{0};
  ASSERT_OK(count_bytes(pipe.here, count));
  const Running running(executor, {{.name = "one"}, {.name = "other"}});
  ASSERT_OK(executor.pause(kFirst));
  ASSERT_OK(executor.wait_paused_for(kFirst, kPatience));
  pipe.put();
  EXPECT_EQ(count.load(), 0);
  ASSERT_OK(executor.resume(kFirst));
  wait_until([&] { return count.load() == 1; });
}

// Whoever leads when it ceases to work hands that on, so that the other one polls.
TEST(Watch, workers_that_come_and_go_lose_no_event) {
  Pipe pipe;
  std::atomic<int> count{0};
  ASSERT_OK(count_bytes(pipe.here, count));
  const Running running(executor, {{.name = "one"}, {.name = "other"}});
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK(executor.set_active_workers(kFirst, i % 2 == 0 ? 1U : 2U));
    pipe.put();
    wait_until([&] { return count.load() == i + 1; });
  }
}

// Every descriptor is ready for ever, and so are their jobs; the task's turn comes all the same.
TEST(Watch, a_storm_starves_no_release) {
  std::array<Pipe, 3> pipes;
  std::atomic<std::uint64_t> storm{0};
  for (const Pipe& pipe : pipes) {
    ASSERT_OK(executor.watch(kFirst, pipe.there, Readiness::writable, [&storm] { ++storm; }));
  }
  const Running running(executor, {{.name = "worker"}});
  std::atomic<int> ticks{0};
  std::atomic<std::uint64_t> most_between{0};
  ASSERT_OK(executor.add_task({.name = "periodic", .period = 1ms}, [&] { ++ticks; }));
  wait_until([&] { return ticks.load() >= 20 && storm.load() >= 100; });
  // Behind a posted job each descriptor runs once at most before it: order, not time.
  for (int i = 0; i < 50; ++i) {
    Gate gate;
    hold_worker(executor, gate);
    const std::uint64_t before = storm.load();
    auto job = executor.submit([&] { return storm.load(); });
    ASSERT_OK(job);
    gate.open();
    const Result<std::uint64_t> after = job->wait();
    ASSERT_OK(after);
    if (*after - before > most_between.load()) most_between.store(*after - before);
  }
  EXPECT_LE(most_between.load(), pipes.size());
}

TEST(Watch, a_callback_never_runs_twice_at_once) {
  Pipe pipe;
  std::atomic<int> inside{0};
  std::atomic<int> runs{0};
  ASSERT_OK(executor.watch(kFirst, pipe.there, Readiness::writable, [&] {
    EXPECT_EQ(inside.fetch_add(1), 0);
    ::sched_yield();
    inside.fetch_sub(1);
    ++runs;
  }));
  const Running running(executor, {{.name = "a"}, {.name = "b"}, {.name = "c"}});
  wait_until([&] { return runs.load() >= 500; });
}

// Two workers: each job waits for the other, so the lead in the poll is handed on.
TEST(Watch, several_workers_run_several_descriptors) {
  std::array<Pipe, 2> pipes;
  std::atomic<int> inside{0};
  std::atomic<int> rounds{0};
  for (const Pipe& pipe : pipes) {
    ASSERT_OK(executor.watch(kFirst, pipe.here, Readiness::readable, [&, here = pipe.here] {
      EXPECT_TRUE(take_byte(here));
      const int round = rounds.load();
      if (inside.fetch_add(1) + 1 == 2 * (round + 1)) rounds.store(round + 1);
      while (rounds.load() == round) ::sched_yield();
    }));
  }
  const Running running(executor, {{.name = "a"}, {.name = "b"}});
  for (int i = 0; i < 50; ++i) {
    for (const Pipe& pipe : pipes) pipe.put();
    wait_until([&] { return rounds.load() == i + 1; });
  }
}

TEST(Watch, survives_a_stop) {
  Pipe pipe;
  std::atomic<int> count{0};
  const auto handle = count_bytes(pipe.here, count);
  ASSERT_OK(handle);
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(executor.start(kWorker, kAnyMemory));
    pipe.put();
    wait_until([&] { return count.load() == 2 * i + 1; });
    EXPECT_OK(executor.stop(i == 1 ? StopMode::cancel : StopMode::drain, kPatience));
    pipe.put();  // for the next start
    EXPECT_TRUE(handle->state() == DescriptorState::active);
    ASSERT_OK(executor.start(kWorker, kAnyMemory));
    wait_until([&] { return count.load() == 2 * i + 2; });
    EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  }
}

TEST(Watch, a_cancelled_job_is_reported_anew) {
  Pipe pipe;
  std::atomic<int> count{0};
  const auto handle = count_bytes(pipe.here, count);
  ASSERT_OK(handle);
  // The gate's job and the descriptor's are both there when the worker looks.
  ASSERT_OK(executor.start(kWorker, kAnyMemory));
  Gate first;
  Gate second;
  hold_worker(executor, first);
  ASSERT_OK(executor.post([&second] { second.pass(); }, {.priority = Priority::critical}));
  pipe.put();
  first.open();
  second.wait_for_entries();  // the event was collected at the boundary before
  EXPECT_EQ(handle->stats().events.get(), 1U);
  EXPECT_EQ(executor.stop(StopMode::cancel, 0ns).code(), StatusCode::timed_out);
  second.open();
  EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_EQ(handle->stats().cancelled.get(), 1U);
  EXPECT_EQ(count.load(), 0);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return count.load() == 1; });
}

TEST(Watch, suspend_is_backpressure) {
  Pipe pipe;
  std::atomic<int> count{0};
  const auto watched = count_bytes(pipe.here, count);
  ASSERT_OK(watched);
  DescriptorHandle handle = *watched;
  const Running running(executor, {{.name = "worker"}});
  EXPECT_OK(handle.suspend());
  EXPECT_OK(handle.suspend());
  EXPECT_TRUE(handle.state() == DescriptorState::suspended);
  pipe.put();
  for (int i = 0; i < 20; ++i) EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_EQ(count.load(), 0);
  EXPECT_OK(handle.resume());
  EXPECT_OK(handle.resume());
  wait_until([&] { return count.load() == 1; });
}

TEST(Watch, a_job_may_suspend_its_descriptor) {
  Pipe pipe;
  std::atomic<int> runs{0};
  DescriptorHandle handle;
  {
    const auto watched = executor.watch(kFirst, pipe.there, Readiness::writable, [&] {
      ++runs;
      EXPECT_OK(handle.suspend());
    });
    ASSERT_OK(watched);
    handle = *watched;
  }
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return runs.load() == 1; });
  for (int i = 0; i < 20; ++i) EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_EQ(runs.load(), 1);
  EXPECT_OK(handle.resume());
  wait_until([&] { return runs.load() == 2; });
}

TEST(Watch, remove_destroys_the_callable_and_frees_the_slot) {
  Pipe pipe;
  std::atomic<int> alive{0};
  const Running running(executor, {{.name = "worker"}});
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> ran{0};
    auto handle = executor.watch(kFirst, pipe.there, Readiness::writable,
                                 [token = takt::test::Token(alive), &ran] { ++ran; });
    ASSERT_OK(handle);
    wait_until([&] { return ran.load() != 0; });
    // Beside its jobs, which go on and on.
    EXPECT_OK(handle->remove());
    const int last = ran.load();
    EXPECT_EQ(alive.load(), 0);
    EXPECT_TRUE(handle->state() == DescriptorState::removed);
    EXPECT_EQ(handle->remove().code(), StatusCode::failed_precondition);
    EXPECT_OK(executor.submit([] {})->wait());
    EXPECT_EQ(ran.load(), last);
  }
}

TEST(Watch, a_stale_handle_does_nothing_to_the_next) {
  Pipe pipe;
  std::atomic<int> count{0};
  auto first = count_bytes(pipe.here, count);
  ASSERT_OK(first);
  EXPECT_OK(first->remove());
  auto second = count_bytes(pipe.here, count);  // in the same slot
  ASSERT_OK(second);
  EXPECT_TRUE(first->state() == DescriptorState::removed);
  for (const Status& status :
       {first->suspend(), first->resume(), first->remove(), first->request_remove()}) {
    EXPECT_EQ(status.code(), StatusCode::failed_precondition);
  }
  EXPECT_EQ(std::string_view(first->suspend().text()), "suspend: the descriptor was removed");
  EXPECT_TRUE(second->state() == DescriptorState::active);
}

TEST(Watch, remove_waits_for_the_running_job) {
  Pipe pipe;
  Gate gate;
  pipe.put();
  auto handle = executor.watch(kFirst, pipe.here, Readiness::readable, [&gate] { gate.pass(); });
  ASSERT_OK(handle);
  const Running running(executor, {{.name = "worker"}});
  gate.wait_for_entries();
  EXPECT_EQ(handle->remove_for(0ns).code(), StatusCode::timed_out);
  EXPECT_TRUE(handle->state() == DescriptorState::removing);
  std::atomic<bool> removed{false};
  std::thread remover([&] {
    EXPECT_OK(handle->remove());
    removed.store(true);
  });
  for (int i = 0; i < 100; ++i) ::sched_yield();
  EXPECT_FALSE(removed.load());
  gate.open();
  remover.join();
}

TEST(Watch, a_job_cannot_wait_for_its_own_lane) {
  Pipe pipe;
  std::atomic<bool> tried{false};
  DescriptorHandle handle;
  const auto watched = executor.watch(kFirst, pipe.there, Readiness::writable, [&] {
    if (tried.load()) return;
    const Status status = handle.remove();
    EXPECT_EQ(status.code(), StatusCode::failed_precondition);
    EXPECT_EQ(std::string_view(status.text()),
              "remove: a job of the descriptor's own lane would wait for itself");
    EXPECT_TRUE(handle.state() == DescriptorState::active);
    tried.store(true);
  });
  ASSERT_OK(watched);
  handle = *watched;
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return tried.load(); });
}

TEST(Watch, a_job_may_request_its_removal) {
  std::atomic<int> alive{0};
  const Running running(executor, {{.name = "worker"}});
  for (int i = 0; i < 10; ++i) {
    Pipe pipe;
    DescriptorHandle handle;
    Gate gate;
    const auto watched = executor.watch(
        kFirst, pipe.there, Readiness::writable, [&, token = takt::test::Token(alive)] {
          gate.pass();
          EXPECT_OK(handle.request_remove());
          EXPECT_EQ(handle.request_remove().code(), StatusCode::failed_precondition);
          pipe.close_there();
          EXPECT_EQ(alive.load(), 1);
        });
    ASSERT_OK(watched);
    handle = *watched;
    gate.open();
    wait_until([&] { return handle.state() == DescriptorState::removed; });
    EXPECT_EQ(alive.load(), 0);
  }
}

TEST(Watch, a_removal_may_be_requested_of_an_idle_one) {
  Pipe pipe;
  std::atomic<int> alive{0};
  auto handle =
      executor.watch(kFirst, pipe.here, Readiness::readable, [token = takt::test::Token(alive)] {});
  ASSERT_OK(handle);
  EXPECT_OK(handle->request_remove());
  EXPECT_EQ(alive.load(), 0);
  EXPECT_TRUE(handle->state() == DescriptorState::removed);
}

TEST(Watch, a_job_that_throws_is_counted_and_comes_again) {
  Pipe pipe;
  auto handle = executor.watch(kFirst, pipe.there, Readiness::writable, [] { throw 1; });
  ASSERT_OK(handle);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return handle->stats().failed.get() >= 3; });
  EXPECT_EQ(handle->stats().completed.get(), 0U);
}

struct Wrong {
  const char* name;
  LaneId lane;
  int descriptor;
  Priority priority;
  StatusCode code;
  int error;
  std::string_view text;
};
TEST_EACH(Watch, says_what_is_wrong,
          Wrong{"lane", LaneId{7}, 0, Priority::normal, StatusCode::invalid_argument, 0,
                "watch: no lane 7, there are 2 (ExecutorLimits::lanes)"},
          Wrong{"priority", kFirst, 0, Priority{9}, StatusCode::invalid_argument, 0,
                "watch: no such priority"},
          Wrong{"descriptor", kFirst, -1, Priority::normal, StatusCode::invalid_argument, EBADF,
                "watch: descriptor -1 is not open"},
          Wrong{"no_worker", kSecond, 0, Priority::normal, StatusCode::failed_precondition, 0,
                "watch: lane 1 has no worker"}) {
  const Running running(executor, {{.name = "worker", .lane = kFirst}});
  const auto handle = executor.watch(
      param.lane, param.descriptor, Readiness::readable, [] {}, param.priority);
  EXPECT_EQ(handle.code(), param.code);
  EXPECT_EQ(handle.status().error_number(), param.error);
  EXPECT_EQ(std::string_view(handle.status().text()), param.text);
}

TEST_EACH(Watch, takes_only_what_readiness_has, 0xFF00'0000U, 0x40U, 1U << 31 | 1U) {
  const Pipe pipe;
  const auto handle = executor.watch(kFirst, pipe.here, Readiness{param}, [] {});
  EXPECT_EQ(handle.code(), StatusCode::invalid_argument);
  EXPECT_EQ(handle.status().error_number(), 0);
  EXPECT_TRUE(std::string_view(handle.status().text())
                  .ends_with(": wanted has bits that Readiness has not"),
              "%s", handle.status().text());
}

TEST(Watch, has_as_many_as_the_limits_say) {
  std::array<Pipe, 4> pipes;
  std::atomic<int> count{0};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_OK(count_bytes(pipes[i].here, count));
  const auto full = count_bytes(pipes[3].here, count);
  EXPECT_EQ(full.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(std::string_view(full.status().text()),
            "watch: all 3 slots (ExecutorLimits::descriptors) are in use");
}

TEST(Watch, one_lane_watches_a_descriptor_once) {
  Pipe pipe;
  std::atomic<int> count{0};
  ASSERT_OK(count_bytes(pipe.here, count));
  const auto again = count_bytes(pipe.here, count);
  EXPECT_EQ(again.code(), StatusCode::failed_precondition);
  EXPECT_EQ(again.status().error_number(), EEXIST);
  EXPECT_OK(executor.watch(kSecond, pipe.here, Readiness::readable, [] {}));
}

TEST(Watch, a_lane_that_watches_needs_a_worker) {
  Pipe pipe;
  auto handle = executor.watch(kSecond, pipe.here, Readiness::readable, [] {});
  ASSERT_OK(handle);
  const Status status = executor.start(kWorker, kAnyMemory);
  EXPECT_EQ(status.code(), StatusCode::failed_precondition);
  EXPECT_TRUE(
      std::string_view(status.text()).ends_with(" is watched in lane 1, which has no worker"), "%s",
      status.text());
  EXPECT_OK(handle->remove());
  ASSERT_OK(executor.start(kWorker, kAnyMemory));
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(Watch, names_the_stuck_descriptor) {
  Pipe pipe;
  Gate gate;
  pipe.put();
  auto handle = executor.watch(kFirst, pipe.here, Readiness::readable, [&gate] { gate.pass(); });
  ASSERT_OK(handle);
  ASSERT_OK(executor.start(kWorker, kAnyMemory));
  gate.wait_for_entries();
  const Status stopped = executor.stop(StopMode::drain, 1ms);
  EXPECT_EQ(stopped.code(), StatusCode::timed_out);
  takt::Text<96> text;
  text << "worker 'worker' is stuck in the job of descriptor " << pipe.here;
  EXPECT_EQ(std::string_view(stopped.text()), text.view());
  gate.open();
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST_EACH(Watch, stops_in_every_state, StopMode::drain, StopMode::cancel) {
  Pipe quiet;
  Pipe loud;
  std::atomic<int> count{0};
  ASSERT_OK(count_bytes(quiet.here, count));
  ASSERT_OK(executor.watch(kFirst, loud.there, Readiness::writable, [&count] { ++count; }));
  for (int i = 0; i < 20; ++i) {
    const WorkerConfig workers[] = {{.name = "a"}, {.name = "b"}};
    ASSERT_OK(executor.start(std::span(workers, i % 2 == 0 ? 1 : 2), kAnyMemory));
    const int before = count.load();
    if (i % 4 < 2) wait_until([&] { return count.load() > before; });
    EXPECT_OK(executor.stop(param, kPatience));
  }
}

}  // namespace
