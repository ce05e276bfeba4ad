// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_SATURATING_H_
#define TAKT_EXECUTOR_SATURATING_H_

#include <cstdint>

// Arithmetic of the schedulability analysis: integer nanoseconds, never negative.

namespace takt::inline v0::detail {

/// More than 292 years: no bound. All sums end here instead of overflowing.
inline constexpr std::int64_t kForever = INT64_MAX;
/// How often a recurrence is evaluated for one task before the analysis gives up.
inline constexpr std::uint32_t kAnalysisSteps = 1U << 18;

/// Sum and product of what is not negative, held at kForever.
constexpr std::int64_t plus(std::int64_t left, std::int64_t right) noexcept {
  return left > kForever - right ? kForever : left + right;
}
constexpr std::int64_t times(std::int64_t left, std::int64_t right) noexcept {
  std::int64_t product = 0;
  return __builtin_mul_overflow(left, right, &product) ? kForever : product;
}

/// 1 in the units of utilisation().
inline constexpr std::uint64_t kWholeCpu = std::uint64_t{1} << 32;

/// `wcet / period` in units of 2^-32, rounded down; at most 2^33.
constexpr std::uint64_t utilisation(std::int64_t wcet, std::int64_t period) noexcept {
  if (wcet / period >= 2) return 2 * kWholeCpu;
  const auto divisor = static_cast<std::uint64_t>(period);
  std::uint64_t quotient = static_cast<std::uint64_t>(wcet / period);
  std::uint64_t rest = static_cast<std::uint64_t>(wcet % period);
  for (int bit = 0; bit < 32; ++bit) {  // by hand: 32-bit machines have no 128-bit division
    rest *= 2;
    quotient = quotient * 2 + (rest >= divisor ? 1 : 0);
    if (rest >= divisor) rest -= divisor;
  }
  return quotient;
}

/// A sum of utilisation(), to the nearest millionth.
constexpr std::uint64_t millionths(std::uint64_t utilisation) noexcept {
  return (utilisation * 1'000'000 + kWholeCpu / 2) / kWholeCpu;
}

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_SATURATING_H_
