// SPDX-License-Identifier: Apache-2.0
// The three kinds of supervision and the local state, each by itself and in virtual time.
#include <cstdint>

#include "takt/monitor/alive_supervision.h"
#include "takt/monitor/deadline_supervision.h"
#include "takt/monitor/local_supervision.h"
#include "takt/monitor/logical_supervision.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::AliveExpectation;
using takt::AliveSupervision;
using takt::CheckpointId;
using takt::DeadlineExpectation;
using takt::DeadlineSupervision;
using takt::Duration;
using takt::Fault;
using takt::Findings;
using takt::kBegin;
using takt::LocalState;
using takt::LocalSupervision;
using takt::LogicalSupervision;
using takt::Look;
using takt::Supervision;
using takt::TimePoint;
using takt::Transition;

TimePoint at(Duration time) { return takt::from_ns(time.count()); }
Look glance(Duration time) { return {at(time), at(time)}; }

Fault only_fault(const Findings& findings) {
  return findings.count == 1 ? findings.items[0].fault : Fault::none;
}

Findings alive(AliveSupervision& supervision, const AliveExpectation& expected, const Look& look,
               std::uint64_t indications) {
  Findings findings;
  supervision.judge(expected, look, indications, findings);
  return findings;
}

constexpr AliveExpectation kTen{.window = 100ms, .min = 8, .max = 12};

TEST(AliveSupervision, judges_each_window_by_its_own_indications) {
  AliveSupervision supervision;
  supervision.begin(glance(0ms), 1000);
  EXPECT_FALSE(alive(supervision, kTen, glance(50ms), 1004).cycle_ended);
  const Findings first = alive(supervision, kTen, glance(100ms), 1008);
  EXPECT_TRUE(first.cycle_ended);
  EXPECT_EQ(first.count, 0);
  const Findings second = alive(supervision, kTen, glance(200ms), 1015);  // 7
  ASSERT_TRUE(only_fault(second) == Fault::too_few_indications);
  EXPECT_EQ(second.items[0].count, 7);
  EXPECT_EQ(alive(supervision, kTen, glance(300ms), 1027).count, 0);  // 12
  EXPECT_TRUE(only_fault(alive(supervision, kTen, glance(400ms), 1040)) ==
              Fault::too_many_indications);
}

TEST(AliveSupervision, too_many_are_found_before_the_window_ends) {
  AliveSupervision supervision;
  supervision.begin(glance(0ms), 0);
  EXPECT_TRUE(only_fault(alive(supervision, kTen, glance(10ms), 13)) ==
              Fault::too_many_indications);
}

TEST(AliveSupervision, a_longer_window_may_have_more_and_must_have_more) {
  AliveSupervision supervision;
  supervision.begin(glance(0ms), 0);
  EXPECT_EQ(alive(supervision, kTen, glance(110ms), 14).count, 0);
  supervision.begin(glance(0ms), 0);
  EXPECT_EQ(alive(supervision, kTen, glance(110ms), 15).count, 1);
  supervision.begin(glance(0ms), 0);
  EXPECT_EQ(alive(supervision, kTen, glance(300ms), 24).count, 0);
  supervision.begin(glance(0ms), 0);
  EXPECT_EQ(alive(supervision, kTen, glance(300ms), 23).count, 1);
}

TEST(AliveSupervision, a_slow_glance_accuses_nobody_of_what_may_not_be) {
  AliveSupervision supervision;
  // The counter may have been read anywhere in these 40 ms: the window may be 60 ms long only.
  supervision.begin({at(0ms), at(40ms)}, 0);
  EXPECT_EQ(alive(supervision, kTen, {at(100ms), at(100ms)}, 5).count, 0);
  EXPECT_TRUE(alive(supervision, kTen, {at(140ms), at(180ms)}, 8).cycle_ended);
  // And 140 ms here: that is 17 and a bit.
  supervision.begin({at(0ms), at(20ms)}, 0);
  EXPECT_EQ(alive(supervision, kTen, {at(120ms), at(140ms)}, 17).count, 0);
}

TEST(AliveSupervision, silence_of_a_window_is_found_wherever_windows_begin) {
  AliveSupervision supervision;
  supervision.begin(glance(0ms), 0);
  // All that the first window needs comes early; then nothing.
  for (Duration time = 10ms; time <= 100ms; time += 10ms) {
    EXPECT_EQ(alive(supervision, kTen, glance(time), 10).count, 0);
  }
  EXPECT_TRUE(only_fault(alive(supervision, kTen, glance(110ms), 10)) ==
              Fault::too_few_indications);
}

