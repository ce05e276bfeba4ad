// SPDX-License-Identifier: Apache-2.0
// The watchdog in virtual time: each injected fault meets the right verdict, by name and in time.
#include "takt/monitor/watchdog.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "takt/tests/monitor/supervised_world.h"
#include "takt/tests/platform/fake_watchdog.h"
#include "takt/tests/platform/manager_socket.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ByMode;
using takt::Duration;
using takt::EntityExpectation;
using takt::Fault;
using takt::GlobalState;
using takt::LocalState;
using takt::SupervisedEntity;
using takt::TaskExpectation;
using takt::TimePoint;
using takt::Verdict;
using takt::WatchdogConfig;
using takt::WatchMode;
using takt::WorkerExpectation;
using takt::platform::SystemCall;
using takt::test::FakeWatchdog;
using takt::test::FaultInjection;
using takt::test::ManagerSocket;
using World = takt::test::SupervisedWorld;

struct Injection {
  const char* name;
  Fault expected;
  const char* whom;
  Duration window;  // of the supervision that finds it
  void (*inject)(World& world);
};

// The verdict table of monitor/README.md; its last row is livelock_test.cc's.
TEST_EACH(Watchdog, finds_what_is_injected_in_time,
          Injection{"entity hangs in its next round", Fault::checkpoint_late, "loop", 15ms,
                    [](World& world) { world.hangs = true; }},
          Injection{"entity reports nothing any more", Fault::too_few_indications, "loop",
                    World::kWindow, [](World& world) { world.silent = true; }},
          Injection{"entity is too slow", Fault::too_few_indications, "loop", 2 * World::kWindow,
                    [](World& world) { world.loop_period = 14ms; }},
          Injection{"entity runs wild", Fault::too_many_indications, "loop", World::kWindow,
                    [](World& world) { world.loop_period = 5ms; }},
          Injection{"checkpoint comes early", Fault::checkpoint_early, "loop", 10ms,
                    [](World& world) { world.round = 0ms; }},
          Injection{"checkpoint comes late", Fault::checkpoint_late, "loop", 10ms,
                    [](World& world) { world.round = 7ms; }},
          Injection{"checkpoint is left out", Fault::wrong_order, "loop", 10ms,
                    [](World& world) { world.skips_compute = true; }},
          Injection{"task hangs", Fault::too_few_indications, "servo", World::kWindow,
                    [](World& world) { world.servo_runs = false; }},
          Injection{"task misses its deadline", Fault::deadline_missed, "servo", 5ms,
                    [](World& world) { world.servo_is_late = true; }},
          Injection{"job blocks for ever", Fault::stuck_in_job, "control", 60ms,
                    [](World& world) {
                      world.work = World::Work::one_job;
                      world.use.wants_cpu = false;
                    }},
          Injection{"job loops for ever", Fault::stuck_in_job, "control", 60ms,
                    [](World& world) { world.work = World::Work::one_job; }},
          Injection{"job is preempted for ever", Fault::starved, "control", 60ms,
                    [](World& world) {
                      world.work = World::Work::one_job;
                      world.cpu_share = World::kTick / 20;
                    }},
          Injection{"worker gets no CPU", Fault::starved, "control", 40ms,
                    [](World& world) { world.work = World::Work::ready; }},
          Injection{"worker's thread ends, or never began", Fault::not_running, "control", 60ms,
                    [](World& world) { world.work = World::Work::stopped; }}) {
  // The phase between fault and glance is the enemy's.
  Duration worst{};
  for (Duration phase = 0ms; phase < World::kWindow; phase += 1ms) {
    World world;
    world.begin();
    world.advance(500ms + phase);
    ASSERT_EQ(world.verdicts.size(), 0U);
    param.inject(world);
    const Duration took = world.until_verdict(1s);
    ASSERT_EQ(world.verdicts.size(), 1U);
    const Verdict& verdict = world.verdicts.front();
    ASSERT_TRUE(verdict.finding.fault == param.expected, "%s",
                takt::to_string(verdict.finding.fault));
    ASSERT_EQ(std::string_view(verdict.name), param.whom);
    EXPECT_TRUE(verdict.state == LocalState::expired);
    EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
    worst = std::max(worst, took);
  }
  EXPECT_LE(worst.count(), (param.window + World::kPeriod).count());
  std::printf("| %s | %s '%s' | the same | %lld ms | %lld ms |\n", param.name,
              takt::to_string(param.expected), param.whom, static_cast<long long>(worst / 1ms),
              static_cast<long long>((param.window + World::kPeriod) / 1ms));
}

TEST(Watchdog, idle_is_well_however_long) {
  World world;
  world.begin();
  world.work = World::Work::idle;
  world.advance(10s);
  EXPECT_EQ(world.verdicts.size(), 0U);
  EXPECT_TRUE(world.watchdog.worker(0).state() == LocalState::ok);
}

