// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MONITOR_SUPERVISED_WORLD_H_
#define TAKT_TESTS_MONITOR_SUPERVISED_WORLD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "takt/monitor/watchdog.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// A daemon in virtual time: an entity with three checkpoints, a task and a worker, and the
/// watchdog that looks at them. Members say how it behaves; advance() lets time pass.
class SupervisedWorld {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(1);
  static constexpr Duration kPeriod = std::chrono::milliseconds(10);
  static constexpr Duration kWindow = std::chrono::milliseconds(100);
  static constexpr CheckpointId kRead{0}, kCompute{1}, kWrite{2};

  static constexpr EntityExpectation kLoop{.active = true,
                                           .alive = {.window = kWindow, .min = 9, .max = 11}};
  static constexpr TaskExpectation kServo{.active = true,
                                          .alive = {.window = kWindow, .min = 18, .max = 22}};
  static constexpr WorkerExpectation kControl{.active = true,
                                              .longest_job = std::chrono::milliseconds(60),
                                              .longest_wait = std::chrono::milliseconds(40)};

  SupervisedWorld() = default;
  SupervisedWorld(const SupervisedWorld&) = delete;
  SupervisedWorld& operator=(const SupervisedWorld&) = delete;

  /// Begins supervision of all three.
  void begin(WatchdogConfig config = {},
             const ByMode<EntityExpectation>& loop = ByMode<EntityExpectation>::all(kLoop),
             const ByMode<TaskExpectation>& servo = ByMode<TaskExpectation>::all(kServo),
             const ByMode<WorkerExpectation>& control = ByMode<WorkerExpectation>::all(kControl)) {
    static constexpr Transition kOrder[] = {
        {kBegin, kRead}, {kRead, kCompute}, {kCompute, kWrite}, {kWrite, kBegin}};
    const DeadlineRule rules[] = {
        {.from = kRead,
         .to = kWrite,
         .expected = ByMode<DeadlineExpectation>::all(
             {.min = std::chrono::milliseconds(1), .max = std::chrono::milliseconds(5)})}};
    config.period = kPeriod;
    if (config.on_verdict == nullptr) {
      config.on_verdict = [](void* world, const Verdict& verdict) noexcept {
        static_cast<SupervisedWorld*>(world)->verdicts.push_back(verdict);
      };
      config.context = this;
    }
    ASSERT_OK(watchdog.supervise(
        entity,
        {.name = "loop", .alive = kWrite, .order = kOrder, .deadlines = rules, .expected = loop}));
    ASSERT_OK(watchdog.supervise_task("servo", task, servo));
    ASSERT_OK(watchdog.supervise_worker("control", source(), 0, control));
    ASSERT_OK(watchdog.begin(config, now));
  }

  /// Lets time pass, tick by tick, and the watchdog look when it is due, unless it is suspended.
  void advance(Duration duration) {
    for (const TimePoint end = now + duration; now < end;) {
      now += kTick;
      behave();
      if (!suspended && now >= watchdog.next_step()) watchdog.step(now);
    }
  }

  /// Until there is a verdict, at most for `patience`. How long it took.
  Duration until_verdict(Duration patience) {
    const TimePoint begin = now;
    const std::size_t before = verdicts.size();
    while (verdicts.size() == before && now - begin < patience) advance(kTick);
    return now - begin;
  }

  /// The loop's thread is ended, wherever it is; another one begins its first round in a while.
  void restart_loop(Duration in) {
    in_round_ = false;
    hangs = false;
    next_round_ = now + in;
  }

  WorkerSource source() const {
    return {this,
            [](const void* world, std::uint32_t, TimePoint) noexcept {
              return static_cast<const SupervisedWorld*>(world)->worker.get();
            },
            [](const void* world, std::uint32_t) noexcept {
              return static_cast<const SupervisedWorld*>(world)->use;
            }};
  }

  // How the loop behaves: a round of `round` that begins each `loop_period`.
  Duration loop_period = kPeriod;
  Duration round = std::chrono::milliseconds(3);
  bool silent = false;  // begins no round any more
  bool hangs = false;   // behind the read
  bool skips_compute = false;
  bool servo_runs = true;  // a job each 5 ms
  bool servo_is_late = false;
  enum class Work { jobs, idle, one_job, ready, stopped } work = Work::jobs;
  Duration cpu_share = kTick;  // what the worker's thread gets of each tick
  bool suspended = false;      // the watchdog

  TimePoint now = from_ns(0);
  StaticWatchdog<WatchdogLimits{.entities = 2, .tasks = 1, .workers = 1, .verdicts = 4}> watchdog;
  SupervisedEntity entity;
  TaskStats task;
  ActivityWord worker;
  ThreadUse use{.known = true, .wants_cpu = true};
  std::vector<Verdict> verdicts;

 private:
  void behave() {
    behave_loop();
    if (servo_runs && to_ns(now) % 5'000'000 == 0) {
      task.completed.add();
      if (servo_is_late) task.deadline_misses.add();
    }
    use.cpu_time += cpu_share;
    switch (work) {
      case Work::jobs:
        worker.set(WorkerPhase::in_job, true, 7);
        break;
      case Work::idle:
        if (worker.get().phase() != WorkerPhase::idle) worker.set(WorkerPhase::idle);
        break;
      case Work::ready:
        if (worker.get().phase() != WorkerPhase::ready) worker.set(WorkerPhase::ready);
        break;
      case Work::stopped:
        if (worker.get().phase() != WorkerPhase::stopped) worker.set(WorkerPhase::stopped);
        break;
      case Work::one_job:
        break;  // the last word stays
    }
  }

  void behave_loop() {
    if (silent && !in_round_) return;
    if (!in_round_ && now >= next_round_) {
      in_round_ = true;
      round_began_ = now;
      next_round_ = now + loop_period;
      entity.reached(kRead, now);
    }
    if (!in_round_ || hangs || now < round_began_ + round) return;
    if (!skips_compute) entity.reached(kCompute, now);
    entity.reached(kWrite, now);
    in_round_ = false;
  }

  bool in_round_ = false;
  TimePoint round_began_{};
  TimePoint next_round_ = from_ns(10'000'000);
};

}  // namespace takt::test

#endif  // TAKT_TESTS_MONITOR_SUPERVISED_WORLD_H_
