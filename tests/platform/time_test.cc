// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/time.h"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <ratio>

#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::TimePoint;

constexpr TimePoint kEpoch{};

static_assert(takt::saturating_add(kEpoch, 5ns) == takt::from_ns(5));
static_assert(takt::saturating_add(TimePoint::max(), 1ns) == TimePoint::max());
static_assert(takt::saturating_add(TimePoint::min(), -1ns) == TimePoint::min());
static_assert(takt::saturating_add(TimePoint::max(), -1h) == TimePoint::max() - 1h);
// Units whose count fits while the nanoseconds do not.
static_assert(takt::saturating_add(kEpoch, std::chrono::hours::max()) == TimePoint::max());
static_assert(takt::saturating_add(kEpoch, std::chrono::hours::min()) == TimePoint::min());
static_assert(takt::saturating_add(kEpoch, std::chrono::seconds(9'223'372'036)) ==
              takt::from_ns(9'223'372'036'000'000'000));
static_assert(takt::saturating_add(kEpoch, std::chrono::seconds(9'223'372'037)) ==
              TimePoint::max());
// A deadline must not come too early: what is finer than the clock is rounded up.
using Picoseconds = std::chrono::duration<std::int64_t, std::pico>;
static_assert(takt::saturating_add(kEpoch, Picoseconds(1001)) == takt::from_ns(2));
static_assert(takt::saturating_add(kEpoch, Picoseconds(-1999)) == takt::from_ns(-1));
using Frames = std::chrono::duration<std::int32_t, std::ratio<1, 60>>;
static_assert(takt::saturating_add(kEpoch, Frames(60)) == takt::from_ns(1'000'000'000));
static_assert(takt::saturating_add(kEpoch, Frames(1)) == takt::from_ns(16'666'667));
using UnsignedNanoseconds = std::chrono::duration<std::uint64_t, std::nano>;
static_assert(takt::saturating_add(kEpoch, UnsignedNanoseconds::max()) == TimePoint::max());
using FloatSeconds = std::chrono::duration<double>;
static_assert(takt::saturating_add(kEpoch, FloatSeconds(0.5)) == takt::from_ns(500'000'000));
static_assert(takt::saturating_add(kEpoch, FloatSeconds(1e-10)) == takt::from_ns(1));
static_assert(takt::saturating_add(kEpoch, FloatSeconds(-1.5e-9)) == takt::from_ns(-1));
static_assert(takt::saturating_add(kEpoch, FloatSeconds(9223372036.8547758)) == TimePoint::max());
static_assert(takt::saturating_add(kEpoch, FloatSeconds(9223372036.0)) >=
              takt::from_ns(9'223'372'035'999'999'000));
static_assert(takt::saturating_add(kEpoch, FloatSeconds(1e300)) == TimePoint::max());
static_assert(takt::saturating_add(kEpoch, FloatSeconds(-1e300)) == TimePoint::min());
static_assert(takt::saturating_add(kEpoch, FloatSeconds(std::numeric_limits<double>::infinity())) ==
              TimePoint::max());
static_assert(takt::saturating_add(kEpoch,
                                   FloatSeconds(std::numeric_limits<double>::quiet_NaN())) ==
              TimePoint::max());
static_assert(takt::to_ns(takt::from_ns(-7)) == -7);

TEST(Time, now_is_the_steady_clock) {
  const TimePoint before = takt::Clock::now();
  const TimePoint between = takt::now();
  const TimePoint after = takt::Clock::now();
  EXPECT_LE(before, between);
  EXPECT_LE(between, after);
}

TEST(Time, deadline_after_converts_once) {
  const TimePoint before = takt::now();
  const TimePoint deadline = takt::deadline_after(1s);
  EXPECT_GE(deadline, before + 1s);
  EXPECT_LE(deadline, takt::now() + 1s);
  EXPECT_EQ(takt::deadline_after(Duration::max()), takt::kNever);
  EXPECT_EQ(takt::deadline_after(std::chrono::years(10'000)), takt::kNever);
}

TEST(Time, sleep_until_reaches_its_deadline) {
  for (const Duration duration : std::initializer_list<Duration>{0ns, 1ns, 1us, 2ms}) {
    const TimePoint deadline = takt::now() + duration;
    takt::platform::sleep_until(deadline);
    EXPECT_GE(takt::now(), deadline);
  }
}

TEST(Time, sleep_until_returns_when_the_deadline_has_passed) {
  takt::platform::sleep_until(takt::now() - 1h);
  takt::platform::sleep_until(kEpoch);
  takt::platform::sleep_until(takt::from_ns(-1));
  takt::platform::sleep_until(TimePoint::min());
}

}  // namespace
