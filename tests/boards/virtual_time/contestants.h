// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BOARDS_VIRTUAL_TIME_CONTESTANTS_H_
#define TAKT_TESTS_BOARDS_VIRTUAL_TIME_CONTESTANTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "takt/platform/time.h"
#include "takt/tests/bench/pinned_thread.h"

/// Who is measured here, one after the other on the same CPU at the same priority.
namespace takt::virtual_time {

/// Delays in nanoseconds.
struct Figures {
  std::int64_t samples = 0;
  std::int64_t min = 0;
  std::int64_t max = 0;
  double average = 0;

  void add(Duration delay) noexcept {
    const std::int64_t ns = delay.count();
    min = samples == 0 ? ns : std::min(min, ns);
    max = std::max(max, ns);
    ++samples;
    average += (static_cast<double>(ns) - average) / static_cast<double>(samples);
  }
};

inline constexpr std::size_t kCpus = 4;
inline constexpr int kPriority = 80;
/// Not commensurable with the tick (4 ms): each contestant meets it at each phase.
inline constexpr Duration kInterval = std::chrono::microseconds(1'009);

/// On which CPUs: who is measured, and who posts to it or wakes it.
struct Places {
  bench::Place measured;
  bench::Place waker;
};

/// From the programmed wake-up to the first instruction, by rt-tests' cyclictest.
Figures cyclictest(const Places& places, int samples);
/// From the release of a periodic task to the first instruction of its job.
Figures task_release(const Places& places, int samples);
/// The same by the plainest thread that others could wake meanwhile: a futex wait that times out.
Figures futex_time_out(const Places& places, int samples);
/// From before a futex is woken to the first instruction of who slept on it.
Figures futex_wake(const Places& places, int samples);
/// From before a post to the first instruction of the job, the worker asleep.
Figures post_dispatch(const Places& places, int samples);

}  // namespace takt::virtual_time

#endif  // TAKT_TESTS_BOARDS_VIRTUAL_TIME_CONTESTANTS_H_
