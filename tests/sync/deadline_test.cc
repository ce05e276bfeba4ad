// SPDX-License-Identifier: Apache-2.0
// Deadlines of any clock become deadlines of takt's, at every edge of their range.
#include "takt/sync/deadline.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Clock;
using takt::Duration;
using takt::TimePoint;
using takt::detail::attempt_until;
using takt::detail::saturating_difference;

/// A clock that the test sets.
struct FakeClock {
  using rep = std::int64_t;
  using period = std::milli;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<FakeClock>;
  static constexpr bool is_steady = false;

  static time_point now() noexcept { return current; }
  static inline time_point current{};
};

/// The deadline of takt's clock that one attempt is given.
template <class Deadline>
TimePoint converted(const Deadline& deadline) {
  TimePoint seen{};
  EXPECT_TRUE(attempt_until(deadline, [&seen](TimePoint at) {
    seen = at;
    return true;
  }));
  return seen;
}

TEST(Deadline, of_the_own_clock_is_passed_on) {
  const TimePoint at = takt::now() + 5s;
  EXPECT_EQ(converted(at), at);
  EXPECT_EQ(converted(takt::kNever), takt::kNever);
  EXPECT_EQ(converted(TimePoint::min()), TimePoint::min());
}

TEST(Deadline, of_the_own_clock_is_attempted_once) {
  int attempts = 0;
  EXPECT_FALSE(attempt_until(takt::now() + 1h, [&](TimePoint) {
    ++attempts;
    return false;
  }));
  EXPECT_EQ(attempts, 1);
}

TEST(Deadline, of_the_own_clock_in_other_units) {
  using Hours = std::chrono::time_point<Clock, std::chrono::hours>;
  EXPECT_EQ(converted(Hours(3h)), TimePoint(3h));
  EXPECT_EQ(converted(Hours::max()), TimePoint::max());
  EXPECT_EQ(converted(Hours::min()), TimePoint::min());
  using Seconds = std::chrono::time_point<Clock, std::chrono::duration<double>>;
  EXPECT_EQ(converted(Seconds(std::chrono::duration<double>(1.5))), TimePoint(1500ms));
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(converted(Seconds(std::chrono::duration<double>(kInfinity))), TimePoint::max());
  // Rounded up: never too early.
  using Picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  EXPECT_EQ(converted(std::chrono::time_point<Clock, Picoseconds>(Picoseconds(1001))),
            TimePoint(2ns));
}

TEST(Deadline, of_another_clock_lies_as_far_from_now) {
  FakeClock::current = FakeClock::time_point(100ms);
  const TimePoint before = takt::now();
  const TimePoint seen = converted(FakeClock::current + 7ms);
  EXPECT_GE(seen, before + 7ms);
  EXPECT_LE(seen, takt::now() + 7ms);
}

TEST(Deadline, of_another_clock_in_the_past_has_passed) {
  FakeClock::current = FakeClock::time_point(100ms);
  EXPECT_LT(converted(FakeClock::time_point(99ms)), takt::now());
  EXPECT_LT(converted(FakeClock::time_point::min()), takt::now());
  EXPECT_LT(converted(std::chrono::system_clock::time_point::min()), takt::now());
}

TEST(Deadline, of_another_clock_at_its_end_is_far) {
  using WallHours = std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>;
  EXPECT_GT(converted(std::chrono::system_clock::time_point::max()), takt::now() + 1000h);
  EXPECT_GT(converted(WallHours::max()), takt::now() + 1000h);
  EXPECT_LT(converted(WallHours::min()), takt::now());
  FakeClock::current = FakeClock::time_point(-100h);  // the difference is beyond 64 bits
  EXPECT_EQ(converted(FakeClock::time_point::max()), takt::kNever);
}

TEST(Deadline, is_attempted_again_when_its_clock_was_set_back) {
  FakeClock::current = FakeClock::time_point(100ms);
  int attempts = 0;
  TimePoint last{};
  EXPECT_FALSE(attempt_until(FakeClock::time_point(110ms), [&](TimePoint at) {
    ++attempts;
    if (attempts == 1) FakeClock::current = FakeClock::time_point(50ms);  // not yet
    if (attempts == 2) {
      EXPECT_GE(at, last + 40ms);
      FakeClock::current = FakeClock::time_point(109ms);  // nearly
    }
    if (attempts == 3) FakeClock::current = FakeClock::time_point(110ms);
    last = at;
    return false;
  }));
  EXPECT_EQ(attempts, 3);
}

TEST(Deadline, a_success_ends_it_whatever_the_clocks_say) {
  FakeClock::current = FakeClock::time_point(100ms);
  EXPECT_TRUE(attempt_until(FakeClock::time_point(0ms), [](TimePoint) { return true; }));
}

TEST(Deadline, differences_are_held_at_the_ends) {
  constexpr Duration kMin = Duration::min();
  constexpr Duration kMax = Duration::max();
  static_assert(saturating_difference(5ns, 3ns) == 2ns);
  static_assert(saturating_difference(kMin, 1ns) == kMin);
  static_assert(saturating_difference(kMax, -1ns) == kMax);
  static_assert(saturating_difference(kMax, kMin) == kMax);
  static_assert(saturating_difference(kMin, kMax) == kMin);
  static_assert(saturating_difference(kMax, kMax) == 0ns);
}

}  // namespace
