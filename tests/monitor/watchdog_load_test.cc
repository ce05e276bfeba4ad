// SPDX-License-Identifier: Apache-2.0
// 24 virtual hours of random but lawful load, with a watchdog that is starved now and then: no
// false alarm. And each kind of load that is beyond the law: its alarm.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

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
using takt::Fault;
using takt::TimePoint;
using takt::Verdict;
using takt::test::Random;

constexpr Duration kPeriod = 50ms;
constexpr Duration kWindow = 500ms;

/// What everybody does; as it stands, what is expected of them.
struct Load {
  Duration loop_period = 100ms;
  Duration jitter = 30ms;
  Duration shortest = 1ms;  // of the loop's rounds
  Duration longest = 60ms;
  bool leaves_out = false;  // now and then the loop leaves out the beginning of a round
  Duration servo_period = 100ms;
  bool servo_misses = false;  // now and then its deadline
  // Seen by glances 70 ms apart: what lasts longest seems so much longer.
  Duration longest_job = 100ms;
  Duration longest_wait = 100ms;
};

Duration between(Random& random, Duration least, Duration most) {
  return least + Duration(static_cast<std::int64_t>(
                     random.below(static_cast<std::uint64_t>((most - least).count()) + 1)));
}

/// A periodic loop with release jitter and random execution time.
struct Loop {
  /// Does all that it does until `end`.
  void run_until(TimePoint end, Random& random, const Load& load) {
    while (next < end) {
      if (in_round) {
        entity.reached(CheckpointId{1}, next);
        in_round = false;
        release += load.loop_period;
        next = std::max(next, release + between(random, 0ns, load.jitter));
      } else {
        if (!load.leaves_out || random.below(20) != 0) entity.reached(CheckpointId{0}, next);
        in_round = true;
        next += between(random, load.shortest, load.longest);
      }
    }
  }

  takt::SupervisedEntity entity;
  TimePoint release = takt::from_ns(0);
  TimePoint next = takt::from_ns(0);
  bool in_round = false;
};

/// A task with as much jitter of its ends.
struct Servo {
  void run_until(TimePoint end, Random& random, const Load& load) {
    while (next < end) {
      stats.completed.add();
      if (load.servo_misses && random.below(20) == 0) stats.deadline_misses.add();
      release += load.servo_period;
      next = release + between(random, 0ns, 60ms);
    }
  }

  takt::TaskStats stats;
  TimePoint release = takt::from_ns(0);
  TimePoint next = takt::from_ns(0);
};

/// A worker that has a job, waits for the CPU or has nothing to do.
struct Worker {
  void run_until(TimePoint end, Random& random, const Load& load) {
    if (end < next) return;
    const std::uint64_t what = random.below(4);
    word.set(what == 0   ? takt::WorkerPhase::ready
             : what == 1 ? takt::WorkerPhase::idle
                         : takt::WorkerPhase::in_job);
    next = end + between(random, 0ns, what == 0 ? load.longest_wait : load.longest_job);
  }

  takt::ActivityWord word;
  TimePoint next{};
};

/// All of them, and the watchdog that looks at them.
class Daemon {
 public:
  Daemon(const Load& load, std::uint64_t seed) : load_(load), random_(seed) {
    constexpr takt::Transition kOrder[] = {{takt::kBegin, CheckpointId{0}},
                                           {CheckpointId{0}, CheckpointId{1}},
                                           {CheckpointId{1}, takt::kBegin}};
    const takt::DeadlineRule rules[] = {
        {.from = CheckpointId{0},
         .to = CheckpointId{1},
         .expected = ByMode<takt::DeadlineExpectation>::all({.min = 1ms, .max = 60ms})}};
    // By AliveExpectation's formula, for a jitter of 30 ms at the start and 60 ms of execution: the
    // indication is the end of the round. And for the task's 60 ms.
    constexpr takt::AliveExpectation kAlive{.window = kWindow, .min = 4, .max = 6};
    EXPECT_OK(watchdog_.supervise(loop_.entity, {.name = "loop",
                                                 .alive = CheckpointId{1},
                                                 .order = kOrder,
                                                 .deadlines = rules,
                                                 .expected = ByMode<takt::EntityExpectation>::all(
                                                     {.active = true, .alive = kAlive})}));
    EXPECT_OK(watchdog_.supervise_task(
        "servo", servo_.stats,
        ByMode<takt::TaskExpectation>::all({.active = true, .alive = kAlive})));
    const takt::WorkerSource source(
        &worker_.word,
        [](const void* word, std::uint32_t, TimePoint) noexcept {
          return static_cast<const takt::ActivityWord*>(word)->get();
        },
        [](const void*, std::uint32_t) noexcept { return takt::ThreadUse{}; });
    EXPECT_OK(watchdog_.supervise_worker(
        "worker", source, 0,
        ByMode<takt::WorkerExpectation>::all(
            {.active = true, .longest_job = 200ms, .longest_wait = 200ms})));
    EXPECT_OK(watchdog_.begin({.period = kPeriod, .late_glances_tolerated = 10}, takt::from_ns(0)));
  }

