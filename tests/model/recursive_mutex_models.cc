// SPDX-License-Identifier: Apache-2.0
// sync/recursive_mutex.h: whoever is inside may go deeper, nobody else comes in before the last
// unlock.
#include "takt/sync/recursive_mutex.h"

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

// Held more than once, which the static analysis takes for a mistake.
#define UNANALYSED TAKT_NO_THREAD_SAFETY_ANALYSIS

namespace takt::model {
namespace {

using RecursiveMutex = BasicRecursiveMutex<ModelEnv>;
constexpr TimePoint kDeadline = from_ns(2'000'000'000);

void require_free(RecursiveMutex& mutex) {
  if (mutex.try_lock()) {
    mutex.unlock();
  } else {
    require(false, "the mutex is free at the end");
  }
}

/// Comes in `depth` times, changes `sum` in the middle of it and on the way out.
void work(RecursiveMutex& mutex, Variable<int>& sum, int depth) UNANALYSED {
  for (int i = 0; i < depth; ++i) mutex.lock();
  sum.set(sum.get() + 1);
  for (int i = 1; i < depth; ++i) mutex.unlock();
  sum.set(sum.get() + 1);  // still inside
  mutex.unlock();
}

void exclusion() {
  RecursiveMutex mutex;
  Variable<int> sum(0);
  concurrently([&] { work(mutex, sum, 2); }, [&] { work(mutex, sum, 2); });
  require(sum.get() == 4, "each has been inside");
  require_free(mutex);
}

void exclusion_of_three() {
  RecursiveMutex mutex;
  Variable<int> sum(0);
  concurrently([&] { work(mutex, sum, 2); }, [&] { work(mutex, sum, 1); },
               [&] { work(mutex, sum, 2); });
  require(sum.get() == 6, "each has been inside");
  require_free(mutex);
}

/// Whoever was in before is not taken for the owner when it comes again.
void again() {
  RecursiveMutex mutex;
  Variable<int> sum(0);
  const auto twice = [&] {
    work(mutex, sum, 1);
    work(mutex, sum, 2);
  };
  concurrently(twice, twice);
  require(sum.get() == 8, "each has been inside");
  require_free(mutex);
}

void timed() {
  RecursiveMutex mutex;
  Variable<int> sum(0);
  const auto hasty = [&]() UNANALYSED {
    if (!mutex.try_lock_until(kDeadline)) return;
    require(mutex.try_lock_until(kDeadline), "the owner gets it again at once");
    sum.set(sum.get() + 1);
    mutex.unlock();
    mutex.unlock();
  };
  concurrently(hasty, hasty, [&] { work(mutex, sum, 2); });
  require(sum.get() >= 2, "the patient one has been inside");
  require_free(mutex);
}

void attempts() {
  RecursiveMutex mutex;
  Variable<int> sum(0);
  concurrently(
      [&]() UNANALYSED {
        if (!mutex.try_lock()) return;
        require(mutex.try_lock(), "the owner gets it again");
        sum.set(sum.get() + 1);
        mutex.unlock();
        mutex.unlock();
      },
      [&] { work(mutex, sum, 2); });
  require_free(mutex);
}

void destroyed_by_the_last() {
  Box<RecursiveMutex> mutex;
  Variable<int> users(2);
  const auto leave = [&]() UNANALYSED {
    mutex->lock();
    mutex->lock();
    const int left = users.get() - 1;
    users.set(left);
    mutex->unlock();
    mutex->unlock();
    if (left == 0) mutex.destroy();
  };
  concurrently(leave, leave);
}

const Model kModels[] = {
    {"recursive mutex: two threads exclude each other", exclusion, {.preemptions = 3}, 30},
    {"recursive mutex: three threads", exclusion_of_three, {.preemptions = 2}, 100},
    {"recursive mutex: again", again, {.preemptions = 3}, 100},
    {"recursive mutex: time-outs", timed, {.preemptions = 2}, 100},
    {"recursive mutex: try_lock", attempts, {.preemptions = 3}, 20},
    {"recursive mutex: destroyed by the last user", destroyed_by_the_last, {.preemptions = 3}, 10},
};

const ModelSet kSet(kModels, {"sync/recursive_mutex.h"});

}  // namespace
}  // namespace takt::model