TEST(Watchdog, that_was_suspended_accuses_nobody) {
  World world;
  world.begin();
  world.advance(200ms);
  // Everything stood still, as under SIGSTOP: nobody has worked, and a round took very long.
  world.suspended = true;
  world.hangs = true;
  world.servo_runs = false;
  world.work = World::Work::one_job;
  world.advance(700ms);
  world.suspended = false;
  world.hangs = false;
  world.servo_runs = true;
  world.work = World::Work::jobs;
  world.servo_is_late = true;  // jobs that the same disturbance has made late
  world.advance(50ms);
  world.servo_is_late = false;
  world.advance(2s);
  EXPECT_EQ(world.verdicts.size(), 0U);
  EXPECT_EQ(world.watchdog.late_glances(), 1U);
  EXPECT_GE(world.watchdog.greatest_lateness().count(), Duration(600ms).count());
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
  // It sees as before.
  world.hangs = true;
  EXPECT_LE(world.until_verdict(1s).count(), Duration(30ms).count());
}

TEST(Watchdog, a_hang_that_outlasts_its_own_suspension_is_found) {
  World world;
  world.begin();
  world.advance(200ms);
  world.hangs = true;
  world.suspended = true;
  world.advance(300ms);
  world.suspended = false;
  // Late checkpoints are forgiven for the settling time; silence is not.
  EXPECT_LE(world.until_verdict(1s).count(), (World::kWindow + 2 * World::kPeriod).count());
  ASSERT_EQ(world.verdicts.size(), 1U);
  EXPECT_EQ(std::string_view(world.verdicts[0].name), "loop");
}

/// The watchdog is suspended now and then: one glance 6 ms late, and then `in_time` without.
Duration until_verdict_of_a_disturbed_one(World& world, Duration in_time, Duration patience) {
  const TimePoint begin = world.now;
  while (world.verdicts.empty() && world.now - begin < patience) {
    world.until_verdict(in_time);
    world.suspended = true;
    world.advance(16ms);
    world.suspended = false;
  }
  return world.now - begin;
}

struct Hidden {
  const char* name;
  Fault expected;
  Duration in_time;
  Duration bound;
  void (*inject)(World& world);
};

// Windows of 100, 60 and 40 ms: each cycle of 96, 61 or 51 ms has one late glance.
TEST_EACH(Watchdog, a_fault_does_not_hide_behind_a_late_glance_now_and_then,
          Hidden{"silent", Fault::too_few_indications, 80ms, 300ms,
                 [](World& world) { world.silent = true; }},
          Hidden{"hangs", Fault::checkpoint_late, 80ms, 400ms,
                 [](World& world) { world.hangs = true; }},
          Hidden{"task hangs", Fault::too_few_indications, 80ms, 300ms,
                 [](World& world) { world.servo_runs = false; }},
          Hidden{"task misses its deadlines", Fault::deadline_missed, 80ms, 400ms,
                 [](World& world) { world.servo_is_late = true; }},
          Hidden{"stuck", Fault::stuck_in_job, 45ms, 300ms,
                 [](World& world) { world.work = World::Work::one_job; }},
          Hidden{"starved", Fault::starved, 35ms, 300ms,
                 [](World& world) { world.work = World::Work::ready; }},
          Hidden{"every other glance is late", Fault::too_few_indications, 12ms, 600ms,
                 [](World& world) { world.silent = true; }}) {
  World world;
  world.begin();
  world.advance(200ms);
  // As lawful as ever: nobody is accused.
  const Duration lawful = until_verdict_of_a_disturbed_one(world, param.in_time, 10s);
  EXPECT_GE(lawful.count(), Duration(10s).count());
  ASSERT_EQ(world.verdicts.size(), 0U);
  param.inject(world);
  const Duration took = until_verdict_of_a_disturbed_one(world, param.in_time, 10s);
  ASSERT_GE(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.verdicts[0].finding.fault == param.expected, "%s",
              takt::to_string(world.verdicts[0].finding.fault));
  EXPECT_LE(took.count(), param.bound.count());
}

TEST(Watchdog, that_is_mostly_late_accuses_itself) {
  World world;
  world.begin();
  for (int round = 0; round < 10 && world.verdicts.empty(); ++round) {
    world.advance(10ms);  // in time
    for (int glance = 0; glance < 5; ++glance) {
      world.now += 50ms;
      world.watchdog.step(world.now);
    }
  }
  ASSERT_EQ(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.verdicts[0].finding.fault == Fault::monitor_late);
}

TEST(Watchdog, that_is_always_late_accuses_itself) {
  World world;
  world.begin({.late_glances_tolerated = 3});
  for (int glance = 0; glance < 3; ++glance) {
    world.now += 50ms;
    world.watchdog.step(world.now);
  }
  EXPECT_EQ(world.verdicts.size(), 0U);
  world.now += 50ms;
  world.watchdog.step(world.now);
  ASSERT_EQ(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.verdicts[0].finding.fault == Fault::monitor_late);
  EXPECT_TRUE(world.verdicts[0].kind == takt::SubjectKind::watchdog);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
}

