// SPDX-License-Identifier: Apache-2.0
// When jobs are released, in virtual time: numbers in, decisions out.
#include "takt/executor/release_rule.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "takt/tests/support/random.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

namespace {

using takt::Overrun;
using takt::detail::ReleaseDecision;
using takt::detail::ReleaseRule;
using takt::test::Random;

constexpr std::int64_t kNoTimer = INT64_MAX;

ReleaseRule periodic(const Overrun& overrun, std::int64_t period, std::int64_t first = 0) {
  ReleaseRule rule;
  rule.start(overrun, period, first);
  return rule;
}

ReleaseRule sporadic(std::int64_t min_interarrival, std::uint32_t pending) {
  ReleaseRule rule;
  rule.start_sporadic(min_interarrival, pending);
  return rule;
}

void expect_release(const ReleaseDecision& decision, std::int64_t when, std::uint64_t index,
                    std::uint64_t skipped) {
  ASSERT_TRUE(decision.release);
  EXPECT_EQ(decision.when, when);
  EXPECT_EQ(decision.index, index);
  EXPECT_EQ(decision.skipped, skipped);
}

TEST(ReleaseRule, in_time_all_policies_keep_the_grid) {
  for (const Overrun& overrun :
       {Overrun::skip(), Overrun::catch_up(3), Overrun::slip(), Overrun::abort()}) {
    ReleaseRule rule = periodic(overrun, 10, 5);
    for (std::uint64_t job = 0; job < 4; ++job) {
      const auto release = 5 + static_cast<std::int64_t>(job) * 10;
      const ReleaseDecision decision = rule.due(release + 2, true, release - 3);
      expect_release(decision, release, job, 0);
      EXPECT_EQ(decision.timer, release + 10);
      EXPECT_EQ(decision.overruns, 0);
      EXPECT_FALSE(decision.await_finish);
    }
  }
}

TEST(ReleaseRule, skip_skips_while_a_job_is_unfinished) {
  ReleaseRule rule = periodic(Overrun::skip(), 10);
  expect_release(rule.due(0, true, 0), 0, 0, 0);
  const ReleaseDecision second = rule.due(10, false, 0);
  EXPECT_FALSE(second.release);
  EXPECT_FALSE(second.await_finish);
  EXPECT_EQ(second.overruns, 1);
  EXPECT_EQ(second.lost, 1);
  expect_release(rule.due(20, true, 15), 20, 2, 1);
}

TEST(ReleaseRule, skip_seen_late_releases_the_first_after_the_job) {
  ReleaseRule rule = periodic(Overrun::skip(), 10);
  expect_release(rule.due(0, true, 0), 0, 0, 0);
  // The job ended at 25 and nobody looked until 47: 10, 20 were overruns, 30 is released late, 40
  // comes after it.
  const ReleaseDecision late = rule.due(47, true, 25);
  expect_release(late, 30, 3, 2);
  EXPECT_EQ(late.overruns, 3);
  EXPECT_EQ(late.lost, 3);
  EXPECT_EQ(late.timer, 50);
  expect_release(rule.due(50, true, 49), 50, 5, 1);
}

TEST(ReleaseRule, catch_up_keeps_the_newest_and_gives_them_one_by_one) {
  ReleaseRule rule = periodic(Overrun::catch_up(2), 10);
  expect_release(rule.due(0, true, 0), 0, 0, 0);
  for (const std::int64_t now : {10, 20}) {
    const ReleaseDecision kept = rule.due(now, false, 0);
    EXPECT_FALSE(kept.release);
    EXPECT_TRUE(kept.await_finish);
    EXPECT_EQ(kept.lost, 0);
  }
  EXPECT_EQ(rule.due(30, false, 0).lost, 1);  // 10 gives way to 30
  const ReleaseDecision first = rule.finished(31);
  expect_release(first, 20, 2, 1);
  EXPECT_TRUE(first.await_finish);
  const ReleaseDecision second = rule.finished(32);
  expect_release(second, 30, 3, 0);
  EXPECT_FALSE(second.await_finish);
  EXPECT_EQ(second.timer, 40);
  expect_release(rule.due(40, true, 33), 40, 4, 0);
}

TEST(ReleaseRule, catch_up_seen_late_catches_up_all_the_same) {
  ReleaseRule rule = periodic(Overrun::catch_up(2), 10);
  expect_release(rule.due(0, true, 0), 0, 0, 0);
  const ReleaseDecision late = rule.due(47, true, 45);
  expect_release(late, 30, 3, 2);
  EXPECT_TRUE(late.await_finish);
  EXPECT_EQ(late.overruns, 4);
  expect_release(rule.finished(48), 40, 4, 0);
}

TEST(ReleaseRule, slip_begins_a_new_phase_when_the_job_ends) {
  ReleaseRule rule = periodic(Overrun::slip(), 10);
  expect_release(rule.due(0, true, 0), 0, 0, 0);
  const ReleaseDecision overrun = rule.due(10, false, 0);
  EXPECT_TRUE(overrun.await_finish);
  EXPECT_EQ(overrun.overruns, 1);
  EXPECT_EQ(overrun.timer, kNoTimer);
  const ReleaseDecision slipped = rule.finished(17);
  expect_release(slipped, 17, 1, 0);
  EXPECT_EQ(slipped.timer, 27);
  expect_release(rule.due(27, true, 20), 27, 2, 0);
  // Seen late: the job that was released at 27 ended at 44.
  const ReleaseDecision late = rule.due(50, true, 44);
  expect_release(late, 44, 3, 0);
  EXPECT_EQ(late.overruns, 1);
  EXPECT_EQ(late.timer, 54);
}

TEST(ReleaseRule, abort_keeps_only_the_newest) {
  ReleaseRule rule = periodic(Overrun::abort(), 10);
  expect_release(rule.due(0, true, 0), 0, 0, 0);
  EXPECT_TRUE(rule.due(10, false, 0).await_finish);
  EXPECT_EQ(rule.due(20, false, 0).lost, 1);
  expect_release(rule.finished(25), 20, 2, 1);
  expect_release(rule.due(30, true, 28), 30, 3, 0);
}

TEST(ReleaseRule, a_suspended_task_goes_on_at_its_grid) {
  ReleaseRule rule = periodic(Overrun::catch_up(2), 10, 3);
  expect_release(rule.due(3, true, 0), 3, 0, 0);
  EXPECT_TRUE(rule.due(13, false, 0).await_finish);
  EXPECT_EQ(rule.suspend(), 1);
  EXPECT_EQ(rule.resume(51), 53);
  expect_release(rule.due(53, true, 14), 53, 5, 1);
  EXPECT_EQ(rule.suspend(), 0);
  EXPECT_EQ(rule.resume(63), 63);  // not before now: this very point counts
}

TEST(ReleaseRule, a_new_period_counts_from_the_next_release) {
  ReleaseRule rule = periodic(Overrun::skip(), 10);
  expect_release(rule.due(0, true, 0), 0, 0, 0);
  EXPECT_EQ(rule.set_period(4), 0);
  expect_release(rule.due(10, true, 5), 10, 1, 0);
  expect_release(rule.due(14, true, 11), 14, 2, 0);
}

TEST(ReleaseRule, sporadic_releases_at_once_and_then_not_too_soon) {
  ReleaseRule rule = sporadic(10, 1);
  ASSERT_TRUE(rule.accepts(100, true));
  expect_release(rule.arrived(100, true), 100, 0, 0);
  const ReleaseDecision early = rule.arrived(103, true);
  EXPECT_FALSE(early.release);
  EXPECT_EQ(early.timer, 110);
  EXPECT_EQ(early.overruns, 0);
  EXPECT_FALSE(rule.accepts(104, true));
  expect_release(rule.due(111, true, 105), 110, 1, 0);
  expect_release(rule.arrived(200, true), 200, 2, 0);
}

TEST(ReleaseRule, sporadic_waits_for_the_job_before) {
  ReleaseRule rule = sporadic(10, 2);
  expect_release(rule.arrived(0, true), 0, 0, 0);
  const ReleaseDecision second = rule.arrived(30, false);
  EXPECT_TRUE(second.await_finish);
  EXPECT_EQ(second.overruns, 1);
  const ReleaseDecision third = rule.arrived(31, false);  // not before 40
  EXPECT_FALSE(third.release);
  EXPECT_FALSE(rule.accepts(32, false));
  const ReleaseDecision next = rule.finished(35);
  expect_release(next, 30, 1, 0);
  EXPECT_EQ(next.timer, 40);
  const ReleaseDecision due = rule.due(40, false, 0);
  EXPECT_TRUE(due.await_finish);
  EXPECT_EQ(due.timer, kNoTimer);
  expect_release(rule.finished(44), 40, 2, 0);
}

TEST(ReleaseRule, sporadic_without_room_accepts_only_an_idle_task) {
  ReleaseRule rule = sporadic(10, 0);
  EXPECT_TRUE(rule.accepts(3, true));
  EXPECT_FALSE(rule.accepts(3, false));
  expect_release(rule.arrived(3, true), 3, 0, 0);
  EXPECT_FALSE(rule.accepts(12, true));  // it would have to wait for its time
  EXPECT_TRUE(rule.accepts(13, true));
}

// The distance is to the last job that was released, not to one that waited and was skipped.
TEST(ReleaseRule, sporadic_keeps_no_distance_to_what_was_skipped) {
  for (const bool shortened : {false, true}) {
    ReleaseRule rule = sporadic(1'000, 2);
    expect_release(rule.arrived(0, true), 0, 0, 0);
    EXPECT_EQ(rule.arrived(1, false).timer, 1'000);
    EXPECT_EQ(rule.arrived(2, false).timer, 1'000);
    EXPECT_EQ(shortened ? rule.set_period(1) : rule.suspend(), 2);
    const std::int64_t earliest = shortened ? 1 : 1'000;
    EXPECT_EQ(rule.accepts(earliest, true), true);
    expect_release(rule.arrived(earliest, true), earliest, 1, 2);
  }
}

// A slot whose rule begins anew, and whose first arrival has to wait: nothing came before it.
TEST(ReleaseRule, sporadic_keeps_no_distance_when_nothing_was_released) {
  ReleaseRule rule = sporadic(1'000, 1);
  EXPECT_TRUE(rule.arrived(5, false).await_finish);
  EXPECT_EQ(rule.suspend(), 1);
  expect_release(rule.arrived(6, true), 6, 0, 1);
}

// Random jobs of random length: no point of the grid is lost or given twice, indices and skips tell
// the same story, no more are kept than was allowed.
void run_random(const Overrun& overrun, std::uint64_t stream) {
  Random random(stream);
  constexpr std::int64_t kPeriod = 100;
  ReleaseRule rule = periodic(overrun, kPeriod, 7);
  std::int64_t now = 0;
  std::int64_t timer = 7;
  std::int64_t job_end = 0;  // of the unfinished job, 0: idle
  std::int64_t finish = 0;
  bool awaited = false;
  std::uint64_t released = 0;
  std::uint64_t lost = 0;
  std::uint64_t next_index = 0;
  std::int64_t last_release = -1;
  const auto carry_out = [&](const ReleaseDecision& decision) {
    lost += decision.lost;
    timer = decision.timer;
    awaited = decision.await_finish || (awaited && !decision.release);
    if (!decision.release) return;
    ++released;
    EXPECT_EQ(decision.index, next_index + decision.skipped);
    next_index = decision.index + 1;
    EXPECT_LE(decision.when, now);
    EXPECT_GT(decision.when, last_release);
    last_release = decision.when;
    if (overrun.kind() != Overrun::Kind::slip) {
      EXPECT_EQ(decision.when, 7 + static_cast<std::int64_t>(decision.index) * kPeriod);
    }
    job_end = now + 1 + static_cast<std::int64_t>(random.below(350));
  };
  for (int step = 0; step < 2'000; ++step) {
    // What comes first: the end of the job, or somebody looks at the timer, at times late.
    const std::int64_t look =
        timer == kNoTimer ? kNoTimer
                          : std::max(timer, now) + static_cast<std::int64_t>(random.below(150));
    if (job_end != 0 && job_end <= look) {
      now = finish = job_end;
      job_end = 0;
      if (std::exchange(awaited, false)) carry_out(rule.finished(finish));
    } else {
      now = look;
      carry_out(rule.due(now, job_end == 0, job_end == 0 ? finish : 0));
    }
  }
  EXPECT_GE(released, 300);
  if (overrun.kind() == Overrun::Kind::slip) {
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(next_index, released);
    return;
  }
  // Of the points up to the timer all were released, skipped or are still kept.
  const auto points = static_cast<std::uint64_t>((timer - 7) / kPeriod);
  EXPECT_LE(released + lost, points);
  EXPECT_GE(released + lost + overrun.pending(), points);
}

TEST(ReleaseRule, random_overruns) {
  for (const Overrun& overrun : {Overrun::skip(), Overrun::catch_up(1), Overrun::catch_up(3),
                                 Overrun::slip(), Overrun::abort()}) {
    for (std::uint64_t stream = 0; stream < 20; ++stream) run_random(overrun, stream);
  }
}

TEST(ReleaseRule, random_sporadic_arrivals_keep_their_distance) {
  Random random(4);
  ReleaseRule rule = sporadic(50, 3);
  std::int64_t now = 0;
  std::int64_t timer = kNoTimer;
  std::int64_t job_end = 0;
  bool awaited = false;
  std::int64_t last = -50;
  std::uint64_t accepted = 0;
  std::uint64_t released = 0;
  const auto carry_out = [&](const ReleaseDecision& decision) {
    timer = decision.timer;
    awaited = decision.await_finish || (awaited && !decision.release);
    if (!decision.release) return;
    EXPECT_EQ(decision.index, released++);
    EXPECT_GE(decision.when, last + 50);
    EXPECT_LE(decision.when, now);
    last = decision.when;
    job_end = now + 1 + static_cast<std::int64_t>(random.below(90));
  };
  std::int64_t arrival = 1;
  while (accepted < 5'000) {
    const std::int64_t end = job_end == 0 ? kNoTimer : job_end;
    now = std::min({arrival, timer, end});
    if (now == end) {
      job_end = 0;
      if (std::exchange(awaited, false)) carry_out(rule.finished(now));
    } else if (now == timer) {
      carry_out(rule.due(now, job_end == 0, 0));
    } else {
      arrival = now + 1 + static_cast<std::int64_t>(random.below(120));
      if (!rule.accepts(now, job_end == 0)) continue;
      ++accepted;
      carry_out(rule.arrived(now, job_end == 0));
    }
  }
  EXPECT_LE(released, accepted);
  EXPECT_GE(released + 3, accepted);
}

TEST(ReleaseRule, does_not_drift_in_a_billion_periods) {
  // A millisecond that is none: 12 days of it.
  constexpr std::int64_t kPeriod = 1'000'003;
#if defined(__x86_64__) && defined(__OPTIMIZE__)
  const std::uint64_t periods = takt::test::kSanitizerRuntime ? 10'000'000ULL : 1'000'000'000ULL;
#else
  const std::uint64_t periods = 10'000'000;
#endif
  ReleaseRule rule = periodic(Overrun::skip(), kPeriod, 11);
  std::int64_t timer = 11;
  for (std::uint64_t job = 0; job < periods; ++job) {
    const ReleaseDecision decision = rule.due(timer + 5, true, timer - 1);
    if (decision.index != job || decision.lost != 0)
      ADD_FAILURE("job %llu", static_cast<unsigned long long>(job));
    timer = decision.timer;
  }
  EXPECT_EQ(timer, 11 + static_cast<std::int64_t>(periods) * kPeriod);
}

}  // namespace
