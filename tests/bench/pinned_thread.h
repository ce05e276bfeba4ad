// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BENCH_PINNED_THREAD_H_
#define TAKT_TESTS_BENCH_PINNED_THREAD_H_

#include <cstddef>
#include <functional>
#include <thread>
#include <utility>

#include "takt/platform/check.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/time.h"
#include "takt/sync/env.h"

/// Threads to measure in: on one CPU each, with a fixed priority where the system grants it.
namespace takt::bench {

/// Where a measured thread runs. `slot` counts the CPUs that the process may use from 0, around
/// again at the end; `priority` is SCHED_FIFO's.
struct Place {
  std::size_t slot;
  int priority;
};
inline constexpr int kPriority = 10;

/// How many CPUs the process may use, as it was when the program started.
std::size_t cpu_count();
/// The CPU of a slot.
std::size_t cpu_of(std::size_t slot);
/// Whether this process may use SCHED_FIFO; asked once, by trying.
bool fifo_granted();
/// SCHED_FIFO with that priority where it is granted, else time sharing.
Scheduling scheduling_of(int priority);

/// A thread that is in its place before it runs `body`; joined by the destructor.
class PinnedThread {
 public:
  PinnedThread(Place place, std::function<void()> body);
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;
  ~PinnedThread() { thread_.join(); }

 private:
  std::thread thread_;
};

/// Runs `body` on a thread in that place and returns what it returns. The caller lives meanwhile,
/// so no lock in `body` is spared its atomics for want of a second thread.
double measured_at(Place place, const std::function<double()>& body);

/// Nanoseconds of one call of `operation`, uncontended: the mean of 5,000,000 on the first CPU.
template <class Operation>
double cost_of(Operation operation) {
  constexpr int kOperations = 5'000'000;
  return measured_at({0, kPriority}, [&] {
    const TimePoint begin = now();
    for (int i = 0; i < kOperations; ++i) operation();
    return static_cast<double>((now() - begin).count()) / kOperations;
  });
}

inline void pause_times(int times) {
  for (int i = 0; i < times; ++i) ThreadEnv::pause();
}

/// Waits for `done`: spins a little, then sleeps in small steps, so that a thread which must run on
/// this very CPU can, whatever the priorities. Aborts after ten seconds.
template <class Condition>
void await(Condition done) {
  constexpr int kSpins = 2'000;
  constexpr Duration kStep = std::chrono::microseconds(20);
  const TimePoint limit = deadline_after(std::chrono::seconds(10));
  for (int i = 0; i < kSpins; ++i) {
    if (done()) return;
    ThreadEnv::pause();
  }
  while (!done()) {
    TAKT_CHECK(now() < limit, "benchmark: waited ten seconds in vain");
    platform::sleep_until(deadline_after(kStep));
  }
}

}  // namespace takt::bench

#endif  // TAKT_TESTS_BENCH_PINNED_THREAD_H_
