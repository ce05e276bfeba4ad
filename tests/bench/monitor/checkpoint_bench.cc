// SPDX-License-Identifier: Apache-2.0
// What reporting a checkpoint costs a job, beside reading the clock.
#include <chrono>
#include <cstdint>

#include "takt/monitor/watchdog.h"
#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

constexpr std::uint64_t kOperations = 10'000'000;
constexpr CheckpointId kRead{0}, kWrite{1};

StaticWatchdog<WatchdogLimits{.entities = 2}> watchdog;
SupervisedEntity ordered;  // alive and logical supervision
SupervisedEntity timed;    // and a deadline from one checkpoint to the other

bool configure() {
  constexpr Transition kOrder[] = {{kBegin, kRead}, {kRead, kWrite}, {kWrite, kBegin}};
  const DeadlineRule deadlines[] = {
      {.from = kRead,
       .to = kWrite,
       .expected = ByMode<DeadlineExpectation>::all({.max = std::chrono::hours(1)})}};
  const auto expected = ByMode<EntityExpectation>::all(
      {.active = true, .alive = {.window = std::chrono::seconds(1)}});
  return watchdog.supervise(ordered, {.name = "ordered", .order = kOrder, .expected = expected})
             .ok() &&
         watchdog
             .supervise(
                 timed,
                 {.name = "timed", .order = kOrder, .deadlines = deadlines, .expected = expected})
             .ok();
}

/// Nanoseconds of one of the two checkpoints of a round.
double cost_of(SupervisedEntity& entity) {
  return measured_at({0, kPriority}, [&entity] {
    const TimePoint begin = now();
    for (std::uint64_t i = 0; i < kOperations / 2; ++i) {
      entity.reached(kRead);
      entity.reached(kWrite);
      keep(entity);
    }
    return static_cast<double>((now() - begin).count()) / kOperations;
  });
}

double clock_read() {
  return measured_at({0, kPriority}, [] {
    const TimePoint begin = now();
    for (std::uint64_t i = 0; i < kOperations; ++i) {
      TimePoint time = now();
      keep(time);
    }
    return static_cast<double>((now() - begin).count()) / kOperations;
  });
}

double checkpoint() { return cost_of(ordered); }
double timed_checkpoint() { return cost_of(timed); }

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Suite suite("checkpoint", argc, argv);
  if (!takt::bench::configure()) return 1;
  const char* row = "watchdog: report a checkpoint";
  if (suite.wants(row)) {
    suite.cost(
        row,
        {{"clock_gettime", {}, &takt::bench::clock_read},
         {"alive and order", {{"clock_gettime", 0.25}}, &takt::bench::checkpoint},
         {"alive, order and deadline", {{"clock_gettime", 0}}, &takt::bench::timed_checkpoint}});
  }
  return suite.finish();
}
