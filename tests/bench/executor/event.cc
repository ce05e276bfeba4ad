// SPDX-License-Identifier: Apache-2.0
// What noting an event costs: a read of the clock and a record in the worker's ring, beside the
// read alone. Then the same where a worker does it, which has read the clock anyway; and jobs with
// and without a ring.
#include <array>
#include <cstdint>

#include "takt/executor/event_ring.h"
#include "takt/tests/bench/executor/rows.h"
#include "takt/tests/bench/executor/running.h"

namespace takt::bench {
namespace {

constexpr std::size_t kOperations = 10'000'000;
constexpr std::uint32_t kCapacity = 1024;

std::array<EventRing::Cell, kCapacity> cells;
EventRing ring;

/// Nanoseconds of one call of `operation(number)`.
template <class Operation>
double cost_of(Operation operation) {
  return measured_at({0, kPriority}, [operation] {
    const TimePoint begin = now();
    for (std::size_t i = 0; i < kOperations; ++i) operation(i);
    return static_cast<double>((now() - begin).count()) / kOperations;
  });
}

double clock_read() {
  return cost_of([](std::size_t) {
    TimePoint time = now();
    keep(time);
  });
}

double event() {
  return cost_of([](std::size_t number) {
    ring.record({EventKind::start, to_ns(now()), WorkerEvent::job_of(1, true, 3, number)});
  });
}

double record() {
  return cost_of([](std::size_t number) {
    ring.record({EventKind::start, static_cast<std::int64_t>(number),
                 WorkerEvent::job_of(1, true, 3, number)});
  });
}

/// One empty job of a lane of one worker, which finds `kJobs` of them: no post is counted. (Room
/// for more: the last job of the repeat before may still have its own.)
template <std::uint32_t kEvents>
double job() {
  constexpr std::uint32_t kJobs = 4096;
  static StaticExecutor<ExecutorLimits{
      .workers = 1, .jobs_per_lane = 2 * kJobs, .events_per_worker = kEvents}>
      executor;
  const std::array workers{worker_at({0, kPriority})};
  const Running runs(executor, workers, true);
  static TimePoint begin;
  static TimePoint end;
  constexpr int kRepeats = 200;
  double sum = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    Latch posted{1};
    Latch over{1};
    const auto post = [](auto job) {
      const Status status = executor.post(std::move(job));
      TAKT_CHECK(status.ok(), status.text());
    };
    post([&posted] {
      posted.wait();
      begin = now();
    });
    for (std::uint32_t i = 2; i < kJobs; ++i) post([] {});
    post([&over] {
      end = now();
      over.count_down();
    });
    posted.count_down();
    over.wait();
    sum += static_cast<double>((end - begin).count()) / (kJobs - 1);
  }
  return sum / kRepeats;
}

}  // namespace

void event_rows(Suite& suite) {
  if (!ring.enabled()) ring.attach(cells.data(), kCapacity);
  const char* row = "event: read the clock and record";
  if (suite.wants(row)) {
    suite.cost(row, {{"clock_gettime", {}, &clock_read},
                     {"event", {{"clock_gettime", 1.2}}, &event},
                     {"record alone", {{"clock_gettime", 0}}, &record}});
  }
  row = "event: an empty job, its run alone";
  if (suite.wants(row)) {
    suite.cost(row, {{"no ring", {}, &job<0>}, {"ring", {{"no ring", 0}}, &job<1024>}});
  }
}

}  // namespace takt::bench
