// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_VIEW_H_
#define TAKT_TESTS_MODEL_VIEW_H_

#include "takt/tests/model/clock_vector.h"
#include "takt/tests/model/event_set.h"

namespace takt::model {

/// What a thread knows, and what a release store passes on: the steps that happen before, and the
/// sequentially consistent operations among them.
struct View {
  ClockVector clocks;
  EventSet events;

  void join(const View& other) {
    clocks.join(other.clocks);
    events |= other.events;
  }
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_VIEW_H_
