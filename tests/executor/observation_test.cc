// SPDX-License-Identifier: Apache-2.0
// What the executor lets be seen of its workers: activity words and event rings.
#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::EventKind;
using takt::EventReader;
using takt::JobContext;
using takt::LaneId;
using takt::StopMode;
using takt::TimePoint;
using takt::WorkerActivity;
using takt::WorkerEvent;
using takt::WorkerPhase;
using takt::WorkerState;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1};
constexpr takt::ExecutorLimits kLimits{.workers = 2,
                                       .lanes = 2,
                                       .jobs_per_lane = 8,
                                       .tasks = 2,
                                       .descriptors = 1,
                                       .events_per_worker = 1000};
takt::StaticExecutor<kLimits> executor;
takt::StaticExecutor<takt::ExecutorLimits{}> silent;

/// All events that are there now.
std::vector<WorkerEvent> read_all(EventReader& reader) {
  std::vector<WorkerEvent> events;
  while (const auto event = reader.next()) events.push_back(*event);
  return events;
}

/// Those about jobs.
std::vector<WorkerEvent> of_jobs(const std::vector<WorkerEvent>& events) {
  std::vector<WorkerEvent> chosen;
  for (const WorkerEvent& event : events) {
    if (event.kind() < EventKind::park) chosen.push_back(event);
  }
  return chosen;
}

// A number that nobody has is a bug of the caller's, not a look at other memory.
TEST(Observation, refuses_numbers_beyond_the_limits) {
  const char* worker = "there is no such worker (ExecutorLimits::workers)";
  EXPECT_ABORT([] { static_cast<void>(executor.worker_stats(2)); }, worker);
  EXPECT_ABORT([] { static_cast<void>(executor.worker_events(2)); }, worker);
  EXPECT_ABORT([] { static_cast<void>(executor.worker_activity(2)); }, worker);
  EXPECT_ABORT([] { static_cast<void>(executor.stack_high_water(2)); }, worker);
  EXPECT_ABORT([] { static_cast<void>(executor.stack_bytes(2)); }, worker);
  EXPECT_ABORT([] { static_cast<void>(executor.lane_stats(LaneId{2})); }, "no such lane");
  EXPECT_ABORT([] { static_cast<void>(executor.task(2)); }, "no such task");
}

TEST(Events, a_ring_holds_what_its_limit_says) {
  EXPECT_EQ(executor.worker_events(1).capacity(), 1024);
  EXPECT_FALSE(silent.worker_events(0).enabled());
}

TEST(Events, tell_of_a_descriptors_jobs) {
  const takt::test::Pipe pipe;
  EventReader reader(executor.worker_events(0));
  Gate ran;
  ASSERT_OK(executor.watch(kFirst, pipe.here, takt::Readiness::readable, [&] {
    if (takt::test::take_byte(pipe.here)) ran.enter();
  }));
  {
    const Running running(executor, {{.name = "one", .lane = kFirst}});
    for (std::uint32_t i = 0; i < 2; ++i) {
      pipe.put();
      ran.wait_for_entries(i + 1);
    }
  }
  const std::vector<WorkerEvent> events = of_jobs(read_all(reader));
  ASSERT_EQ(events.size(), 6);
  constexpr EventKind kKinds[] = {EventKind::release, EventKind::start, EventKind::completed};
  for (std::uint32_t i = 0; i < 6; ++i) {
    EXPECT_TRUE(events[i].kind() == kKinds[i % 3]);
    EXPECT_FALSE(events[i].is_task());
    EXPECT_EQ(events[i].lane(), 0);
    EXPECT_EQ(events[i].number(), kLimits.jobs_per_lane);  // behind the lane's slots
    EXPECT_EQ(events[i].index(), i / 3);
    if (i != 0) EXPECT_GE(events[i].time(), events[i - 1].time());
  }
}

