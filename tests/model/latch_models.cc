// SPDX-License-Identifier: Apache-2.0
// sync/latch.h: opens once for all, no lost wake-up, time-outs, safe destruction.
#include "takt/sync/latch.h"

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Latch = BasicLatch<ModelEnv>;
constexpr TimePoint kDeadline = from_ns(2'000'000'000);

void opens() {
  Latch latch(2);
  Variable<int> data[2] = {0, 0};
  const auto arrive = [&](int self) {
    data[self].set(1);
    latch.count_down();
  };
  concurrently([&] { arrive(0); }, [&] { arrive(1); },
               [&] {
                 latch.wait();
                 require(data[0].get() + data[1].get() == 2 && latch.count() == 0, "both are done");
               });
  require(latch.try_wait(), "open for good");
}

void wakes_all() {
  Latch latch(1);
  concurrently([&] { latch.wait(); }, [&] { latch.wait(); }, [&] { latch.count_down(); });
}

void meeting() {
  Latch latch(2);
  Variable<int> data[2] = {0, 0};
  const auto work = [&](int self) {
    data[self].set(1);
    latch.arrive_and_wait();
    require(data[1 - self].get() == 1, "the other one has arrived");
  };
  concurrently([&] { work(0); }, [&] { work(1); });
}

void times_out() {
  Latch latch(1);
  Variable<int> data(0);
  concurrently(
      [&] {
        if (latch.wait_until(kDeadline).ok()) require(data.get() == 1, "waited for");
      },
      [&] {
        data.set(1);
        latch.count_down();
      });
  require(latch.try_wait(), "open");
}

void destroyed_by_its_waiter() {
  // While the last count_down still wakes.
  Box<Latch> latch(2);
  concurrently([&] { latch->count_down(); }, [&] { latch->count_down(); },
               [&] {
                 latch->wait();
                 latch.destroy();
               });
}

const Model kModels[] = {
    {"latch: opens, and what came before is seen", opens, {.preemptions = 3}, 580},
    {"latch: wakes all", wakes_all, {.preemptions = 3}, 110'000},
    {"latch: a meeting of two", meeting, {}, 150},
    {"latch: a time-out", times_out, {}, 55},
    {"latch: destroyed by its waiter", destroyed_by_its_waiter, {.preemptions = 3}, 490},
};

const ModelSet kSet(kModels, {"sync/latch.h"});

}  // namespace
}  // namespace takt::model
