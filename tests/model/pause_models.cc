// SPDX-License-Identifier: Apache-2.0
// executor/resting.h: once a pause has been waited for no job begins, and no wait for one is
// forgotten.
#include "takt/executor/resting.h"

#include <cstdint>

#include "takt/executor/lane.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Lane = BasicLane<ModelEnv>;
using Resting = BasicResting<ModelEnv>;
constexpr std::uint32_t kCapacity = 2;

/// A lane of one worker that can be paused, as executor_pause.cc does it.
struct PausedLane {
  PausedLane() {
    lane.attach(cells, kCapacity, words, kCapacity);
    lane.open(parkers, 1);
    name(parkers[0].word, "parker");
    name(resting.word(), "resting");
    change(0);
  }

  void change(std::uint32_t active) {
    lane.set_active(active);
    resting.tell();
  }

  /// False: it is not paused any more.
  bool wait_paused() {
    for (;;) {
      const std::uint32_t seen = resting.look();
      if (lane.closed() || lane.active() != 0) return false;
      if (Resting::workers_in(seen) == 1) return true;
      ModelEnv::wait(resting.word(), seen, kNever);
    }
  }

  /// The worker's loop, as Executor::serve() has it, until the lane closes.
  void serve() {
    for (;;) {
      if (!lane.is_active(0)) {
        resting.begin();
        while (!lane.is_active(0)) lane.bench(0);
        resting.end();
        continue;
      }
      if (lane.take() != Lane::kNone) {
        lens.set(lens.get() + 1);
      } else if (lane.closed()) {
        return;
      } else {
        lane.park(0);
      }
    }
  }

  Lane::Ring::Cell cells[kPriorityLevels * kCapacity];
  Lane::Slots::Word words[1];
  Lane::Parker parkers[1];
  Lane lane;
  Resting resting;
  Variable<int> lens = 0;  // what a job uses, and who paused the lane
};

void paused_again() {
  // A worker that has left the bench for the resume() before must not take a job.
  PausedLane shop;
  shop.lane.publish(Priority::critical, 0);
  concurrently([&] { shop.serve(); },
               [&] {
                 shop.change(1);
                 shop.change(0);
                 require(shop.wait_paused(), "it is paused");
                 shop.lens.set(7);
                 shop.lane.close();
               });
}

void paused_by_another() {
  PausedLane shop;
  shop.lane.publish(Priority::critical, 0);
  shop.change(1);
  concurrently([&] { shop.serve(); }, [&] { shop.change(0); },
               [&] {
                 if (shop.wait_paused()) shop.lens.set(7);
                 shop.lane.close();
               });
}

void resumed() {
  PausedLane shop;
  concurrently([&] { require(!shop.wait_paused(), "no worker ever sat out"); },
               [&] { shop.change(1); });
}

/// What is at 0 is left to the lane's models.
constexpr Options bounded(int preemptions) {
  return {.preemptions = preemptions,
          .spurious_wakes = 0,
          .weak_failures = 0,
          .reorderings = 0,
          .early_timeouts = 0};
}

const Model kModels[] = {
    {"pause: no job begins when it has been waited for", paused_again, bounded(1), 730},
    {"pause: by another thread", paused_by_another, bounded(1), 7'500},
    {"pause: a resume ends the wait", resumed, {.preemptions = 2}, 95},
};

const ModelSet kSet(kModels, {"executor/resting.h"});

}  // namespace
}  // namespace takt::model