TEST(Watchdog, tolerance_bears_failed_cycles_and_then_no_more) {
  World world;
  EntityExpectation loop = World::kLoop;
  loop.tolerance = {.alive = 2, .deadline = 2, .logical = 2};
  world.begin({}, ByMode<EntityExpectation>::all(loop));
  world.advance(300ms);
  world.skips_compute = true;
  world.until_verdict(1s);
  EXPECT_TRUE(world.entity.state() == LocalState::failed);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::failed);
  world.skips_compute = false;
  world.advance(300ms);
  EXPECT_TRUE(world.entity.state() == LocalState::ok);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
  world.skips_compute = true;
  world.advance(400ms);
  EXPECT_TRUE(world.entity.state() == LocalState::expired);
  EXPECT_EQ(world.verdicts.size(), 4U);  // one, then three
  EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
}

struct Tolerated {
  const char* name;
  LocalState (*state)(const World& world);
  void (*set_well)(World& world, bool well);
};
LocalState state_of_task(const World& world) { return world.watchdog.task(0).state(); }
LocalState state_of_worker(const World& world) { return world.watchdog.worker(0).state(); }
// Two failed cycles are borne, of tasks and workers as of entities.
TEST_EACH(Watchdog, tolerance_of_tasks_and_workers_bears_as_much,
          Tolerated{"task is silent", &state_of_task,
                    [](World& world, bool well) { world.servo_runs = well; }},
          Tolerated{"task misses deadlines", &state_of_task,
                    [](World& world, bool well) { world.servo_is_late = !well; }},
          Tolerated{"worker is stuck", &state_of_worker, [](World& world, bool well) {
                      world.work = well ? World::Work::jobs : World::Work::one_job;
                    }}) {
  World world;
  TaskExpectation servo = World::kServo;
  servo.tolerance = {.alive = 2, .deadline = 2};
  WorkerExpectation control = World::kControl;
  control.tolerance = 2;
  world.begin({}, ByMode<EntityExpectation>::all(World::kLoop), ByMode<TaskExpectation>::all(servo),
              ByMode<WorkerExpectation>::all(control));
  world.advance(300ms);
  param.set_well(world, false);
  world.until_verdict(1s);
  EXPECT_TRUE(param.state(world) == LocalState::failed);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::failed);
  param.set_well(world, true);
  world.advance(500ms);
  EXPECT_TRUE(param.state(world) == LocalState::ok);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
  param.set_well(world, false);
  const std::size_t before = world.verdicts.size();
  world.advance(500ms);
  EXPECT_EQ(world.verdicts.size() - before, 3U);
  EXPECT_TRUE(param.state(world) == LocalState::expired);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
}

TEST(Watchdog, who_hangs_within_a_deadline_is_not_well_again_by_itself) {
  World world;
  const EntityExpectation loop{
      .active = true, .alive = {.window = World::kWindow}, .tolerance = {.deadline = 2}};
  world.begin({}, ByMode<EntityExpectation>::all(loop));
  world.advance(300ms);
  world.hangs = true;
  world.advance(400ms);
  EXPECT_TRUE(world.entity.state() == LocalState::expired);
  EXPECT_EQ(world.verdicts.size(), 3U);  // one a window
  EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
}

TEST(Watchdog, who_was_restarted_begins_its_order_anew) {
  World world;
  EntityExpectation loop = World::kLoop;
  loop.alive.min = 6;
  world.begin({.expired_tolerance = 20}, ByMode<EntityExpectation>::all(loop));
  world.advance(200ms);
  world.hangs = true;
  world.until_verdict(1s);
  ASSERT_EQ(world.verdicts.size(), 1U);
  ASSERT_TRUE(world.entity.state() == LocalState::expired);
  // Another loop in its place, which takes a while to come up.
  world.watchdog.reinstate();
  world.restart_loop(30ms);
  world.advance(2s);
  EXPECT_EQ(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.entity.state() == LocalState::ok);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
}

TEST(Watchdog, who_was_restarted_and_hangs_before_it_is_reinstated_is_found) {
  World world;
  // Nothing else would find it: nobody has to show that he is alive.
  const EntityExpectation loop{.active = true, .alive = {.window = World::kWindow}};
  world.begin({.expired_tolerance = 20}, ByMode<EntityExpectation>::all(loop));
  world.hangs = true;
  for (std::size_t hangs = 1; hangs <= 3; ++hangs) {
    // Up to two periods till it is reinstated and looked at, 5 ms, and a period till it is found.
    EXPECT_LE(world.until_verdict(10s).count(), Duration(35ms).count());
    ASSERT_EQ(world.verdicts.size(), hangs);
    EXPECT_TRUE(world.verdicts.back().finding.fault == Fault::checkpoint_late);
    ASSERT_TRUE(world.entity.state() == LocalState::expired);
    world.restart_loop(0ms);
    world.hangs = true;  // in the same step
    world.advance(World::kTick);
    world.watchdog.reinstate();
  }
}

