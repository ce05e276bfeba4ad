// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/bench/executor/rows.h"

int main(int argc, char** argv) {
  takt::bench::Suite suite("executor", argc, argv);
  takt::bench::wake_rows(suite);
  takt::bench::throughput_rows(suite);
  takt::bench::round_trip_rows(suite);
  takt::bench::periodic_rows(suite);
  takt::bench::start_rows(suite);
  takt::bench::growth_rows(suite);
  takt::bench::event_rows(suite);
  return suite.finish();
}
