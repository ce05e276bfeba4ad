// SPDX-License-Identifier: Apache-2.0
// sync/condition.h: no notification is lost, to a time-out neither, and the condition may be
// destroyed as soon as everybody is notified.
#include "takt/sync/condition.h"

#include "takt/sync/mutex.h"
#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Mutex = BasicMutex<ModelEnv>;
using Condition = BasicCondition<ModelEnv>;
constexpr TimePoint kDeadline = from_ns(2'000'000'000);

void require_free(Mutex& mutex) {
  if (mutex.try_lock()) {
    mutex.unlock();
  } else {
    require(false, "the mutex is free at the end");
  }
}

enum class Notify { locked, unlocked };

template <Notify kNotify>
void one_waits() {
  Mutex mutex;
  Condition condition;
  Variable<bool> ready(false);
  concurrently(
      [&] {
        mutex.lock();
        while (!ready.get()) condition.wait(mutex);
        mutex.unlock();
      },
      [&] {
        mutex.lock();
        ready.set(true);
        if (kNotify == Notify::locked) condition.notify_one();
        mutex.unlock();
        if (kNotify == Notify::unlocked) condition.notify_one();
      });
  require_free(mutex);
}

/// A wait returns for a notification only: one who waits without asking why is right to do so.
void no_reason_but_a_notification() {
  Mutex mutex;
  Condition condition;
  Variable<bool> notified(false);
  concurrently(
      [&] {
        mutex.lock();
        if (!notified.get()) condition.wait(mutex);
        require(notified.get(), "it was notified");
        mutex.unlock();
      },
      [&] {
        mutex.lock();
        notified.set(true);
        mutex.unlock();
        condition.notify_one();
      });
}

template <Notify kNotify>
void all_wait() {
  Mutex mutex;
  Condition condition;
  Variable<bool> ready(false);
  const auto wait = [&] {
    mutex.lock();
    while (!ready.get()) condition.wait(mutex);
    mutex.unlock();
  };
  concurrently(wait, wait, [&] {
    mutex.lock();
    ready.set(true);
    if (kNotify == Notify::locked) condition.notify_all();
    mutex.unlock();
    if (kNotify == Notify::unlocked) condition.notify_all();
  });
  require_free(mutex);
}

/// As many notifications as waiters, one at a time.
void one_each() {
  Mutex mutex;
  Condition condition;
  Variable<int> tokens(0);
  const auto take = [&] {
    mutex.lock();
    while (tokens.get() == 0) condition.wait(mutex);
    tokens.set(tokens.get() - 1);
    mutex.unlock();
  };
  concurrently(take, take, [&] {
    for (int i = 0; i < 2; ++i) {
      mutex.lock();
      tokens.set(tokens.get() + 1);
      mutex.unlock();
      condition.notify_one();
    }
  });
  require(tokens.get() == 0, "each token was taken");
}

void two_notifiers() {
  Mutex mutex;
  Condition condition;
  Variable<int> tokens(0);
  const auto bring = [&] {
    mutex.lock();
    tokens.set(tokens.get() + 1);
    mutex.unlock();
    condition.notify_one();
  };
  concurrently(
      [&] {
        mutex.lock();
        while (tokens.get() < 2) condition.wait(mutex);
        mutex.unlock();
      },
      bring, bring);
}

/// Who gives up and says so has used up no notification: the patient one gets it.
void time_out_takes_nothing() {
  Mutex mutex;
  Condition condition;
  Variable<bool> ready(false);
  concurrently(
      [&] {
        mutex.lock();
        const bool timed_out = condition.wait_until(mutex, kDeadline) == std::cv_status::timeout;
        mutex.unlock();
        if (!timed_out) condition.notify_one();  // not for it: passed on
      },
      [&] {
        mutex.lock();
        while (!ready.get()) condition.wait(mutex);
        mutex.unlock();
      },
      [&] {
        mutex.lock();
        ready.set(true);
        mutex.unlock();
        condition.notify_one();
      });
}

void time_out() {
  Mutex mutex;
  Condition condition;
  Variable<bool> ready(false);
  concurrently(
      [&] {
        mutex.lock();
        const bool there = condition.wait_until(mutex, kDeadline, [&] { return ready.get(); });
        require(there == ready.get(), "it says what the predicate says");
        mutex.unlock();
      },
      [&] {
        mutex.lock();
        ready.set(true);
        condition.notify_all();
        mutex.unlock();
      });
  require_free(mutex);
}

/// Destroyed right after the notification, even with the mutex held, that the waiter wants next.
template <bool kTimed>
void destroyed_by_the_notifier() {
  Mutex mutex;
  Box<Condition> condition;
  Variable<bool> over(false);
  concurrently(
      [&] {
        mutex.lock();
        while (!over.get()) {
          if (!kTimed) condition->wait(mutex);
          if (kTimed && condition->wait_until(mutex, kDeadline) == std::cv_status::timeout) break;
        }
        mutex.unlock();
      },
      [&] {
        mutex.lock();
        over.set(true);
        condition->notify_all();
        condition.destroy();
        mutex.unlock();
      });
  require_free(mutex);
}

void destroyed_between_two() {
  Mutex mutex;
  Box<Condition> condition;
  Variable<bool> over(false);
  const auto wait = [&] {
    mutex.lock();
    if (!over.get()) {
      static_cast<void>(condition->wait_until(mutex, kDeadline));
    }
    mutex.unlock();
  };
  concurrently(wait, wait, [&] {
    mutex.lock();
    over.set(true);
    mutex.unlock();
    condition->notify_all();
    condition.destroy();
  });
}

/// The waiter may destroy it, and the mutex, while the notifier is still on its way out.
void destroyed_by_the_waiter() {
  Box<Mutex> mutex;
  Box<Condition> condition;
  Variable<bool> waits(false);
  Variable<bool> over(false);
  concurrently(
      [&] {
        mutex->lock();
        if (!over.get()) {
          waits.set(true);
          condition->wait(*mutex);
        }
        mutex->unlock();
        condition.destroy();
      },
      [&] {
        mutex->lock();
        over.set(true);
        const bool wanted = waits.get();
        mutex->unlock();
        if (wanted) condition->notify_one();
      });
  mutex.destroy();
}

// Where nothing hangs on them, spurious returns and stale reads are left to the smaller models.
const Model kModels[] = {
    {"condition: one waits, notified under the lock",
     one_waits<Notify::locked>,
     {.preemptions = 3},
     1500},
    {"condition: one waits, notified after the unlock",
     one_waits<Notify::unlocked>,
     {.preemptions = 3},
     1200},
    {"condition: a wait returns for a notification only",
     no_reason_but_a_notification,
     {.preemptions = 3},
     1200},
    {"condition: two wait, all notified under the lock",
     all_wait<Notify::locked>,
     {.preemptions = 2, .spurious_wakes = 0, .stale_rereads = 0},
     1000},
    {"condition: two wait, all notified after the unlock",
     all_wait<Notify::unlocked>,
     {.preemptions = 2, .spurious_wakes = 0, .stale_rereads = 0},
     1000},
    {"condition: one notification for each of two",
     one_each,
     {.preemptions = 2, .spurious_wakes = 0, .stale_rereads = 0},
     1000},
    {"condition: two notifiers",
     two_notifiers,
     {.preemptions = 2, .spurious_wakes = 0, .stale_rereads = 0},
     1000},
    {"condition: a time-out takes no notification along",
     time_out_takes_nothing,
     {.preemptions = 1, .spurious_wakes = 0, .stale_rereads = 0},
     1000},
    {"condition: time-out", time_out, {.preemptions = 3}, 10000},
    {"condition: destroyed by the notifier",
     destroyed_by_the_notifier<false>,
     {.preemptions = 3},
     1500},
    {"condition: destroyed by the notifier beside a time-out",
     destroyed_by_the_notifier<true>,
     {.preemptions = 3},
     20000},
    {"condition: destroyed by the notifier of two",
     destroyed_between_two,
     {.preemptions = 1, .spurious_wakes = 0, .stale_rereads = 0},
     1000},
    {"condition: destroyed by the waiter", destroyed_by_the_waiter, {.preemptions = 3}, 300},
};

const ModelSet kSet(kModels, {"sync/condition.h"});

}  // namespace
}  // namespace takt::model
