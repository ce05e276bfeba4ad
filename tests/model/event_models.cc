// SPDX-License-Identifier: Apache-2.0
// sync/event.h: one released or all, no lost wake-up, resets, time-outs, safe destruction. The
// waits of an automatic event are those of a semaphore and proven there.
#include "takt/sync/event.h"

#include <atomic>

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Manual = BasicEvent<Reset::manual, ModelEnv>;
using Automatic = BasicEvent<Reset::automatic, ModelEnv>;
constexpr TimePoint kDeadline = from_ns(2'000'000'000);

void manual_releases_all() {
  Manual event;
  Variable<int> data(0);
  const auto wait = [&] {
    event.wait();
    require(data.get() == 1, "what came before set() is seen");
  };
  concurrently(wait, wait, [&] {
    data.set(1);
    event.set();
  });
  require(event.is_set(), "until reset()");
}

void manual_releases_those_who_wait_despite_a_reset() {
  // The waiter has announced itself before the set, or finds it over and must not count on it.
  Manual event;
  Variable<int> data(0);
  concurrently(
      [&] {
        if (event.wait_until(kDeadline).ok()) require(data.get() == 1, "waited for");
      },
      [&] {
        data.set(1);
        event.set();
        event.reset();
      });
  require(!event.is_set(), "reset");
}

void manual_does_not_forget_who_was_released() {
  // Time-outs come only when nobody can go on: who had announced itself before the pulse is
  // released by it, whenever it runs. (The announcement shows in the second bit of the word.)
  Manual event;
  Variable<bool> announced(false);
  Variable<bool> released(false);
  concurrently([&] { released.set(event.wait_until(kDeadline).ok()); },
               [&] {
                 const auto& word = reinterpret_cast<const ModelEnv::Word&>(event);
                 announced.set((word.load(std::memory_order_relaxed) & 2) != 0);
                 event.set();
                 event.reset();
               });
  require(released.get() || !announced.get(), "a pulse releases those who wait");
}

void manual_reset_forgets_nobody() {
  Manual event;
  concurrently([&] { event.wait(); }, [&] { event.wait(); },
               [&] {
                 event.reset();  // it is not set
                 event.set();
               });
}

void manual_hands_on_after_a_reset() {
  // Whoever slept through set() and reset() is released by them, whoever came later by the second
  // set(): nobody is left.
  Manual event;
  concurrently([&] { event.wait(); }, [&] { event.wait(); },
               [&] {
                 event.set();
                 event.reset();
                 event.set();
               });
}

void manual_resets_beside_each_other() {
  Manual event;
  concurrently(
      [&] {
        event.set();
        event.reset();
      },
      [&] { event.reset(); }, [&] { static_cast<void>(event.wait_until(kDeadline)); });
  require(!event.is_set(), "the last word was a reset");
}

void manual_beside_a_stopped_set() {
  // Whoever set it first may stop for ever before its wake: the second set() releases all the same.
  Manual event;
  concurrently([&] { event.set(); }, [&] { event.set(); }, [&] { event.wait(); });
}

void manual_reset_beside_a_stopped_set() {
  // The reset takes away the bit by which the second set() would see who sleeps.
  Manual event;
  concurrently([&] { event.set(); },
               [&] {
                 event.reset();
                 event.set();
               },
               [&] { event.wait(); });
}

void manual_reset_releases_all_of_a_stopped_set() {
  // The set() that stopped would have released both, and so does the reset() after it.
  Manual event;
  concurrently([&] { event.set(); },
               [&] {
                 event.reset();
                 event.set();
               },
               [&] { event.wait(); }, [&] { event.wait(); });
}

void automatic_beside_a_stopped_set() {
  Automatic event;
  concurrently([&] { event.set(); }, [&] { event.set(); }, [&] { event.wait(); });
}

void manual_look() {
  Manual event;
  Variable<int> data(0);
  concurrently(
      [&] {
        data.set(1);
        event.set();
      },
      [&] {
        if (event.is_set()) require(data.get() == 1, "what came before set() is seen");
      });
}

template <class AnyEvent>
void reset_look_wait() {
  // The loop of whoever works off what an event announces. The event is set already: the other
  // thread's set() changes nothing, and still its news are seen, or the wait returns.
  AnyEvent event;
  event.set();
  ModelEnv::Word news(0);
  concurrently(
      [&] {
        news.store(1, std::memory_order_relaxed);
        event.set();
      },
      [&] {
        event.reset();
        if (news.load(std::memory_order_relaxed) == 0) event.wait();
      });
}

void manual_destroyed_by_its_waiter() {
  Box<Manual> event;
  concurrently([&] { event->set(); },
               [&] {
                 event->wait();
                 event.destroy();
               });
}

void automatic_releases_one() {
  Automatic event;
  Variable<int> data(0);
  concurrently(
      [&] {
        if (!event.wait_until(kDeadline).ok()) return;
        require(data.get() == 1, "what came before set() is seen");
        event.set();  // for the other one
      },
      [&] {
        event.wait();
        require(data.get() == 1, "what came before set() is seen");
      },
      [&] {
        data.set(1);
        event.set();
      });
  require(!event.is_set(), "taken");
}

void automatic_is_handed_on() {
  // Each that is released releases the next; a set that comes before anybody waits is kept.
  Automatic event;
  const auto work = [&] {
    event.wait();
    event.set();
  };
  concurrently(work, work, [&] { event.set(); });
  event.set();  // nobody waits any more: it adds nothing
  require(event.try_wait() && !event.try_wait(), "one is left");
}

void automatic_keeps_one() {
  Automatic event;
  Variable<int> data(0);
  event.set();
  concurrently(
      [&] {
        data.set(1);
        event.set();
        event.set();
      },
      [&] {
        event.wait();
        if (event.try_wait()) {
          require(data.get() == 1, "what came before the set that was kept is seen");
        }
      });
  static_cast<void>(event.try_wait());
  require(!event.try_wait(), "one at most is kept");
}

void automatic_shows_what_came_before_a_set_that_adds_nothing() {
  Automatic event;
  event.set();
  Variable<int> data(0);
  Automatic done;
  concurrently(
      [&] {
        data.set(1);
        event.set();  // it is set already
        done.set();
      },
      [&] {
        done.wait();
        event.wait();
        require(data.get() == 1, "what came before set() is seen");
      });
}

void automatic_reset() {
  Automatic event;
  Variable<int> taken(0);
  concurrently([&] { event.set(); }, [&] { event.reset(); },
               [&] { taken.set(event.wait_until(kDeadline).ok() ? 1 : 0); });
  if (event.try_wait()) require(taken.get() == 0, "one set, taken once");
  require(!event.is_set(), "nothing left");
}

void automatic_destroyed_by_its_waiter() {
  Box<Automatic> event;
  concurrently([&] { event->set(); },
               [&] {
                 event->wait();
                 event.destroy();
               });
}

const Model kModels[] = {
    {"event, manual: releases all", manual_releases_all, {.preemptions = 3}, 50'000},
    {"event, manual: set and reset beside a wait",
     manual_releases_those_who_wait_despite_a_reset,
     {},
     300},
    {"event, manual: a pulse", manual_does_not_forget_who_was_released, {.early_timeouts = 0}, 50},
    {"event, manual: a reset that resets nothing",
     manual_reset_forgets_nobody,
     {.preemptions = 2},
     1'000},
    {"event, manual: set, reset, set, two waiters",
     manual_hands_on_after_a_reset,
     {.preemptions = 2},
     100'000},
    {"event, manual: two resets", manual_resets_beside_each_other, {.preemptions = 2}, 5'000},
    {"event, manual: reset, look, wait", reset_look_wait<Manual>, {}, 20},
    {"event, automatic: reset, look, wait", reset_look_wait<Automatic>, {}, 20},
    {"event, manual: a set beside one that stopped",
     manual_beside_a_stopped_set,
     {.preemptions = 2, .freezes = 1, .freezable = 1},
     700},
    {"event, manual: a reset beside a set that stopped",
     manual_reset_beside_a_stopped_set,
     {.preemptions = 2, .freezes = 1, .freezable = 1},
     4'000},
    {"event, manual: a reset beside a set that stopped, two waiters",
     manual_reset_releases_all_of_a_stopped_set,
     {.preemptions = 2, .spurious_wakes = 0, .freezes = 1, .freezable = 1},
     480'000},
    {"event, automatic: a set beside one that stopped",
     automatic_beside_a_stopped_set,
     {.preemptions = 2, .freezes = 1, .freezable = 1},
     1},
    {"event, manual: a look", manual_look, {}, 3},
    {"event, manual: destroyed by its waiter", manual_destroyed_by_its_waiter, {}, 30},
    {"event, automatic: releases one",
     automatic_releases_one,
     {.preemptions = 1, .spurious_wakes = 0},
     1'000},
    {"event, automatic: handed on",
     automatic_is_handed_on,
     {.preemptions = 1, .spurious_wakes = 0},
     1'000},
    {"event, automatic: keeps one", automatic_keeps_one, {}, 300},
    {"event, automatic: a set that adds nothing",
     automatic_shows_what_came_before_a_set_that_adds_nothing,
     {},
     30'000},
    {"event, automatic: a reset", automatic_reset, {.preemptions = 2}, 15'000},
    {"event, automatic: destroyed by its waiter", automatic_destroyed_by_its_waiter, {}, 2'000},
};

const ModelSet kSet(kModels, {"sync/event.h", "sync/permit_word.h"});

}  // namespace
}  // namespace takt::model
