// SPDX-License-Identifier: Apache-2.0
// What recording a duration costs beside reading the clock that gave it.
#include <array>
#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

constexpr std::size_t kOperations = 10'000'000;

/// Nanoseconds of one call of `operation(duration)`. The durations are as a task has them, 1 µs to
/// 1 ms, in no order that a branch predictor could learn.
template <class Operation>
double cost_of(Operation operation) {
  static std::array<std::int64_t, 4096> durations;
  std::uint64_t state = 1;
  for (std::int64_t& duration : durations) {
    state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    duration = static_cast<std::int64_t>(1'000 << ((state >> 33) % 10)) +
               static_cast<std::int64_t>((state >> 43) % 1'000);
  }
  return measured_at({0, kPriority}, [operation] {
    const TimePoint begin = now();
    for (std::size_t i = 0; i < kOperations; ++i) operation(durations[i % durations.size()]);
    return static_cast<double>((now() - begin).count()) / kOperations;
  });
}

HistogramCounts histogram;

double clock_read() {
  return cost_of([](std::int64_t) {
    TimePoint time = now();
    keep(time);
  });
}

double record() {
  return cost_of([](std::int64_t duration) { histogram.record(duration); });
}

double clock_read_and_record() {
  return cost_of([](std::int64_t duration) {
    TimePoint time = now();
    keep(time);
    histogram.record(duration);
  });
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Suite suite("histogram", argc, argv);
  const char* row = "histogram: record a duration";
  if (suite.wants(row)) {
    // Back to back, and where it stands in a worker: behind the read of the clock, which waits for
    // what came before it and so shows the latency of the record.
    suite.cost(row, {{"clock_gettime", {}, &takt::bench::clock_read},
                     {"record", {{"clock_gettime", 0.15}}, &takt::bench::record},
                     {"clock_gettime and record",
                      {{"clock_gettime", 0}},
                      &takt::bench::clock_read_and_record}});
  }
  return suite.finish();
}
