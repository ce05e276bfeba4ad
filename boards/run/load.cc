// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/load.h"

#include <algorithm>
#include <cstdint>

#include "takt/platform/thread_usage.h"

namespace takt::run {
namespace {

// One or two microseconds on a fast core, ten on a slow one.
constexpr std::uint64_t kFirstRounds = 256;
// About 100 us: after so long a stop request is looked at.
constexpr std::uint64_t kMostRounds = 32768;

// Integer work in registers: no memory traffic, the same on every architecture.
void compute(std::uint64_t rounds) noexcept {
  std::uint64_t state = rounds;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    asm volatile("" : "+r"(state));  // the compiler has to carry out each round
  }
}

// Between two readings of `clock` half of what is left is computed, at the speed of the stretch
// before: few readings for a long load, and little beyond the end of any.
template <class ReadClock>
void compute_until(Duration amount, const StopSignal& stop, ReadClock clock) noexcept {
  Duration before = clock();
  const Duration end = before + amount;
  std::uint64_t rounds = kFirstRounds;
  while (before < end && !stop.requested()) {
    compute(rounds);
    const Duration after = clock();
    const auto taken =
        static_cast<std::uint64_t>(std::max<Duration::rep>((after - before).count(), 1));
    const auto left = static_cast<std::uint64_t>(std::max<Duration::rep>((end - after).count(), 0));
    rounds = std::clamp(rounds * (left / 2) / taken, kFirstRounds, kMostRounds);
    before = after;
  }
}

}  // namespace

void use_cpu_time(Duration amount, const StopSignal& stop) noexcept {
  // Every kernel since 2.6.12 has this clock; value() aborts on one that has not.
  compute_until(amount, stop, [] { return platform::thread_cpu_time().value(); });
}

void use_wall_time(Duration amount, const StopSignal& stop) noexcept {
  compute_until(amount, stop, [] { return now().time_since_epoch(); });
}

}  // namespace takt::run