/// Two loops, `other` and the world's, that must end their rounds in time and need not show that
/// they are alive: nothing else finds who hangs. Both hang, and expire with the same glance.
void hang_both(World& world, SupervisedEntity& other, WatchdogConfig config) {
  const takt::DeadlineRule rules[] = {
      {.from = World::kRead,
       .to = World::kWrite,
       .expected = ByMode<takt::DeadlineExpectation>::all({.max = 5ms})}};
  const auto expected =
      ByMode<EntityExpectation>::all({.active = true, .alive = {.window = World::kWindow}});
  ASSERT_OK(
      world.watchdog.supervise(other, {.name = "other", .deadlines = rules, .expected = expected}));
  world.begin(config, expected);
  world.advance(100ms);
  world.hangs = true;
  other.reached(World::kRead, world.now);
  world.until_verdict(1s);
  ASSERT_EQ(world.verdicts.size(), 2U);
  EXPECT_EQ(std::string_view(world.verdicts[0].name), "other");
  EXPECT_EQ(world.verdicts[0].number, 0U);
  EXPECT_EQ(std::string_view(world.verdicts[1].name), "loop");
  EXPECT_EQ(world.verdicts[1].number, 1U);
}

TEST(Watchdog, who_was_not_restarted_stays_expired_whoever_else_was) {
  World world;
  SupervisedEntity other;
  hang_both(world, other, {.expired_tolerance = 20});
  world.restart_loop(0ms);
  world.watchdog.reinstate(world.verdicts[1]);
  world.advance(100ms);
  EXPECT_TRUE(world.entity.state() == LocalState::ok);
  EXPECT_TRUE(other.state() == LocalState::expired);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::expired);
  world.advance(1s);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
  EXPECT_EQ(world.verdicts.size(), 2U);
}

TEST(Watchdog, each_is_reinstated_when_it_was_restarted) {
  World world;
  SupervisedEntity other;
  hang_both(world, other, {.expired_tolerance = 20});
  world.restart_loop(0ms);
  world.watchdog.reinstate(world.verdicts[1]);
  world.advance(100ms);
  world.watchdog.reinstate(world.verdicts[0]);  // by whoever took longer
  world.advance(1s);
  EXPECT_TRUE(other.state() == LocalState::ok);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
  EXPECT_EQ(world.verdicts.size(), 2U);
}

TEST(Watchdog, all_are_reinstated_when_all_were_restarted) {
  World world;
  SupervisedEntity other;
  hang_both(world, other, {.expired_tolerance = 20});
  world.restart_loop(0ms);
  world.watchdog.reinstate();
  world.advance(1s);
  EXPECT_TRUE(world.entity.state() == LocalState::ok);
  EXPECT_TRUE(other.state() == LocalState::ok);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
}

TEST(Watchdog, who_has_expired_again_is_not_reinstated_by_the_verdict_before) {
  World world;
  world.begin({.expired_tolerance = 50});
  world.hangs = true;
  world.until_verdict(1s);
  ASSERT_EQ(world.verdicts.size(), 1U);
  const auto restart_it = [&world](const Verdict& verdict) {
    world.restart_loop(0ms);
    world.watchdog.reinstate(verdict);
    world.advance(20ms);
  };
  restart_it(world.verdicts[0]);
  EXPECT_TRUE(world.entity.state() == LocalState::ok);
  world.hangs = true;
  world.until_verdict(1s);
  ASSERT_EQ(world.verdicts.size(), 2U);
  world.watchdog.reinstate(world.verdicts[0]);  // of whom that one restarted nobody knows
  world.advance(50ms);
  EXPECT_TRUE(world.entity.state() == LocalState::expired);
  restart_it(world.verdicts[1]);
  EXPECT_TRUE(world.entity.state() == LocalState::ok);
}

struct Restart {
  const char* name;
  takt::SubjectKind kind;
  void (*fail)(World& world);
  void (*restart)(World& world);
};

