// SPDX-License-Identifier: Apache-2.0
// sync/semaphore.h: conservation of permits, no lost wake-up, time-outs, safe destruction.
#include "takt/sync/semaphore.h"

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Semaphore = BasicSemaphore<ModelEnv>;
constexpr TimePoint kDeadline = from_ns(2'000'000'000);

/// Takes what is there and requires that it was `expected`.
void require_left(Semaphore& semaphore, int expected) {
  int left = 0;
  while (semaphore.try_acquire()) ++left;
  require(left == expected, "permits are neither lost nor made up");
}

void hands_over() {
  Semaphore semaphore(0);
  Variable<int> data(0);
  concurrently(
      [&] {
        data.set(1);
        semaphore.release();
      },
      [&] {
        semaphore.acquire();
        require(data.get() == 1, "what came before the release is seen");
      });
  require_left(semaphore, 0);
}

void excludes() {
  Semaphore semaphore(1);
  Variable<int> sum(0);
  const auto work = [&] {
    semaphore.acquire();
    sum.set(sum.get() + 1);
    semaphore.release();
  };
  concurrently(work, work, work);
  require(sum.get() == 3, "each has been inside");
  require_left(semaphore, 1);
}

void one_permit_for_each_of_two() {
  // The second release() comes while the first one's waiter is between its wake and its permit.
  Semaphore semaphore(0);
  concurrently([&] { semaphore.acquire(); }, [&] { semaphore.acquire(); },
               [&] {
                 semaphore.release();
                 semaphore.release();
               });
  require_left(semaphore, 0);
}

void two_permits_at_once() {
  Semaphore semaphore(0);
  concurrently([&] { semaphore.acquire(); }, [&] { semaphore.acquire(); },
               [&] { semaphore.release(2); });
  require_left(semaphore, 0);
}

void count_goes_up_and_down_during_the_last_check() {
  // 1 -> 0 -> 1 around a waiter whose time is up: he takes a permit or leaves both in peace.
  Semaphore semaphore(0);
  concurrently(
      [&] {
        if (semaphore.try_acquire_until(kDeadline)) semaphore.release();
      },
      [&] { semaphore.acquire(); },
      [&] {
        semaphore.release();
        if (semaphore.try_acquire()) semaphore.release();
      });
  require_left(semaphore, 0);
}

void thief() {
  Semaphore semaphore(0);
  Variable<int> stolen(0);
  concurrently([&] { semaphore.acquire(); }, [&] { stolen.set(semaphore.try_acquire() ? 1 : 0); },
               [&] { semaphore.release(2); });
  require_left(semaphore, 1 - stolen.get());
}

void times_out() {
  Semaphore semaphore(0);
  Variable<int> data(0);
  Variable<int> taken(0);
  concurrently(
      [&] {
        if (!semaphore.try_acquire_until(kDeadline)) return;
        require(data.get() == 1, "what came before the release is seen");
        taken.set(1);
      },
      [&] {
        data.set(1);
        semaphore.release();
      });
  require_left(semaphore, 1 - taken.get());
}

void time_out_beside_a_patient_one() {
  // The wake may go to who gives up: then the permit is his, or the wake is not.
  Semaphore semaphore(0);
  Variable<int> taken(0);
  concurrently(
      [&] {
        if (!semaphore.try_acquire_until(kDeadline)) return;
        taken.set(1);
        semaphore.release();
      },
      [&] { semaphore.acquire(); }, [&] { semaphore.release(); });
  require_left(semaphore, 0);
}

void destroyed_by_who_acquired() {
  // While release() still wakes.
  Box<Semaphore> semaphore(0);
  concurrently([&] { semaphore->release(); },
               [&] {
                 semaphore->acquire();
                 semaphore.destroy();
               });
}

void destroyed_by_the_last() {
  Box<Semaphore> semaphore(0);
  concurrently([&] { semaphore->release(); }, [&] { semaphore->release(); },
               [&] {
                 semaphore->acquire();
                 semaphore->acquire();
                 semaphore.destroy();
               });
}

const Model kModels[] = {
    {"semaphore: what came before a release is seen", hands_over, {}, 40},
    {"semaphore: a release of two, two waiters", two_permits_at_once, {.preemptions = 2}, 50'000},
    {"semaphore: a thief", thief, {.preemptions = 2}, 500},
    {"semaphore: a time-out", times_out, {}, 80},
    {"semaphore: destroyed by who acquired", destroyed_by_who_acquired, {}, 40},
    {"semaphore: destroyed by who acquired last", destroyed_by_the_last, {.preemptions = 3}, 1'000},
    {"semaphore: three threads and one permit", excludes, {.preemptions = 2}, 100'000},
    {"semaphore: two releases, two waiters",
     one_permit_for_each_of_two,
     {.preemptions = 2},
     100'000},
    {"semaphore: the count goes 1, 0, 1 during the last check",
     count_goes_up_and_down_during_the_last_check,
     {.preemptions = 1},
     10'000},
    {"semaphore: a time-out beside a patient one",
     time_out_beside_a_patient_one,
     {.preemptions = 2},
     100'000},
};

const ModelSet kSet(kModels, {"sync/semaphore.h", "sync/permit_word.h"});

}  // namespace
}  // namespace takt::model