TEST(Events, tell_the_life_of_a_job) {
  EventReader reader(executor.worker_events(1));
  const TimePoint before = takt::now();
  {
    const Running running(executor,
                          {{.name = "one", .lane = kFirst}, {.name = "two", .lane = kSecond}});
    auto job = executor.submit([] {}, {.lane = kSecond});
    ASSERT_OK(job);
    EXPECT_OK(job->wait());
  }
  const TimePoint after = takt::now();
  const std::vector<WorkerEvent> events = of_jobs(read_all(reader));
  ASSERT_EQ(events.size(), 3);
  EXPECT_TRUE(events[0].kind() == EventKind::release);
  EXPECT_TRUE(events[1].kind() == EventKind::start);
  EXPECT_TRUE(events[2].kind() == EventKind::completed);
  TimePoint last = before;
  for (const WorkerEvent& event : events) {
    EXPECT_FALSE(event.is_task());
    EXPECT_EQ(event.lane(), 1);
    EXPECT_EQ(event.number(), 0);
    EXPECT_EQ(event.index(), 1);  // the first job in its slot
    EXPECT_GE(event.time(), last);
    last = event.time();
  }
  EXPECT_LE(last, after);
  EXPECT_EQ(reader.lost(), 0);
}

TEST(Events, tell_outcomes) {
  EventReader reader(executor.worker_events(0));
  {
    const Running running(executor, {{.name = "worker"}});
    Gate gate;
    hold_worker(executor, gate);
    auto thrown = executor.submit([] { throw std::runtime_error("on purpose"); });
    ASSERT_OK(thrown);
    auto cancelled = executor.submit([] {});
    ASSERT_OK(cancelled);
    EXPECT_TRUE(cancelled->cancel());
    ASSERT_OK(executor.post([] {}, {.deadline = takt::now() - 1ns}));
    gate.open();
    EXPECT_EQ(thrown->wait().code(), takt::StatusCode::failed);
    EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  }
  std::array<int, 16> count{};
  for (const WorkerEvent& event : read_all(reader)) ++count[static_cast<std::size_t>(event.kind())];
  const auto counted = [&count](EventKind kind) { return count[static_cast<std::size_t>(kind)]; };
  EXPECT_EQ(counted(EventKind::release), 3);
  EXPECT_EQ(counted(EventKind::start), 3);
  EXPECT_EQ(counted(EventKind::completed), 2);
  EXPECT_EQ(counted(EventKind::failed), 1);
  EXPECT_EQ(counted(EventKind::cancelled), 1);
  EXPECT_EQ(counted(EventKind::deadline_miss), 1);
}

TEST(Events, tell_which_jobs_a_stop_cancelled) {
  EventReader reader(executor.worker_events(0));
  ASSERT_OK(executor.start(std::array{takt::WorkerConfig{.name = "worker"}}, kAnyMemory));
  Gate gate;
  hold_worker(executor, gate);
  ASSERT_OK(executor.post([] { ADD_FAILURE("it was cancelled"); }));
  EXPECT_EQ(executor.stop(StopMode::cancel, 0ns).code(), takt::StatusCode::timed_out);
  gate.open();
  EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
  const std::vector<WorkerEvent> events = of_jobs(read_all(reader));
  ASSERT_EQ(events.size(), 4);
  EXPECT_TRUE(events[2].kind() == EventKind::completed);
  EXPECT_TRUE(events[3].kind() == EventKind::cancelled);
  EXPECT_NE(events[3].number(), events[2].number());
}