TEST_EACH(Watchdog, whatever_a_verdict_is_about_can_be_reinstated,
          Restart{"task", takt::SubjectKind::task, [](World& world) { world.servo_runs = false; },
                  [](World& world) { world.servo_runs = true; }},
          Restart{"worker", takt::SubjectKind::worker,
                  [](World& world) { world.work = World::Work::one_job; },
                  [](World& world) { world.work = World::Work::jobs; }},
          Restart{"watchdog", takt::SubjectKind::watchdog,
                  [](World& world) {
                    for (int glance = 0; glance < 4; ++glance) {
                      world.now += 50ms;
                      world.watchdog.step(world.now);
                    }
                  },
                  [](World&) {}}) {
  World world;
  world.begin({.late_glances_tolerated = 3, .expired_tolerance = 20});
  world.advance(200ms);
  param.fail(world);
  if (world.verdicts.empty()) world.until_verdict(1s);
  ASSERT_EQ(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.verdicts[0].kind == param.kind);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::expired);
  param.restart(world);
  Verdict nobody = world.verdicts[0];
  nobody.number = 7;
  if (param.kind != takt::SubjectKind::watchdog) world.watchdog.reinstate(nobody);
  world.advance(30ms);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::expired);
  world.watchdog.reinstate(world.verdicts[0]);
  world.advance(1s);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
  EXPECT_EQ(world.verdicts.size(), 1U);
}

TEST(Watchdog, what_a_predecessor_left_open_is_dropped_also_behind_a_late_glance) {
  World world;
  EntityExpectation loop = World::kLoop;
  loop.alive.min = 6;
  world.begin({.settling_time = World::kTick, .expired_tolerance = 20},
              ByMode<EntityExpectation>::all(loop));
  world.advance(200ms);
  world.hangs = true;
  world.until_verdict(1s);
  ASSERT_TRUE(world.entity.state() == LocalState::expired);
  world.suspended = true;
  world.advance(50ms);
  world.suspended = false;
  world.advance(20ms);
  world.watchdog.reinstate();
  world.restart_loop(30ms);
  world.advance(1s);
  EXPECT_EQ(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
}

TEST(Watchdog, no_finding_of_a_glance_is_lost) {
  takt::StaticWatchdog<takt::WatchdogLimits{.entities = 1, .tasks = 0, .workers = 0}> watchdog;
  SupervisedEntity entity;
  takt::DeadlineRule rules[SupervisedEntity::kDeadlines];
  std::uint32_t number = 0;
  for (takt::DeadlineRule& rule : rules) {
    rule = {.from = takt::CheckpointId{number},
            .to = takt::CheckpointId{number + 1},
            .expected = ByMode<takt::DeadlineExpectation>::all({.min = 2ms, .max = 5ms})};
    number += 2;
  }
  // Every order but one.
  std::vector<takt::Transition> order;
  for (std::uint32_t from = 0; from < 8; ++from) {
    for (std::uint32_t to = 0; to < 8; ++to) {
      if (from != 7 || to != 7) {
        order.push_back({takt::CheckpointId{from}, takt::CheckpointId{to}});
      }
    }
  }
  order.push_back({takt::kBegin, takt::CheckpointId{0}});
  const EntityExpectation expected{.active = true,
                                   .alive = {.window = 100ms, .max = 1},
                                   .tolerance = {.alive = 100, .deadline = 100}};
  ASSERT_OK(watchdog.supervise(entity, {.name = "many",
                                        .alive = takt::CheckpointId{7},
                                        .order = order,
                                        .deadlines = rules,
                                        .expected = ByMode<EntityExpectation>::all(expected)}));
  TimePoint now = takt::from_ns(0);
  ASSERT_OK(watchdog.begin({.period = 100ms}, now));
  for (const takt::DeadlineRule& rule : rules) {
    for (const Duration takes : {1ms, 6ms}) {
      entity.reached(rule.from, now);
      entity.reached(rule.to, now += takes);
    }
    entity.reached(rule.from, now);  // and stays open
  }
  entity.reached(takt::CheckpointId{7}, now);
  entity.reached(takt::CheckpointId{7}, now);
  watchdog.step(takt::from_ns(0) + 100ms);
  EXPECT_TRUE(entity.state() == LocalState::expired);
  EXPECT_EQ(watchdog.verdict_count(), 3U);  // one of each kind
}

TEST(Watchdog, each_mode_has_its_expectations) {
  World world;
  EntityExpectation slow = World::kLoop;
  slow.alive.min = 1;
  const TaskExpectation none{};
  world.begin({.mode = WatchMode::startup}, {.startup = slow, .normal = World::kLoop},
              {.startup = none, .normal = World::kServo});
  world.loop_period = 50ms;
  world.servo_runs = false;
  world.advance(1s);
  EXPECT_EQ(world.verdicts.size(), 0U);
  EXPECT_TRUE(world.watchdog.task(0).state() == LocalState::deactivated);
  world.loop_period = World::kPeriod;
  world.servo_runs = true;
  world.advance(100ms);
  world.watchdog.set_mode(WatchMode::normal);
  world.advance(1s);
  EXPECT_TRUE(world.watchdog.mode() == WatchMode::normal);
  EXPECT_EQ(world.verdicts.size(), 0U);
  EXPECT_TRUE(world.watchdog.task(0).state() == LocalState::ok);
  world.watchdog.set_mode(WatchMode::degraded);  // nobody is active there
  world.hangs = true;
  world.servo_runs = false;
  world.advance(1s);
  EXPECT_EQ(world.verdicts.size(), 0U);
  EXPECT_TRUE(world.entity.state() == LocalState::deactivated);
  world.watchdog.set_mode(WatchMode::normal);
  EXPECT_LE(world.until_verdict(1s).count(), Duration(120ms).count());
}

TEST(Watchdog, a_mode_that_is_wanted_before_it_begins_is_not_lost) {
  World world;
  world.watchdog.set_mode(WatchMode::normal);
  world.begin({.mode = WatchMode::startup}, {.normal = World::kLoop}, {.normal = World::kServo});
  EXPECT_TRUE(world.watchdog.mode() == WatchMode::normal);
  world.advance(50ms);
  EXPECT_TRUE(world.watchdog.mode() == WatchMode::normal);
  EXPECT_TRUE(world.entity.state() == LocalState::ok);
}

TEST(Watchdog, feeds_only_while_everybody_is_well) {
  FakeWatchdog fake;
  takt::platform::WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str(), .timeout = 2s}));
  const ManagerSocket socket(ManagerSocket::Kind::abstract);
  takt::platform::ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "400000"}));
  World world;
  world.begin({.expired_tolerance = 20, .device = &device, .service_manager = &manager});
  const int before = fake.feeds;
  int fed = 0;
  for (int i = 0; i < 10; ++i) {
    world.advance(1s);
    for (; socket.has_message(); ++fed) EXPECT_EQ(socket.receive(), "WATCHDOG=1");
  }
  // At half of each time-out: never later, and not much more often.
  EXPECT_GE(fed, 50);
  EXPECT_LE(fed, 55);
  EXPECT_GE(fake.feeds - before, 10);
  EXPECT_LE(fake.feeds - before, 11);
  world.hangs = true;
  world.until_verdict(1s);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::expired);
  const std::string status = socket.receive();
  EXPECT_EQ(status.substr(0, 37), "STATUS=entity 'loop': checkpoint_late", "%s", status.c_str());
  const int starving = fake.feeds;
  world.advance(100ms);
  EXPECT_FALSE(socket.has_message());
  // Brought back to life in time: fed again.
  world.hangs = false;
  world.advance(20ms);
  world.watchdog.reinstate();
  world.advance(2s);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
  EXPECT_GT(fake.feeds, starving);
  int again = 0;
  for (; socket.has_message(); ++again) EXPECT_EQ(socket.receive(), "WATCHDOG=1");
  EXPECT_GE(again, 9);
  // Not brought back: the manager is told once, and it is over.
  const int last = fake.feeds;
  world.hangs = true;
  world.advance(30ms);
  EXPECT_EQ(socket.receive().substr(0, 7), "STATUS=");
  world.advance(1s);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
  EXPECT_EQ(socket.receive(), "WATCHDOG=trigger");
  world.watchdog.reinstate();
  world.hangs = false;
  world.advance(3s);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
  EXPECT_FALSE(socket.has_message());
  EXPECT_LE(fake.feeds, last + 1);
  EXPECT_OK(device.disarm());
}

