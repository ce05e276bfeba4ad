// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BENCH_EXECUTOR_ROWS_H_
#define TAKT_TESTS_BENCH_EXECUTOR_ROWS_H_

#include "takt/tests/bench/harness.h"

/// The rows of executor_bench, a file for each group. Each row runs if the suite wants it.
namespace takt::bench {

void wake_rows(Suite& suite);        // post to a sleeping worker
void throughput_rows(Suite& suite);  // empty jobs, as many as can be
void round_trip_rows(Suite& suite);  // submit and wait
void periodic_rows(Suite& suite);    // release jitter
void start_rows(Suite& suite);       // start to first job
void growth_rows(Suite& suite);      // many tasks, many queued jobs, many timers
void event_rows(Suite& suite);       // noting an event

}  // namespace takt::bench

#endif  // TAKT_TESTS_BENCH_EXECUTOR_ROWS_H_
