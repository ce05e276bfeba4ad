// SPDX-License-Identifier: Apache-2.0
// What the statistics of a job cost beyond the reads of the clock: the stores that a worker makes
// around it (job_statistics.h), on and off, beside one read of the clock.
#include <cstdint>

#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/monitor/job_statistics.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

constexpr std::int64_t kOperations = 10'000'000;

JobStatistics statistics;

/// Nanoseconds of one call of `operation(n)`, n from 0 on.
template <class Operation>
double cost_of_numbered(Operation operation) {
  return measured_at({0, kPriority}, [operation] {
    const TimePoint begin = now();
    for (std::int64_t i = 0; i < kOperations; ++i) operation(i);
    return static_cast<double>((now() - begin).count()) / kOperations;
  });
}

/// A duration as tasks have it, in no order that a branch predictor learns: no rising maximum.
std::uint64_t duration(std::int64_t number) {
  return 20'000 + (static_cast<std::uint64_t>(number) * 0x9E37'79B9'7F4A'7C15U >> 52);
}

double clock_read() {
  return cost_of_numbered([](std::int64_t) {
    TimePoint time = now();
    keep(time);
  });
}

/// The durations alone, which are no part of the statistics.
double off() {
  return cost_of_numbered([](std::int64_t number) {
    std::uint64_t value = duration(number);
    keep(value);
  });
}

void note_job(std::uint64_t busy) {
  statistics.note_job(busy, [] { keep(statistics.worker); });
}

double posted_job() {
  return cost_of_numbered([](std::int64_t number) {
    std::uint64_t value = duration(number);
    keep(value);
    note_job(value);
  });
}

double task_job() {
  return cost_of_numbered([](std::int64_t number) {
    std::uint64_t value = duration(number);
    keep(value);
    note_job(value);
    statistics.note_task(value);
  });
}

double task_job_with_histograms() {
  return cost_of_numbered([](std::int64_t number) {
    std::uint64_t value = duration(number);
    keep(value);
    note_job(value);
    statistics.note_task(value);
    statistics.note_histograms(value);
  });
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  using namespace takt::bench;  // NOLINT(*-using-namespace): a program's main
  Suite suite("statistics", argc, argv);
  const char* row = "statistics: of a job, beyond the reads of the clock";
  if (suite.wants(row)) {
    suite.cost(row,
               {{"clock_gettime", {}, &clock_read},
                {"off", {{"clock_gettime", 0}}, &off},
                {"a posted job", {{"clock_gettime", 0.3}}, &posted_job},
                {"a task's job", {{"clock_gettime", 0.3}}, &task_job},
                {"a task's job, histograms", {{"clock_gettime", 0}}, &task_job_with_histograms}});
  }
  return suite.finish();
}