TEST(Events, tell_a_task_s_jobs_overruns_and_misses) {
  EventReader reader(executor.worker_events(0));
  Gate gate;
  auto task = executor.add_task({.name = "task", .period = 1ms, .budget = 1ns},
                                [&gate](const JobContext& job) {
                                  if (job.index == 0) gate.pass();
                                });
  ASSERT_OK(task);
  {
    const Running running(executor, {{.name = "worker"}, {.name = "other"}});
    gate.wait_for_entries();
    // The other worker sees at least one release pass by.
    wait_until([&] { return task->stats().overruns.get() >= 1; });
    gate.open();
    wait_until([&] { return task->stats().completed.get() >= 2; });
  }
  EventReader others(executor.worker_events(1));
  std::vector<WorkerEvent> events = of_jobs(read_all(reader));
  const std::vector<WorkerEvent> rest = of_jobs(read_all(others));
  events.insert(events.end(), rest.begin(), rest.end());
  std::uint64_t starts = 0;
  std::uint64_t overruns = 0;
  std::uint64_t misses = 0;
  std::uint64_t excesses = 0;
  for (const WorkerEvent& event : events) {
    EXPECT_TRUE(event.is_task());
    EXPECT_EQ(event.number(), 0);
    if (event.kind() == EventKind::release) {
      // Its point on the grid, exactly.
      EXPECT_EQ((event.time() - executor.epoch()) / 1ms, event.index());
      EXPECT_EQ((event.time() - executor.epoch()) % 1ms, 0ns);
    }
    starts += event.kind() == EventKind::start ? 1U : 0U;
    overruns += event.kind() == EventKind::overrun ? 1U : 0U;
    misses += event.kind() == EventKind::deadline_miss && event.index() == 0 ? 1U : 0U;
    excesses += event.kind() == EventKind::budget_overrun ? 1U : 0U;
  }
  EXPECT_GE(overruns, 1);
  EXPECT_EQ(misses, 1);
  EXPECT_EQ(starts, task->stats().completed.get());
  EXPECT_EQ(excesses, task->stats().budget_overruns.get());
  EXPECT_OK(task->remove());
}

TEST(Events, tell_when_a_worker_sleeps) {
  EventReader reader(executor.worker_events(0));
  {
    const Running running(executor, {{.name = "worker"}});
    wait_until([] { return executor.worker_stats(0).sleeps.get() >= 1; });
  }
  const std::vector<WorkerEvent> events = read_all(reader);
  ASSERT_TRUE(events.size() >= 2);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_TRUE(events[i].kind() == (i % 2 == 0 ? EventKind::park : EventKind::wake));
    EXPECT_EQ(events[i].lane(), 0);
    EXPECT_FALSE(events[i].is_task());
  }
  EXPECT_EQ(events.size() % 2, 0);
}

TEST(Events, imply_time_stamps) {
  EventReader reader(executor.worker_events(0));
  {
    const Running running(executor, {{.name = "worker"}},
                          {.on_denied = takt::OnDenied::degrade, .time_stamps = false});
    auto job = executor.submit([](const JobContext& context) { return context.start; });
    ASSERT_OK(job);
    EXPECT_GT(*job->wait(), takt::from_ns(0));
  }
  EXPECT_EQ(of_jobs(read_all(reader)).size(), 3);
}

TEST(Activity, is_zero_bits_while_there_is_no_worker) {
  EXPECT_TRUE(silent.worker_activity(0) == WorkerActivity());
  EXPECT_TRUE(silent.worker_activity(0).state() == WorkerState::stopped);
}

TEST(Activity, shows_what_a_worker_does) {
  {
    const Running running(silent, {{.name = "worker"}});
    wait_until([] { return silent.worker_activity(0).phase() == WorkerPhase::idle; });
    const WorkerActivity idle = silent.worker_activity(0);
    EXPECT_TRUE(idle.state() == WorkerState::running);
    EXPECT_TRUE(silent.worker_activity(0) == idle);  // nothing has happened

    Gate gate;
    hold_worker(silent, gate);
    const WorkerActivity busy = silent.worker_activity(0);
    EXPECT_TRUE(busy.phase() == WorkerPhase::in_job);
    EXPECT_TRUE(busy.state() == WorkerState::running);
    EXPECT_FALSE(busy.is_task());
    EXPECT_EQ(busy.number(), 0);
    EXPECT_NE(busy.since(), idle.since());
    EXPECT_TRUE(silent.worker_activity(0) == busy);  // stuck, as far as a monitor can see

    // The same slot number again, another job: not the same activity.
    Gate second;
    for (std::uint32_t slot = 1; slot < 16; ++slot) ASSERT_OK(silent.post([] {}));
    gate.open();
    wait_until([] { return takt::test::jobs_run(silent) == 16; });
    hold_worker(silent, second);
    EXPECT_TRUE(silent.worker_activity(0).phase() == WorkerPhase::in_job);
    EXPECT_TRUE(silent.worker_activity(0) != busy);
  }
  EXPECT_TRUE(silent.worker_activity(0).state() == WorkerState::stopped);
}

