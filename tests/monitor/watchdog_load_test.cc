// SPDX-License-Identifier: Apache-2.0
// 24 virtual hours of random but lawful load, with a watchdog that is starved now and then: no
// false alarm. And the same load beyond the law: an alarm.
#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "takt/tests/monitor/supervised_world.h"
#include "takt/tests/platform/emulation.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ByMode;
using takt::CheckpointId;
using takt::Duration;
using takt::TimePoint;
using takt::test::Random;

constexpr Duration kPeriod = 50ms;
constexpr Duration kWindow = 500ms;

Duration between(Random& random, Duration least, Duration most) {
  return least + Duration(static_cast<std::int64_t>(
                     random.below(static_cast<std::uint64_t>((most - least).count()) + 1)));
}

/// A periodic loop with release jitter and random execution time, as a task has them.
struct Loop {
  static constexpr Duration kLoopPeriod = 100ms;

  /// Does all that it does until `end`.
  void run_until(TimePoint end, Random& random, Duration jitter, Duration longest) {
    while (next < end) {
      if (in_round) {
        entity.reached(CheckpointId{1}, next);
        in_round = false;
        release += kLoopPeriod;
        next = std::max(next, release + between(random, 0ns, jitter));
      } else {
        entity.reached(CheckpointId{0}, next);
        in_round = true;
        next += between(random, 1ms, longest);
      }
    }
  }

  takt::SupervisedEntity entity;
  TimePoint release = takt::from_ns(0);
  TimePoint next = takt::from_ns(0);
  bool in_round = false;
};

/// How many verdicts a day brings.
std::uint64_t verdicts_of(Duration jitter, Duration longest, Duration length) {
  static takt::StaticWatchdog<takt::WatchdogLimits{.entities = 1, .tasks = 0, .workers = 1}>
      watchdog;
  static Loop loop;
  static takt::ActivityWord worker;
  Random random(1);
  constexpr takt::Transition kOrder[] = {{takt::kBegin, CheckpointId{0}},
                                         {CheckpointId{0}, CheckpointId{1}},
                                         {CheckpointId{1}, takt::kBegin}};
  const takt::DeadlineRule rules[] = {
      {.from = CheckpointId{0},
       .to = CheckpointId{1},
       .expected = ByMode<takt::DeadlineExpectation>::all({.min = 1ms, .max = 60ms})}};
  // By AliveExpectation's formula, for a jitter of 30 ms at the start and 60 ms of execution: the
  // indication is the end of the round.
  const takt::EntityExpectation expected{.active = true,
                                         .alive = {.window = kWindow, .min = 4, .max = 6}};
  EXPECT_OK(watchdog.supervise(loop.entity,
                               {.name = "loop",
                                .alive = CheckpointId{1},
                                .order = kOrder,
                                .deadlines = rules,
                                .expected = ByMode<takt::EntityExpectation>::all(expected)}));
  const takt::WorkerSource source(
      &worker,
      [](const void* word, std::uint32_t, TimePoint) noexcept {
        return static_cast<const takt::ActivityWord*>(word)->get();
      },
      [](const void*, std::uint32_t) noexcept { return takt::ThreadUse{}; });
  EXPECT_OK(watchdog.supervise_worker(
      "worker", source, 0,
      ByMode<takt::WorkerExpectation>::all(
          {.active = true, .longest_job = 200ms, .longest_wait = 200ms})));
  EXPECT_OK(watchdog.begin({.period = kPeriod, .late_glances_tolerated = 10}, takt::from_ns(0)));
  TimePoint stuck_until{};
  for (TimePoint now = watchdog.next_step(); now < takt::from_ns(0) + length;
       now = watchdog.next_step()) {
    // Mostly a little late; sometimes starved for long, for which everybody else may be, too.
    if (random.below(10'000) == 0) {
      const TimePoint later = now + between(random, 100ms, 10s);
      if (random.below(2) == 0) {
        loop.run_until(now, random, jitter, longest);
        loop.next += later - now;  // stood still as well
        loop.release += later - now;
        stuck_until += later - now;
      }
      now = later;
    } else {
      now += between(random, 0ns, 20ms);
    }
    loop.run_until(now, random, jitter, longest);
    // A job of at most 140 ms, or nothing to do.
    if (now >= stuck_until) {
      worker.set(random.below(2) == 0 ? takt::WorkerPhase::in_job : takt::WorkerPhase::idle);
      stuck_until = now + between(random, 0ns, 100ms);
    }
    watchdog.step(now);
    if (watchdog.state() == takt::GlobalState::stopped) break;
  }
  EXPECT_TRUE(length < 1h || watchdog.late_glances() > 50);
  for (std::uint64_t number = 0; number < watchdog.verdict_count(); ++number) {
    const auto verdict = watchdog.verdict(number);
    if (!verdict.has_value()) continue;
    takt::Text<160> line;
    write_verdict(line, *verdict);
    std::printf("%s at %lld ms\n", line.c_str(),
                static_cast<long long>(takt::to_ns(verdict->at) / 1'000'000));
  }
  return watchdog.verdict_count();
}

TEST(WatchdogLoad, no_false_alarm_in_a_virtual_half_hour) {
  EXPECT_EQ(verdicts_of(30ms, 60ms, 30min), 0U);
}

TEST(WatchdogLoad, no_false_alarm_in_24_virtual_hours) {
  if (takt::test::is_emulated() || takt::test::kSanitizerRuntime) {
    SKIP("a virtual day takes minutes under an emulator or a sanitizer");
  }
  EXPECT_EQ(verdicts_of(30ms, 60ms, 24h), 0U);
}

TEST(WatchdogLoad, unlawful_load_is_found) { EXPECT_EQ(verdicts_of(30ms, 75ms, 1min), 1U); }

}  // namespace
