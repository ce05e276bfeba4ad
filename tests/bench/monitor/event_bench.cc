// SPDX-License-Identifier: Apache-2.0
// The rows of executor_bench that the monitor's trace is about.
#include "takt/tests/bench/executor/rows.h"

int main(int argc, char** argv) {
  takt::bench::Suite suite("event", argc, argv);
  takt::bench::event_rows(suite);
  return suite.finish();
}
