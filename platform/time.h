// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_TIME_H_
#define TAKT_PLATFORM_TIME_H_

#include <time.h>

#include <chrono>
#include <cstdint>
#include <ratio>
#include <type_traits>

namespace takt::inline v0 {

/// The one clock of takt: CLOCK_MONOTONIC in nanoseconds. Never set back, stops while the machine
/// is suspended (clock_gettime(2)).
using Clock = std::chrono::steady_clock;
using TimePoint = std::chrono::time_point<Clock, std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;
static_assert(std::is_same_v<Clock::time_point, TimePoint>, "steady_clock counts nanoseconds");

/// A deadline that never comes. Each wait takes it to mean "without time limit".
inline constexpr TimePoint kNever = TimePoint::max();

/// Nanoseconds since the clock's origin, for raw counters.
constexpr std::int64_t to_ns(TimePoint time) noexcept { return time.time_since_epoch().count(); }
inline constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

/// The time point of a raw counter.
constexpr TimePoint from_ns(std::int64_t nanoseconds) noexcept {
  return TimePoint(Duration(nanoseconds));
}

/// Reads the clock, through the vDSO where there is one.
/// Blocks: no. Bound: wait-free. Callable from: anywhere, signal handlers included.
inline TimePoint now() noexcept {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);  // cannot fail: the clock exists, the address is ours
  return from_ns(std::int64_t{time.tv_sec} * kNanosecondsPerSecond + time.tv_nsec);
}

/// `time + duration`, held at the ends of the clock instead of overflowing.
template <class Rep, class Period>
constexpr TimePoint saturating_add(TimePoint time,
                                   std::chrono::duration<Rep, Period> duration) noexcept;

/// The deadline `duration` from now: the one conversion that each `_for` form makes.
template <class Rep, class Period>
TimePoint deadline_after(std::chrono::duration<Rep, Period> duration) noexcept {
  return saturating_add(now(), duration);
}

namespace platform {

/// Sleeps until `deadline`; a signal does not end it. Uses an absolute clock_nanosleep, so that
/// neither preemption before the call nor signals add drift. kNever sleeps for ever.
/// Blocks: until the deadline. Callable from: any thread. Errors: none, a passed deadline returns
/// at once.
void sleep_until(TimePoint deadline) noexcept;

}  // namespace platform

namespace detail {

/// `duration` in nanoseconds, rounded up, held at the ends of int64.
template <class Rep, class Period>
constexpr Duration saturating_ns(std::chrono::duration<Rep, Period> duration) noexcept {
  using ToNanoseconds = std::ratio_divide<Period, std::nano>;
  if constexpr (std::is_integral_v<Rep> && sizeof(Rep) <= sizeof(std::int64_t)) {
    // The usual units stay in integers: long double is emulated on arm64, and slow.
    std::int64_t product = 0;
    if (__builtin_mul_overflow(duration.count(), ToNanoseconds::num, &product)) {
      return duration.count() > 0 ? Duration::max() : Duration::min();
    }
    const std::int64_t whole = product / ToNanoseconds::den;
    return Duration(whole + (product % ToNanoseconds::den > 0 ? 1 : 0));
  } else {
    // Compared before it is multiplied: the range of a floating count is far wider than ours.
    constexpr long double kLimit = 9223372036854775808.0L;  // 2^63, exact in every format
    constexpr long double kScale =
        static_cast<long double>(ToNanoseconds::num) / static_cast<long double>(ToNanoseconds::den);
    const auto count = static_cast<long double>(duration.count());
    if (!(count < kLimit / kScale)) return Duration::max();  // NaN counts as "for ever"
    if (count < -kLimit / kScale) return Duration::min();
    const long double wide = count * kScale;
    if (wide >= kLimit) return Duration::max();
    if (wide < -kLimit) return Duration::min();
    const auto whole = static_cast<std::int64_t>(wide);
    return Duration(whole + (static_cast<long double>(whole) < wide ? 1 : 0));
  }
}

}  // namespace detail

template <class Rep, class Period>
constexpr TimePoint saturating_add(TimePoint time,
                                   std::chrono::duration<Rep, Period> duration) noexcept {
  std::int64_t sum = 0;
  const std::int64_t addend = detail::saturating_ns(duration).count();
  if (__builtin_add_overflow(to_ns(time), addend, &sum)) {
    return addend > 0 ? TimePoint::max() : TimePoint::min();
  }
  return from_ns(sum);
}

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_TIME_H_