  /// The first verdict, if there is one in that time.
  std::optional<Verdict> verdict_in(Duration length) {
    for (TimePoint now = watchdog_.next_step();
         now < takt::from_ns(0) + length && watchdog_.verdict_count() == 0;
         now = watchdog_.next_step()) {
      // Mostly a little late; sometimes starved for long, for which everybody else may be, too.
      if (random_.below(10'000) == 0) {
        const TimePoint later = now + between(random_, 100ms, 10s);
        if (random_.below(2) == 0) {
          run_until(now);
          stand_still(later - now);
        }
        now = later;
      } else {
        now += between(random_, 0ns, 20ms);
      }
      run_until(now);
      watchdog_.step(now);
    }
    EXPECT_TRUE(length < 1h || watchdog_.late_glances() > 50);
    const auto verdict = watchdog_.verdict(0);
    if (verdict.has_value()) {
      takt::Text<160> line;
      write_verdict(line, *verdict);
      std::printf("%s at %lld ms\n", line.c_str(),
                  static_cast<long long>(takt::to_ns(verdict->at) / 1'000'000));
    }
    return verdict;
  }

 private:
  void run_until(TimePoint end) {
    loop_.run_until(end, random_, load_);
    servo_.run_until(end, random_, load_);
    worker_.run_until(end, random_, load_);
  }
  void stand_still(Duration duration) {
    for (TimePoint* time :
         {&loop_.next, &loop_.release, &servo_.next, &servo_.release, &worker_.next}) {
      *time += duration;
    }
  }

  const Load load_;
  Random random_;
  Loop loop_;
  Servo servo_;
  Worker worker_;
  takt::StaticWatchdog<takt::WatchdogLimits{.entities = 1, .tasks = 1, .workers = 1}> watchdog_;
};

TEST_EACH(WatchdogLoad, no_false_alarm_in_a_virtual_quarter_of_an_hour, 1U, 2U) {
  EXPECT_FALSE(Daemon({}, param).verdict_in(15min).has_value());
}

TEST(WatchdogLoad, no_false_alarm_in_24_virtual_hours) {
  if (takt::test::is_emulated() || takt::test::kSanitizerRuntime) {
    SKIP("a virtual day takes minutes under an emulator or a sanitizer");
  }
  EXPECT_FALSE(Daemon({}, 4).verdict_in(24h).has_value());
}

struct Unlawful {
  const char* name;
  Load load;
  Fault expected;
  const char* whom;
};
TEST_EACH(WatchdogLoad, unlawful_load_is_found,
          Unlawful{"late rounds", {.longest = 75ms}, Fault::checkpoint_late, "loop"},
          Unlawful{"early rounds", {.shortest = 0ms}, Fault::checkpoint_early, "loop"},
          Unlawful{"few rounds", {.loop_period = 130ms}, Fault::too_few_indications, "loop"},
          Unlawful{"many rounds",
                   {.loop_period = 60ms, .jitter = 0ms, .longest = 30ms},
                   Fault::too_many_indications,
                   "loop"},
          Unlawful{"rounds without a beginning", {.leaves_out = true}, Fault::wrong_order, "loop"},
          Unlawful{
              "few jobs of a task", {.servo_period = 130ms}, Fault::too_few_indications, "servo"},
          Unlawful{
              "many jobs of a task", {.servo_period = 60ms}, Fault::too_many_indications, "servo"},
          Unlawful{"missed deadlines", {.servo_misses = true}, Fault::deadline_missed, "servo"},
          Unlawful{"long jobs", {.longest_job = 350ms}, Fault::stuck_in_job, "worker"},
          Unlawful{"long waits", {.longest_wait = 350ms}, Fault::starved, "worker"}) {
  const std::optional<Verdict> verdict = Daemon(param.load, 1).verdict_in(1min);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_TRUE(verdict->finding.fault == param.expected, "%s",
              takt::to_string(verdict->finding.fault));
  EXPECT_EQ(std::string_view(verdict->name), param.whom);
}

}  // namespace