TEST(Watchdog, a_refused_feed_is_repeated_at_the_next_glance) {
  const ManagerSocket socket(ManagerSocket::Kind::abstract);
  takt::platform::ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "400000"}));
  World world;
  world.begin({.service_manager = &manager});
  world.advance(10ms);
  ASSERT_EQ(socket.receive(), "WATCHDOG=1");
  TimePoint fed = world.now;
  const FaultInjection fault(SystemCall::sendto, EAGAIN);
  Duration longest{};
  while (world.now < takt::from_ns(0) + 2s) {
    world.advance(World::kTick);
    for (; socket.has_message(); fed = world.now) {
      longest = std::max(longest, world.now - fed);
      EXPECT_EQ(socket.receive().substr(0, 9), "WATCHDOG=");
    }
  }
  EXPECT_EQ(fault.failures(), 1U);
  EXPECT_LE(longest.count(), Duration(200ms + World::kPeriod).count());
}

TEST(Watchdog, a_refused_trigger_is_repeated_until_it_is_taken) {
  const ManagerSocket socket(ManagerSocket::Kind::abstract);
  takt::platform::ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "400000"}));
  World world;
  world.begin({.service_manager = &manager});
  world.advance(100ms);
  world.hangs = true;
  // The status, the trigger and its record.
  const FaultInjection fault(SystemCall::sendto, EAGAIN, 2);
  world.advance(1s);
  EXPECT_EQ(fault.failures(), 1U);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::stopped);
  int triggers = 0;
  while (socket.has_message()) triggers += socket.receive() == "WATCHDOG=trigger" ? 1 : 0;
  EXPECT_EQ(triggers, 1);
}

