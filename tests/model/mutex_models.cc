// SPDX-License-Identifier: Apache-2.0
// sync/mutex.h and lock_pi.h under it: exclusion, no lost hand-over, time-outs, safe destruction.
#include "takt/sync/mutex.h"

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Mutex = BasicMutex<ModelEnv>;
constexpr TimePoint kDeadline = from_ns(2'000'000'000);

/// At the end nobody owns it, whoever waited or gave up.
void require_free(Mutex& mutex) {
  if (mutex.try_lock()) {
    mutex.unlock();
  } else {
    require(false, "the mutex is free at the end");
  }
}

template <int kThreads>
void exclusion() {
  Mutex mutex;
  Variable<int> sum(0);
  const auto work = [&] {
    mutex.lock();
    sum.set(sum.get() + 1);
    mutex.unlock();
  };
  if constexpr (kThreads == 2) concurrently(work, work);
  if constexpr (kThreads == 3) concurrently(work, work, work);
  require(sum.get() == kThreads, "each has been inside");
  require_free(mutex);
}

void exclusion_twice() {
  Mutex mutex;
  Variable<int> sum(0);
  const auto work = [&] {
    for (int i = 0; i < 2; ++i) {
      mutex.lock();
      sum.set(sum.get() + 1);
      mutex.unlock();
    }
  };
  concurrently(work, work);
  require(sum.get() == 4, "each has been inside");
}

void timed_lock() {
  Mutex mutex;
  Variable<int> sum(0);
  const auto work = [&] {
    if (!mutex.try_lock_until(kDeadline)) return;
    sum.set(sum.get() + 1);
    mutex.unlock();
  };
  concurrently(work, work, [&] {
    mutex.lock();
    sum.set(sum.get() + 1);
    mutex.unlock();
  });
  require(sum.get() >= 1, "the patient one has been inside");
  require_free(mutex);
}

void try_lock() {
  Mutex mutex;
  Variable<int> sum(0);
  const auto work = [&] {
    if (!mutex.try_lock()) return;
    sum.set(sum.get() + 1);
    mutex.unlock();
  };
  concurrently(work, work, [&] {
    mutex.lock();
    sum.set(sum.get() + 1);
    mutex.unlock();
  });
  require(sum.get() >= 1, "the patient one has been inside");
}

void destroyed_by_the_last() {
  // Whoever finds the other one gone destroys the mutex, as a reference count does.
  Box<Mutex> mutex;
  Variable<int> users(2);
  const auto work = [&] {
    mutex->lock();
    const int left = users.get() - 1;
    users.set(left);
    mutex->unlock();
    if (left == 0) mutex.destroy();
  };
  concurrently(work, work);
}

const Model kModels[] = {
    {"mutex: two threads exclude each other", exclusion<2>, {.reduction = true}, 6},
    {"mutex: three threads", exclusion<3>, {.preemptions = 3}, 760},
    {"mutex: two threads, twice", exclusion_twice, {}, 920},
    {"mutex: time-outs", timed_lock, {.preemptions = 3}, 1'900},
    {"mutex: try_lock", try_lock, {.preemptions = 3}, 120},
    {"mutex: destroyed by the last user", destroyed_by_the_last, {.preemptions = 3}, 6},
};

const ModelSet kSet(kModels, {"sync/mutex.h", "sync/lock_pi.h"});

}  // namespace
}  // namespace takt::model
