// SPDX-License-Identifier: Apache-2.0
// sync/bounded_queue.h with the shell and the sleepers under it: order, conservation, no lost
// wake-up, time-outs, close against waiters, draining, eviction, safe destruction.
#include "takt/sync/bounded_queue.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "takt/tests/model/box.h"
#include "takt/tests/model/linearizability.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"
#include "takt/tests/model/queue_specification.h"

namespace takt::model {
namespace {

constexpr TimePoint kDeadline = from_ns(2'000'000'000);

/// An item whose place in the queue is watched for races; 0 once it was moved from.
struct Item {
  explicit Item(int number) : value(number) {}
  Item(Item&& other) noexcept : value(other.value.get()) { other.value.set(0); }
  Variable<int> value;
};

template <std::size_t N>
using Queue = BasicBoundedQueue<Item, N, ModelEnv>;

/// The number of the next item; 0: closed, -1: time out, -2: empty.
int number(Result<Item> result) {
  if (result.ok()) return result->value.get();
  if (result.code() == StatusCode::closed) return 0;
  return result.code() == StatusCode::timed_out ? -1 : -2;
}

void in_order() {
  Queue<1> queue;
  Variable<int> data(0);
  concurrently(
      [&] {
        data.set(7);
        require(queue.push(Item(1)).ok() && queue.push(Item(2)).ok(), "pushed");
      },
      [&] {
        require(number(queue.pop()) == 1 && number(queue.pop()) == 2, "in order");
        require(data.get() == 7, "what came before the push is seen");
      });
  require(queue.size() == 0 && queue.high_water() == 1, "empty again");
}

void linearizable() {
  Queue<1> queue;
  History<QueueCall> calls;
  const auto push = [&](int number) {
    calls.record(QueueCall::push(number),
                 [&](QueueCall& call) { call.done = queue.try_push(Item(number)).ok(); });
  };
  const auto pop = [&] {
    calls.record(QueueCall::pop(), [&](QueueCall& call) {
      const Result<Item> item = queue.try_pop();
      call.done = item.ok();
      if (item.ok()) call.value = item->value.get();
    });
  };
  concurrently([&] { push(1), push(2); }, [&] { pop(), pop(); }, [&] { push(3), pop(); });
  require_linearizable(calls, QueueSpecification<1>());
}

void linearizable_with_room_for_two() {
  Queue<2> queue;
  History<QueueCall> calls;
  const auto push = [&](int number) {
    calls.record(QueueCall::push(number),
                 [&](QueueCall& call) { call.done = queue.try_push(Item(number)).ok(); });
  };
  const auto pop = [&] {
    calls.record(QueueCall::pop(), [&](QueueCall& call) {
      const Result<Item> item = queue.try_pop();
      call.done = item.ok();
      if (item.ok()) call.value = item->value.get();
    });
  };
  concurrently([&] { push(1), push(2), push(3); }, [&] { pop(), pop(), pop(); });
  require_linearizable(calls, QueueSpecification<2>());
}

void two_poppers() {
  Queue<2> queue;
  Variable<int> first(0);
  Variable<int> second(0);
  concurrently([&] { first.set(number(queue.pop())); }, [&] { second.set(number(queue.pop())); },
               [&] {
                 require(queue.push(Item(1)).ok(), "pushed");
                 require(queue.push(Item(2)).ok(), "pushed");
               });
  require(first.get() + second.get() == 3 && first.get() != second.get(), "one each");
}

void two_pushers() {
  Queue<1> queue;
  Variable<int> sum(0);
  concurrently([&] { require(queue.push(Item(1)).ok(), "pushed"); },
               [&] { require(queue.push(Item(2)).ok(), "pushed"); },
               [&] { sum.set(number(queue.pop()) + number(queue.pop())); });
  require(sum.get() == 3 && queue.size() == 0, "each once");
}

void both_kinds_wait() {
  // A full queue of one, a pusher and a popper beside each other: each wakes the other's kind.
  Queue<1> queue;
  concurrently(
      [&] {
        require(queue.push(Item(1)).ok(), "pushed");
        require(number(queue.pop()) > 0, "popped");
      },
      [&] {
        require(queue.push(Item(2)).ok(), "pushed");
        require(number(queue.pop()) > 0, "popped");
      });
  require(queue.size() == 0, "empty");
}

void a_thief() {
  // Takes the item from under the hands of who was woken for it; the next push wakes him again.
  Queue<2> queue;
  Variable<int> sum(0);
  Variable<int> stolen(0);
  concurrently([&] { sum.set(number(queue.pop())); },
               [&] {
                 const int taken = number(queue.try_pop());
                 if (taken > 0) stolen.set(taken);
               },
               [&] {
                 require(queue.try_push(Item(1)).ok(), "pushed");
                 require(queue.try_push(Item(2)).ok(), "pushed");
               });
  const int left = number(queue.try_pop());
  require(sum.get() + stolen.get() + (left > 0 ? left : 0) == 3, "each once");
}

void a_waker_that_stops() {
  // Between its unlock and its wake: who claims next wakes all who were claimed and still sleep.
  BasicMutex<ModelEnv> mutex;
  detail::Sleepers<ModelEnv> sleepers;
  Variable<int> items(0);
  const auto add = [&] {
    mutex.lock();
    items.set(items.get() + 1);
    const int claimed = sleepers.claim(1);
    mutex.unlock();
    return claimed;
  };
  concurrently([&] { static_cast<void>(add()); }, [&] { sleepers.wake(add()); },
               [&] {
                 mutex.lock();
                 while (items.get() == 0) {
                   const std::uint32_t ticket = sleepers.join();
                   mutex.unlock();
                   static_cast<void>(sleepers.sleep(ticket, kNever));
                   mutex.lock();
                   sleepers.leave();
                 }
                 mutex.unlock();
               });
}

void a_pop_times_out() {
  // The wake may go to who gives up: then the item is his, or the wake is not.
  Queue<1> queue;
  concurrently(
      [&] {
        const int taken = number(queue.pop_until(kDeadline));
        if (taken > 0) require(queue.push(Item(taken)).ok(), "handed on");
      },
      [&] { require(number(queue.pop()) == 1, "taken by the patient one"); },
      [&] { require(queue.push(Item(1)).ok(), "pushed"); });
  require(queue.size() == 0, "empty");
}

void a_push_times_out() {
  Queue<1> queue;
  require(queue.push(Item(1)).ok(), "pushed");
  Variable<int> pushed(0);
  concurrently(
      [&] {
        Item item(2);
        const Status status = queue.push_until(std::move(item), kDeadline);
        // NOLINTNEXTLINE(bugprone-use-after-move): the model of just that
        require(status.ok() || item.value.get() == 2, "a refused item stays with the caller");
        pushed.set(status.ok() ? 1 : 0);
      },
      [&] { require(queue.push(Item(3)).ok(), "the patient one"); },
      [&] {
        require(number(queue.pop()) == 1, "the oldest");
        require(number(queue.pop()) > 1, "the next");
      });
  require(queue.size() == static_cast<std::size_t>(pushed.get()), "conserved");
}

void close_releases_poppers() {
  Queue<1> queue;
  concurrently([&] { require(number(queue.pop()) == 0, "closed"); },
               [&] { require(number(queue.pop()) == 0, "closed"); }, [&] { queue.close(); });
}

void close_releases_pushers() {
  Queue<1> queue;
  require(queue.push(Item(1)).ok(), "pushed");
  const auto push = [&] {
    Item item(2);
    require(queue.push(std::move(item)).code() == StatusCode::closed, "refused");
    // NOLINTNEXTLINE(bugprone-use-after-move): the model of just that
    require(item.value.get() == 2, "a refused item stays with the caller");
  };
  concurrently(push, push, [&] { queue.close(); });
  require(number(queue.pop()) == 1 && number(queue.pop()) == 0, "what is there can be taken");
}

void close_leaves_what_is_there() {
  Queue<1> queue;
  Variable<int> first(0);
  Variable<int> second(0);
  concurrently([&] { first.set(number(queue.pop())); }, [&] { second.set(number(queue.pop())); },
               [&] {
                 require(queue.push(Item(1)).ok(), "pushed");
                 queue.close();
                 require(queue.try_push(Item(2)).code() == StatusCode::closed, "refused");
               });
  require(first.get() + second.get() == 1, "one has it, the other one is told");
}

void drained() {
  Queue<1> queue;
  require(queue.push(Item(1)).ok(), "pushed");
  concurrently([&] { require(number(queue.pop()) == 1, "taken"); },
               [&] {
                 queue.wait_drained();
                 require(queue.size() == 0, "empty");
               },
               [&] {
                 if (queue.wait_drained_until(kDeadline).ok()) require(queue.size() == 0, "empty");
               });
}

void drained_and_filled_again() {
  Queue<1> queue;
  require(queue.push(Item(1)).ok(), "pushed");
  concurrently([&] { queue.wait_drained(); },
               [&] {
                 require(queue.push_evict(Item(2)).has_value(), "nobody has taken the first");
                 require(number(queue.pop()) == 2, "taken");
               });
  require(queue.size() == 0, "empty");
}

void drained_in_between() {
  // Empty for a moment only: who waited for it has had it, or comes too late.
  Queue<1> queue;
  require(queue.push(Item(1)).ok(), "pushed");
  concurrently([&] { static_cast<void>(queue.wait_drained_until(kDeadline)); },
               [&] {
                 require(number(queue.pop()) == 1, "taken");
                 require(queue.push(Item(2)).ok(), "pushed");
                 require(number(queue.pop()) == 2, "taken");
               },
               [&] { queue.wait_drained(); });
}

void evicts_and_drops() {
  Queue<1> queue;
  Variable<int> evicted(0);
  Variable<int> taken(0);
  Variable<int> dropped(0);
  concurrently(
      [&] {
        const std::optional<Item> oldest = queue.push_evict(Item(1));
        if (oldest) evicted.set(oldest->value.get());
      },
      [&] {
        if (!queue.push_or_drop(Item(2))) dropped.set(2);
      },
      [&] { taken.set(number(queue.pop())); });
  const int left = number(queue.try_pop());
  require(evicted.get() + dropped.get() + taken.get() + (left > 0 ? left : 0) == 3, "each once");
  require(queue.dropped() == (dropped.get() > 0 ? 1 : 0), "counted");
}

void evicts_the_oldest() {
  Queue<2> queue;
  require(queue.push(Item(1)).ok() && queue.push(Item(2)).ok(), "pushed");
  Variable<int> evicted(0);
  Variable<int> taken(0);
  concurrently(
      [&] {
        const std::optional<Item> oldest = queue.push_evict(Item(3));
        if (oldest) evicted.set(oldest->value.get());
      },
      [&] { taken.set(number(queue.pop())); });
  const bool full = evicted.get() != 0;
  require(!full || evicted.get() == 1, "the oldest gives way");
  require(taken.get() == (full ? 2 : 1), "the next one is taken");
  require(full || number(queue.try_pop()) == 2, "what did not have to give way is there");
  require(number(queue.try_pop()) == 3 && queue.size() == 0, "and so is what came last");
}

void an_eviction_does_not_drain() {
  Queue<1> queue;
  require(queue.push(Item(1)).ok(), "pushed");
  concurrently(
      [&] {
        require(queue.wait_drained_until(kDeadline).code() == StatusCode::timed_out, "never empty");
      },
      [&] { require(queue.push_evict(Item(2)).has_value(), "the first gives way"); });
}

void destroyed_by_who_takes_the_last() {
  Box<Queue<1>> queue;
  concurrently([&] { require(queue->push(Item(1)).ok(), "pushed"); },
               [&] {
                 require(number(queue->pop()) == 1, "taken");
                 queue.destroy();
               });
}

void destroyed_by_who_is_told_of_the_end() {
  Box<Queue<1>> queue;
  concurrently([&] { queue->close(); },
               [&] {
                 require(number(queue->pop()) == 0, "closed");
                 queue.destroy();
               });
}

void destroyed_by_who_waited_for_empty() {
  Box<Queue<1>> queue;
  require(queue->push(Item(1)).ok(), "pushed");
  concurrently([&] { require(number(queue->pop()) == 1, "taken"); },
               [&] {
                 queue->wait_drained();
                 queue.destroy();
               });
}

void destroyed_by_who_found_room() {
  Box<Queue<1>> queue;
  require(queue->push(Item(1)).ok(), "pushed");
  concurrently([&] { require(number(queue->pop()) == 1, "taken"); },
               [&] {
                 require(queue->push(Item(2)).ok(), "pushed");
                 queue.destroy();
               });
}

// Everything but the sleep is under the lock, so that stale reads concern the words of the mutex
// and the sleep only: three threads go without
// rereads, reorderings and spurious returns, which two have.
constexpr Options kPair = {.preemptions = 2};
constexpr Options kTrio = {
    .preemptions = 2, .spurious_wakes = 0, .stale_rereads = 0, .reorderings = 0};
constexpr Options kLongTrio = {
    .preemptions = 1, .spurious_wakes = 0, .stale_rereads = 0, .reorderings = 0};

const Model kModels[] = {
    {"queue: both kinds wait", both_kinds_wait, kPair, 500},
    {"queue: a thief", a_thief, kTrio, 10'000},
    {"queue: a waker that stops", a_waker_that_stops, kTrio, 1},
    {"queue: close releases who pops", close_releases_poppers, kTrio, 30'000},
    {"queue: close releases who pushes", close_releases_pushers, kTrio, 30'000},
    {"queue: destroyed by who takes the last", destroyed_by_who_takes_the_last, kPair, 100},
    {"queue: destroyed by who is told of the end", destroyed_by_who_is_told_of_the_end, kPair, 100},
    {"queue: destroyed by who waited for empty", destroyed_by_who_waited_for_empty, kPair, 100},
    {"queue: destroyed by who found room", destroyed_by_who_found_room, kPair, 100},
    {"queue: in order", in_order, kPair, 50'000},
    {"queue: linearizable", linearizable, kTrio, 100},
    {"queue: linearizable, room for two", linearizable_with_room_for_two, kPair, 280},
    {"queue: two poppers", two_poppers, kTrio, 100'000},
    {"queue: two pushers", two_pushers, kTrio, 40'000},
    {"queue: a pop times out", a_pop_times_out, kTrio, 100'000},
    {"queue: a push times out", a_push_times_out, kLongTrio, 100},
    {"queue: close leaves what is there", close_leaves_what_is_there, kLongTrio, 1'000},
    {"queue: drained", drained, kTrio, 100},
    {"queue: drained and filled again", drained_and_filled_again, kPair, 100},
    {"queue: drained in between", drained_in_between, kLongTrio, 100},
    {"queue: evicts and drops", evicts_and_drops, kTrio, 3'000},
    {"queue: evicts the oldest", evicts_the_oldest, kPair, 6},
    {"queue: an eviction does not drain", an_eviction_does_not_drain, kPair, 400},
};

const ModelSet kSet(kModels, {"sync/bounded_queue.h", "sync/blocking_queue.h", "sync/sleepers.h"});

}  // namespace
}  // namespace takt::model