TEST(Watchdog, a_pretimeout_is_no_part_of_the_time_to_feed) {
  FakeWatchdog fake;
  fake.options |= WDIOF_PRETIMEOUT;
  takt::platform::WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str(), .timeout = 10s, .pretimeout = 9s}));
  World world;
  world.begin({.device = &device});
  TimePoint fed = world.now;
  Duration longest{};
  for (int feeds = fake.feeds; world.now < takt::from_ns(0) + 20s;) {
    world.advance(World::kTick);
    if (fake.feeds == feeds) continue;
    feeds = fake.feeds;
    longest = std::max(longest, world.now - fed);
    fed = world.now;
  }
  EXPECT_LE(longest.count(), Duration(500ms).count());
  EXPECT_GE(longest.count(), Duration(400ms).count());
  EXPECT_OK(device.disarm());
}

TEST(Watchdog, who_does_not_take_the_feed_is_recorded_once) {
  ManagerSocket socket(ManagerSocket::Kind::abstract);
  takt::platform::ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "400000"}));
  World world;
  world.begin({.service_manager = &manager});
  socket.hang_up();
  world.advance(2s);
  ASSERT_EQ(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.verdicts[0].finding.fault == Fault::feeding_refused);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
}

TEST(Watchdog, keeps_the_last_verdicts) {
  World world;
  EntityExpectation loop = World::kLoop;
  loop.tolerance.logical = 100;
  world.begin({}, ByMode<EntityExpectation>::all(loop));
  world.skips_compute = true;
  world.advance(620ms);
  EXPECT_EQ(world.watchdog.verdict_count(), world.verdicts.size());
  ASSERT_GE(world.verdicts.size(), 6U);
  const std::uint64_t count = world.verdicts.size();
  EXPECT_FALSE(world.watchdog.verdict(count).has_value());
  EXPECT_FALSE(world.watchdog.verdict(count - 5).has_value());  // room for four
  for (std::uint64_t number = count - 4; number < count; ++number) {
    const auto verdict = world.watchdog.verdict(number);
    ASSERT_TRUE(verdict.has_value());
    EXPECT_TRUE(verdict->at == world.verdicts[static_cast<std::size_t>(number)].at);
  }
}

TEST(Watchdog, verdicts_read_well) {
  const auto line = [](const Verdict& verdict) {
    takt::Text<160> text;
    write_verdict(text, verdict);
    return std::string(text.view());
  };
  EXPECT_EQ(
      line({.kind = takt::SubjectKind::worker,
            .name = "control",
            .finding = {.fault = Fault::stuck_in_job, .to = 3, .is_task = true, .measured = 120ms},
            .state = LocalState::expired}),
      "worker 'control': stuck_in_job, task 3, 120ms: expired");
  EXPECT_EQ(line({.name = "loop",
                  .finding = {.fault = Fault::wrong_order, .from = 31, .to = 2},
                  .state = LocalState::failed}),
            "entity 'loop': wrong_order, begin to 2: failed");
  EXPECT_EQ(
      line({.kind = takt::SubjectKind::task,
            .name = "servo",
            .finding = {.fault = Fault::too_few_indications, .count = 7, .measured = 100'000'894ns},
            .state = LocalState::failed}),
      "task 'servo': too_few_indications, 7 in 100ms: failed");
}