TEST(AliveSupervision, nothing_is_asked_of_who_has_no_limits) {
  AliveSupervision supervision;
  constexpr AliveExpectation kNothing{.window = 10ms};
  supervision.begin(glance(0ms), 0);
  EXPECT_EQ(alive(supervision, kNothing, glance(1000ms), 0).count, 0);
  EXPECT_EQ(alive(supervision, kNothing, glance(1001ms), 1'000'000'000'000).count, 0);
}

TEST(AliveSupervision, a_counter_that_begins_anew_is_somebody_new) {
  AliveSupervision supervision;
  supervision.begin(glance(0ms), 1000);
  EXPECT_EQ(alive(supervision, kTen, glance(90ms), 3).count, 0);
  EXPECT_EQ(alive(supervision, kTen, glance(150ms), 3).count, 0);
  EXPECT_EQ(alive(supervision, kTen, glance(190ms), 3).count, 1);
}

TEST(AliveSupervision, a_disturbance_is_no_part_of_a_window) {
  AliveSupervision supervision;
  supervision.begin(glance(0ms), 0);
  EXPECT_EQ(alive(supervision, kTen, glance(60ms), 6).count, 0);
  supervision.exclude({at(60ms), at(500ms)}, 6);
  EXPECT_FALSE(alive(supervision, kTen, glance(539ms), 6).cycle_ended);  // 99 ms
  const Findings few = alive(supervision, kTen, glance(540ms), 7);
  ASSERT_TRUE(only_fault(few) == Fault::too_few_indications);
  EXPECT_EQ(few.items[0].count, 7);
  // Silence goes on over one, from the last sign before it, or within it.
  supervision.exclude({at(540ms), at(600ms)}, 7);
  EXPECT_EQ(alive(supervision, kTen, glance(610ms), 15).count, 0);
  supervision.exclude({at(610ms), at(700ms)}, 15);
  EXPECT_EQ(alive(supervision, kTen, glance(790ms), 23).count, 0);
  supervision.exclude({at(790ms), at(900ms)}, 24);
  EXPECT_EQ(alive(supervision, kTen, glance(999ms), 32).count, 0);
  // What came meanwhile is not too much: it had the time.
  supervision.begin(glance(1000ms), 0);
  supervision.exclude({at(1000ms), at(1500ms)}, 60);
  EXPECT_EQ(alive(supervision, kTen, glance(1501ms), 60).count, 0);
}

constexpr DeadlineExpectation kSpan{.min = 2ms, .max = 5ms};

Findings deadline(DeadlineSupervision& supervision, const Look& look) {
  Findings findings;
  supervision.judge(kSpan, look, 1, 2, findings);
  return findings;
}

TEST(DeadlineSupervision, judges_what_came) {
  DeadlineSupervision supervision;
  const auto span = [&](Duration from, Duration to) {
    supervision.start(at(from), kSpan);
    supervision.finish(at(to), kSpan);
    return only_fault(deadline(supervision, glance(to)));
  };
  EXPECT_TRUE(span(10ms, 12ms) == Fault::none);
  EXPECT_TRUE(span(20ms, 25ms) == Fault::none);
  EXPECT_TRUE(span(30ms, 32ms - 1ns) == Fault::checkpoint_early);
  EXPECT_TRUE(span(40ms, 45ms + 1ns) == Fault::checkpoint_late);
  EXPECT_TRUE(span(0ms, 3ms) == Fault::none);  // the clock's origin is a time like any other
  supervision.start(at(50ms), kSpan);
  supervision.finish(at(51ms), kSpan);
  supervision.start(at(52ms), kSpan);
  supervision.finish(at(59ms), kSpan);
  const Findings both = deadline(supervision, glance(59ms));
  ASSERT_EQ(both.count, 2);
  EXPECT_TRUE(both.items[0].fault == Fault::checkpoint_early && both.items[0].measured == 1ms);
  EXPECT_TRUE(both.items[1].fault == Fault::checkpoint_late && both.items[1].measured == 7ms);
  supervision.finish(at(60ms), kSpan);  // an end without a beginning
  EXPECT_EQ(deadline(supervision, glance(61ms)).count, 0);
}

