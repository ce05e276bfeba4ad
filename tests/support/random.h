// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_RANDOM_H_
#define TAKT_TESTS_SUPPORT_RANDOM_H_

#include <cstdint>

namespace takt::test {

/// The seed of this run: --seed=N, else Bazel's TEST_RANDOM_SEED, else 1; the n-th repetition of
/// --repeat adds n. Printed at the start of the run. Callable from: anywhere.
std::uint64_t seed() noexcept;
void set_seed(std::uint64_t seed) noexcept;

/// A small deterministic generator (SplitMix64, Steele, Lea, Flood 2014). The same seed gives the
/// same sequence on every machine. One thread uses one object.
class Random {
 public:
  /// Streams of different numbers are independent: one for each thread of a test.
  explicit Random(std::uint64_t stream = 0) noexcept;

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    return mix(state_);
  }
  /// Uniform in [0, bound); `bound` is not 0. The bias is below bound / 2^64.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  /// Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    const std::uint64_t offset = span == 0 ? next() : below(span);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
  }
  /// True once in `n` calls on average.
  bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

 private:
  static std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
  }

  std::uint64_t state_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_RANDOM_H_