TEST(Activity, names_the_task) {
  Gate gate;
  auto other = silent.add_task({.name = "other", .period = 1h, .offset = 1h}, [] {});
  ASSERT_OK(other);
  auto task = silent.add_task({.name = "task", .period = 1ms}, [&gate] { gate.pass(); });
  ASSERT_OK(task);
  {
    const Running running(silent, {{.name = "worker"}});
    gate.wait_for_entries();
    const WorkerActivity activity = silent.worker_activity(0);
    EXPECT_TRUE(activity.phase() == WorkerPhase::in_job);
    EXPECT_TRUE(activity.is_task());
    EXPECT_EQ(activity.number(), 1);
    gate.open();
  }
  EXPECT_OK(task->remove());
  EXPECT_OK(other->remove());
}

TEST(Activity, a_sleeper_whose_release_is_due_is_ready) {
  // Asked for a time that has not come: then the worker is one that does not get the CPU.
  auto task = silent.add_task({.name = "task", .period = 1h, .offset = 1h}, [] {});
  ASSERT_OK(task);
  {
    const Running running(silent, {{.name = "worker"}});
    const TimePoint release = silent.epoch() + 1h;
    // Idle is said before the lane has it among the sleepers: both hold once it sleeps.
    wait_until([release] {
      return silent.worker_activity(0, release - 1ns).phase() == WorkerPhase::idle &&
             silent.worker_activity(0, release).phase() == WorkerPhase::ready;
    });
    EXPECT_EQ(silent.worker_activity(0, release).since(), silent.worker_activity(0).since());
  }
  EXPECT_OK(task->remove());
}

TEST(Activity, a_refused_worker_is_in_error) {
  const std::array workers{
      takt::WorkerConfig{.name = "good"},
      takt::WorkerConfig{.name = "bad", .cpus = takt::CpuSet::of(takt::CpuSet::kCapacity - 1)}};
  ASSERT_TRUE(!executor.start(workers, kAnyMemory).ok());
  EXPECT_TRUE(executor.worker_activity(0).state() == WorkerState::stopped);
  EXPECT_TRUE(executor.worker_activity(1).state() == WorkerState::error);
}

// A monitor that never pauses beside workers that never do; tsan looks on.
TEST(Activity, may_be_read_at_any_time) {
  const Running running(executor,
                        {{.name = "one", .lane = kFirst}, {.name = "two", .lane = kFirst}});
  EventReader first(executor.worker_events(0));
  EventReader second(executor.worker_events(1));
  std::uint64_t events = 0;
  std::uint32_t posted = 0;
  // start() returns when both are configured; until they run they are `created`.
  wait_until([] {
    return executor.worker_activity(0).state() == WorkerState::running &&
           executor.worker_activity(1).state() == WorkerState::running;
  });
  while (posted < 2'000) {
    if (executor.post([] {}).ok()) ++posted;
    for (std::uint32_t worker = 0; worker < 2; ++worker) {
      EXPECT_TRUE(executor.worker_activity(worker).state() == WorkerState::running);
    }
    while (first.next().has_value()) ++events;
    while (second.next().has_value()) ++events;
  }
  wait_until([] { return takt::test::jobs_run(executor) == 2'000; });
  EXPECT_GE(events + first.lost() + second.lost(), 1);
}

}  // namespace