struct Rounds {
  const char* name;
  Duration first;   // from the first report to the second one
  Duration others;  // from then on
  Fault expected;
  Duration measured;
};
// From a checkpoint to itself: how often the loop goes round.
TEST_EACH(Watchdog, a_period_is_a_deadline_from_a_checkpoint_to_itself,
          Rounds{"as_expected", 8ms, 12ms, Fault::none, 0ms},
          Rounds{"early", 10ms, 7ms, Fault::checkpoint_early, 7ms},
          Rounds{"late", 10ms, 13ms, Fault::checkpoint_late, 13ms},
          Rounds{"no_more", 10ms, 1s, Fault::checkpoint_late, 13ms}) {
  constexpr takt::CheckpointId kRound{2};
  takt::StaticWatchdog<takt::WatchdogLimits{.entities = 1}> watchdog;
  SupervisedEntity entity;
  const takt::DeadlineRule period[] = {
      {.from = kRound, .to = kRound, .expected = {.normal = {.min = 8ms, .max = 12ms}}}};
  constexpr EntityExpectation kLoop{.active = true, .alive = {.window = 1s}};
  ASSERT_OK(watchdog.supervise(
      entity, {.name = "loop", .deadlines = period, .expected = {.normal = kLoop}}));
  const TimePoint begin = takt::from_ns(1'000'000'000);
  ASSERT_OK(watchdog.begin({.period = 1ms, .mode = WatchMode::normal}, begin));
  TimePoint next_report = begin + 5ms;
  for (TimePoint now = begin + 1ms; now < begin + 80ms; now += 1ms) {
    if (now == next_report) {
      entity.reached(kRound, now);
      next_report += now == begin + 5ms ? param.first : param.others;
    }
    watchdog.step(now);
  }
  ASSERT_EQ(watchdog.verdict_count(), param.expected == Fault::none ? 0U : 1U);
  if (param.expected == Fault::none) return;
  const takt::Finding found = watchdog.verdict(0)->finding;
  EXPECT_TRUE(found.fault == param.expected);
  EXPECT_TRUE(found.measured == param.measured);
  EXPECT_EQ(found.from, 2);
  EXPECT_EQ(found.to, 2);
}

std::string text_of(const takt::Status& status) { return status.text(); }

TEST(Watchdog, refuses_what_cannot_be_right) {
  using takt::StatusCode;
  World world;
  takt::TaskStats stats;
  const auto entity = [&](const takt::EntityConfig& config) {
    SupervisedEntity fresh;
    return world.watchdog.supervise(fresh, config).code();
  };
  const ByMode<EntityExpectation> loop = ByMode<EntityExpectation>::all(World::kLoop);
  EXPECT_EQ(entity({.name = "", .expected = loop}), StatusCode::invalid_argument);
  EXPECT_EQ(entity({.name = "sixteen letters!", .expected = loop}), StatusCode::invalid_argument);
  EXPECT_EQ(entity({.name = "a", .alive = takt::kBegin, .expected = loop}),
            StatusCode::invalid_argument);
  EXPECT_EQ(entity({.name = "a", .expected = ByMode<EntityExpectation>::all({.active = true})}),
            StatusCode::invalid_argument);
  constexpr takt::Transition kBad[] = {{takt::CheckpointId{1}, takt::CheckpointId{32}}};
  EXPECT_EQ(entity({.name = "a", .order = kBad, .expected = loop}), StatusCode::invalid_argument);
  const takt::DeadlineRule swapped[] = {
      {.from = World::kRead,
       .to = World::kWrite,
       .expected = ByMode<takt::DeadlineExpectation>::all({.min = 5ms, .max = 1ms})}};
  EXPECT_EQ(entity({.name = "a", .deadlines = swapped, .expected = loop}),
            StatusCode::invalid_argument);
  const takt::DeadlineRule five[5] = {};
  EXPECT_EQ(entity({.name = "a", .deadlines = five, .expected = loop}),
            StatusCode::invalid_argument);
  EXPECT_EQ(world.watchdog.supervise_worker("w", {}, 0, {}).code(), StatusCode::invalid_argument);
  EXPECT_EQ(entity({.name = "a", .expected = {}}), StatusCode::invalid_argument);
  EXPECT_EQ(text_of(world.watchdog.supervise_task("t", stats, {})),
            "watchdog: 't': it is active in no mode: set .active");
  const auto worker = [&](const takt::WorkerExpectation& expected) {
    return text_of(world.watchdog.supervise_worker("w", world.source(), 0, {.normal = expected}));
  };
  EXPECT_EQ(worker({.longest_job = 1s}), "watchdog: 'w': it is active in no mode: set .active");
  EXPECT_EQ(worker({.active = true}),
            "watchdog: 'w': a mode has neither longest_job nor longest_wait");
  EXPECT_EQ(worker({.active = true, .longest_job = 1s, .longest_wait = -1ns}),
            "watchdog: 'w': longest_job or longest_wait is negative");
  EXPECT_EQ(
      world.watchdog.supervise_task("t", stats, ByMode<TaskExpectation>::all({.active = true}))
          .code(),
      StatusCode::invalid_argument);
  world.begin();
  EXPECT_EQ(text_of(world.watchdog.supervise_task("more", stats, {})),
            "watchdog: no room for 'more': raise WatchdogLimits::tasks");
  EXPECT_EQ(world.watchdog.supervise(world.entity, {.name = "again", .expected = loop}).code(),
            StatusCode::invalid_argument);
  EXPECT_EQ(world.watchdog.begin({.period = 0ns}, world.now).code(), StatusCode::invalid_argument);
  EXPECT_EQ(world.watchdog.begin({.period = 200ms}, world.now).code(),
            StatusCode::invalid_argument);
  takt::platform::WatchdogDevice closed;
  EXPECT_EQ(world.watchdog.begin({.device = &closed}, world.now).code(),
            StatusCode::failed_precondition);
  const ManagerSocket socket(ManagerSocket::Kind::abstract);
  takt::platform::ServiceManager manager;
  EXPECT_EQ(text_of(world.watchdog.begin({.service_manager = &manager}, world.now)),
            "watchdog: its service manager is not open");
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "15000"}));
  EXPECT_EQ(world.watchdog.begin({.service_manager = &manager}, world.now).code(),
            StatusCode::invalid_argument);
  EXPECT_OK(world.watchdog.stop(1s));
}

}  // namespace