TEST(DeadlineSupervision, finds_what_does_not_come_and_counts_it_once) {
  DeadlineSupervision supervision;
  supervision.start(at(10ms), kSpan);
  EXPECT_EQ(deadline(supervision, glance(15ms)).count, 0);
  const Findings found = deadline(supervision, glance(16ms));
  ASSERT_TRUE(only_fault(found) == Fault::checkpoint_late);
  EXPECT_TRUE(found.items[0].measured == 6ms);
  EXPECT_EQ(found.items[0].from, 1);
  EXPECT_EQ(found.items[0].to, 2);
  EXPECT_EQ(found.items[0].count, 1);
  const Findings still = deadline(supervision, glance(17ms));  // shown, and counted no more
  ASSERT_TRUE(only_fault(still) == Fault::checkpoint_late);
  EXPECT_EQ(still.items[0].count, 0);
  supervision.exclude({at(17ms), at(18ms)});  // which makes it no new one
  const Findings same = deadline(supervision, glance(18ms));
  ASSERT_EQ(same.count, 1);
  EXPECT_EQ(same.items[0].count, 0);
  supervision.finish(at(18ms), kSpan);
  EXPECT_EQ(deadline(supervision, glance(19ms)).count, 0);
  supervision.start(at(20ms), kSpan);
  supervision.finish(at(30ms), kSpan);
  EXPECT_EQ(deadline(supervision, glance(31ms)).count, 1);
}

TEST(DeadlineSupervision, a_beginning_after_a_beginning_ends_the_first_span) {
  DeadlineSupervision supervision;
  supervision.start(at(10ms), kSpan);
  supervision.start(at(11ms), kSpan);  // early ends do not count: it did not end
  EXPECT_EQ(deadline(supervision, glance(12ms)).count, 0);
  supervision.start(at(20ms), kSpan);
  EXPECT_TRUE(only_fault(deadline(supervision, glance(20ms))) == Fault::checkpoint_late);
}

TEST(DeadlineSupervision, what_starts_over_begins_anew) {
  DeadlineSupervision supervision;
  supervision.start(at(10ms), kSpan);
  supervision.restart(glance(100ms));
  EXPECT_EQ(deadline(supervision, glance(105ms)).count, 0);
  supervision.finish(at(101ms), kSpan);  // not early: it began long before
  EXPECT_EQ(deadline(supervision, glance(110ms)).count, 0);
  supervision.start(at(110ms), kSpan);
  supervision.restart(glance(100ms));    // looked before that, and was held up
  supervision.finish(at(114ms), kSpan);  // so this is not late
  EXPECT_EQ(deadline(supervision, glance(115ms)).count, 0);
  supervision.start(at(200ms), kSpan);
  supervision.restart(glance(300ms));
  EXPECT_TRUE(only_fault(deadline(supervision, glance(306ms))) == Fault::checkpoint_late);
  supervision.start(at(400ms), kSpan);
  supervision.finish(at(500ms), kSpan);
  supervision.restart(glance(501ms));
  EXPECT_EQ(deadline(supervision, glance(502ms)).count, 0);
}

TEST(DeadlineSupervision, what_was_open_when_it_expired_is_dropped_and_no_more) {
  DeadlineSupervision supervision;
  supervision.start(at(10ms), kSpan);
  supervision.reinstate(at(11ms), glance(100ms));
  EXPECT_EQ(deadline(supervision, glance(200ms)).count, 0);
  supervision.start(at(300ms), kSpan);
  supervision.start(at(311ms), kSpan);  // the new one's
  supervision.reinstate(at(311ms), glance(400ms));
  EXPECT_EQ(deadline(supervision, glance(405ms)).count, 0);
  EXPECT_TRUE(only_fault(deadline(supervision, glance(406ms))) == Fault::checkpoint_late);
  supervision.finish(at(410ms), kSpan);
  supervision.start(at(411ms), kSpan);
  supervision.finish(at(500ms), kSpan);  // counted, and forgotten
  supervision.reinstate(at(412ms), glance(501ms));
  EXPECT_EQ(deadline(supervision, glance(600ms)).count, 0);
}

TEST(DeadlineSupervision, a_disturbance_is_no_part_of_an_open_span) {
  DeadlineSupervision supervision;
  supervision.start(at(10ms), kSpan);
  supervision.exclude({at(13ms), at(100ms)});  // 3 ms before
  EXPECT_EQ(deadline(supervision, glance(102ms)).count, 0);
  supervision.exclude({at(102ms), at(200ms)});  // 5 ms in all
  EXPECT_EQ(deadline(supervision, glance(200ms)).count, 0);
  const Findings found = deadline(supervision, glance(201ms));
  ASSERT_TRUE(only_fault(found) == Fault::checkpoint_late);
  EXPECT_TRUE(found.items[0].measured == 6ms);
  supervision.start(at(300ms), kSpan);  // begins within one
  supervision.exclude({at(290ms), at(310ms)});
  supervision.finish(at(311ms), kSpan);  // and seems early
  EXPECT_EQ(deadline(supervision, glance(311ms)).count, 0);
  supervision.start(at(400ms), kSpan);  // after it: it stays what it is
  supervision.exclude({at(380ms), at(390ms)});
  supervision.finish(at(401ms), kSpan);
  EXPECT_TRUE(only_fault(deadline(supervision, glance(401ms))) == Fault::checkpoint_early);
}

