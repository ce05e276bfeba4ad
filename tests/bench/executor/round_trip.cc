// SPDX-License-Identifier: Apache-2.0
// submit() and wait(), the worker awake, beside two threads that spin on a word each.
#include <array>
#include <atomic>

#include "takt/tests/bench/executor/rows.h"
#include "takt/tests/bench/executor/running.h"

namespace takt::bench {
namespace {

constexpr int kTrips = 200'000;
constexpr Duration kSpin = std::chrono::milliseconds(100);

template <class Trip>
double cost_of_trips(int trips, Trip trip) {
  return measured_at({0, kPriority}, [&] {
    const TimePoint begin = now();
    for (int i = 1; i <= trips; ++i) trip(i);
    return static_cast<double>((now() - begin).count()) / trips;
  });
}

double spinning_round_trip() {
  alignas(64) std::atomic<int> there{0};
  alignas(64) std::atomic<int> back{0};
  const PinnedThread echo({1, kPriority}, [&] {
    for (int i = 1; i <= kTrips; ++i) {
      while (there.load(std::memory_order_acquire) != i) ThreadEnv::pause();
      back.store(i, std::memory_order_release);
    }
  });
  return cost_of_trips(kTrips, [&](int i) {
    there.store(i, std::memory_order_release);
    while (back.load(std::memory_order_acquire) != i) ThreadEnv::pause();
  });
}

double submit_round_trip(bool time_stamps, bool poll, int trips) {
  static StaticExecutor<ExecutorLimits{.workers = 1}> executor;
  const std::array workers{worker_at({1, kPriority}, kSpin)};
  const Running runs(executor, workers, time_stamps);
  return cost_of_trips(trips, [poll](int i) {
    auto handle = executor.submit([i] { return i; });
    TAKT_CHECK(handle.ok(), "benchmark: no room for one job");
    // A handle has no spin budget: who wants one polls before it waits.
    for (int spins = 0; poll && spins < 10'000 && handle->state() < JobState::completed; ++spins) {
      ThreadEnv::pause();
    }
    const auto result = handle->wait();
    TAKT_CHECK(result.ok() && *result == i, "benchmark: a wrong result");
  });
}

}  // namespace

void round_trip_rows(Suite& suite) {
  const char* row = "submit and wait: worker spins";
  if (!suite.wants(row)) return;
  if (cpu_count() < 2) {
    suite.skip(row, "needs two CPUs");
    return;
  }
  suite.cost(row, {{"spin round trip", {}, &spinning_round_trip},
                   {"submit, poll, wait, no time stamps",
                    {{"spin round trip", 3}},
                    [] { return submit_round_trip(false, true, kTrips); }},
                   {"submit, poll, wait",
                    {{"spin round trip", 3}},
                    [] { return submit_round_trip(true, true, kTrips); }},
                   {"submit, wait without polling", {{"spin round trip", 0}}, [] {
                      return submit_round_trip(true, false, kTrips / 50);
                    }}});
}

}  // namespace takt::bench