TEST(LogicalSupervision, follows_the_graph) {
  constexpr CheckpointId kRead{0}, kCompute{1}, kWrite{2}, kIdle{3};
  constexpr Transition kOrder[] = {{kBegin, kRead},    {kRead, kCompute}, {kCompute, kCompute},
                                   {kCompute, kWrite}, {kWrite, kBegin},  {kBegin, kIdle},
                                   {kIdle, kBegin}};
  LogicalSupervision supervision;
  supervision.allow(kOrder);
  const auto faults = [&] {
    Findings findings;
    supervision.judge(false, findings);
    return findings;
  };
  for (const int checkpoint : {0, 1, 1, 2, 3, 0, 1, 2, 0}) {
    supervision.reach(static_cast<std::uint32_t>(checkpoint));
  }
  EXPECT_EQ(faults().count, 0);
  supervision.reach(2);  // nothing was computed
  const Findings found = faults();
  ASSERT_TRUE(only_fault(found) == Fault::wrong_order);
  EXPECT_EQ(found.items[0].from, 0);
  EXPECT_EQ(found.items[0].to, 2);
  supervision.reach(0);  // goes on from there
  EXPECT_EQ(faults().count, 0);
  supervision.reach(30);
  EXPECT_EQ(faults().count, 1);
  LogicalSupervision first;
  first.allow(kOrder);
  first.reach(1);  // no round begins there
  Findings findings;
  first.judge(false, findings);
  EXPECT_EQ(findings.count, 1);
  EXPECT_EQ(findings.items[0].from, 31);
}

TEST(LogicalSupervision, who_is_new_may_begin_anywhere) {
  constexpr CheckpointId kRead{0}, kWrite{1};
  constexpr Transition kOrder[] = {{kBegin, kRead}, {kRead, kWrite}, {kWrite, kBegin}};
  LogicalSupervision supervision;
  supervision.allow(kOrder);
  supervision.reach(0);
  supervision.start_anywhere();
  supervision.reach(0);
  supervision.reach(1);
  Findings findings;
  supervision.judge(false, findings);
  EXPECT_EQ(findings.count, 0);
  supervision.reach(1);  // wrong, but of the past then
  supervision.start_anywhere();
  supervision.reach(1);
  supervision.judge(false, findings);
  EXPECT_EQ(findings.count, 0);
  supervision.reach(1);  // once only
  supervision.judge(false, findings);
  EXPECT_EQ(findings.count, 1);
}

TEST(LogicalSupervision, without_a_graph_every_order_is_right) {
  LogicalSupervision supervision;
  supervision.allow({});
  for (std::uint32_t checkpoint = 0; checkpoint < takt::kCheckpoints; ++checkpoint) {
    supervision.reach(takt::kCheckpoints - 1 - checkpoint);
  }
  Findings findings;
  supervision.judge(false, findings);
  EXPECT_EQ(findings.count, 0);
}

TEST(LocalSupervision, tolerates_as_many_cycles_as_it_may) {
  LocalSupervision local;
  EXPECT_TRUE(local.state() == LocalState::deactivated);
  local.begin(true);
  constexpr takt::Tolerance kTwo{.alive = 2};
  EXPECT_TRUE(local.fail(Supervision::alive, kTwo, at(0ms)));
  EXPECT_FALSE(local.fail(Supervision::alive, kTwo, at(0ms)));  // once a cycle
  EXPECT_TRUE(local.state() == LocalState::failed);
  local.end_cycle();
  EXPECT_TRUE(local.fail(Supervision::alive, kTwo, at(0ms)));
  local.end_cycle();
  EXPECT_TRUE(local.state() == LocalState::failed);
  local.end_cycle();  // well
  EXPECT_TRUE(local.state() == LocalState::failed);
  local.end_cycle();  // well
  EXPECT_TRUE(local.state() == LocalState::ok);
  for (int cycle = 0; cycle < 3; ++cycle) {
    EXPECT_TRUE(local.fail(Supervision::alive, kTwo, at(0ms)));
    local.end_cycle();
  }
  EXPECT_TRUE(local.state() == LocalState::expired);
  local.end_cycle();
  local.end_cycle();
  local.end_cycle();
  EXPECT_TRUE(local.state() == LocalState::expired);
  local.begin(true);
  EXPECT_TRUE(local.state() == LocalState::ok);
  EXPECT_TRUE(local.fail(Supervision::logical, kTwo, at(0ms)));
  EXPECT_TRUE(local.state() == LocalState::expired);  // no tolerance for this kind
}

}  // namespace
