// SPDX-License-Identifier: Apache-2.0
// sync/priority_queue.h: conservation, no lost wake-up, the order of levels, time-outs, close,
// draining, what gives way. The shell under it is proven with bounded_queue.h.
#include "takt/sync/priority_queue.h"

#include <optional>

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

constexpr TimePoint kDeadline = from_ns(2'000'000'000);
template <std::size_t N>
using Queue = BasicBoundedPriorityQueue<int, N, 2, ModelEnv>;

void hands_over() {
  Queue<1> queue;
  Variable<int> data(0);
  concurrently(
      [&] {
        data.set(1);
        require(queue.push(7, 0).ok(), "there is room");
      },
      [&] {
        const Result<int> item = queue.pop();
        require(item.ok() && item.value_or(0) == 7 && data.get() == 1, "what came before is seen");
      });
}

void two_pushers_and_room_for_one() {
  Queue<1> queue;
  Variable<int> sum(0);
  concurrently([&] { require(queue.push(1, 1).ok(), "not closed"); },
               [&] { require(queue.push(2, 0).ok(), "not closed"); },
               [&] { sum.set(queue.pop().value_or(0) + queue.pop().value_or(0)); });
  require(sum.get() == 3 && queue.size() == 0, "each item once");
}

void two_poppers() {
  Queue<2> queue;
  Variable<int> taken[2] = {0, 0};
  concurrently([&] { taken[0].set(queue.pop().value_or(0)); },
               [&] { taken[1].set(queue.pop().value_or(0)); },
               [&] {
                 require(queue.push(1, 0).ok(), "there is room");
                 require(queue.push(2, 0).ok(), "there is room");
               });
  require(taken[0].get() + taken[1].get() == 3, "each item once, nobody is left asleep");
}

void first_level_first() {
  Queue<2> queue;
  require(queue.push(1, 1).ok(), "there is room");
  concurrently([&] { require(queue.push(2, 0).ok(), "there is room"); },
               [&] {
                 const int first = queue.pop().value_or(0);
                 const int second = queue.pop().value_or(0);
                 require(first + second == 3, "each item once");
               });
  require(queue.push(3, 1).ok() && queue.push(4, 0).ok(), "there is room again");
  require(queue.pop().value_or(0) == 4 && queue.pop().value_or(0) == 3, "level by level");
}

void first_in_first_out_within_a_level() {
  Queue<2> queue;
  concurrently(
      [&] { require(queue.push(1, 1).ok() && queue.push(2, 1).ok(), "there is room"); },
      [&] { require(queue.pop().value_or(0) == 1 && queue.pop().value_or(0) == 2, "in order"); });
  require(queue.push(3, 0).ok() && queue.push(4, 0).ok(), "there is room again");
  require(queue.pop().value_or(0) == 3 && queue.pop().value_or(0) == 4, "in order again");
}

void times_out() {
  Queue<1> queue;
  Variable<int> taken(0);
  concurrently([&] { taken.set(queue.pop_until(kDeadline).value_or(0)); },
               [&] { require(queue.push(1, 0).ok(), "there is room"); });
  require(taken.get() + static_cast<int>(queue.size()) == 1, "taken or still there");
}

void time_out_beside_a_patient_one() {
  Queue<1> queue;
  concurrently(
      [&] {
        if (queue.pop_until(kDeadline).ok()) require(queue.push(1, 0).ok(), "there is room");
      },
      [&] { require(queue.pop().ok(), "an item comes"); },
      [&] { require(queue.push(1, 0).ok(), "there is room"); });
}

void closes() {
  Queue<1> queue;
  require(queue.push(1, 0).ok(), "there is room");
  concurrently(
      [&] {
        require(queue.pop().ok(), "what is there is taken");
        require(queue.pop().code() == StatusCode::closed, "nothing is left");
      },
      [&] { queue.close(); });
}

void closes_under_a_pusher() {
  Queue<1> queue;
  require(queue.push(1, 0).ok(), "there is room");
  concurrently([&] { require(queue.push(2, 1).code() == StatusCode::closed, "never any room"); },
               [&] { queue.close(); });
  require(queue.size() == 1, "what is there stays");
}

void drains() {
  Queue<1> queue;
  require(queue.push(1, 1).ok(), "there is room");
  concurrently([&] { require(queue.pop().value_or(0) == 1, "taken"); },
               [&] {
                 queue.wait_drained();
                 require(queue.size() == 0, "empty");
               });
}

void evicts_and_drops() {
  Queue<1> queue;
  Variable<int> evicted(0);
  Variable<int> taken(0);
  Variable<int> dropped(0);
  concurrently([&] { evicted.set(queue.push_evict(1, 1).value_or(0)); },
               [&] {
                 if (!queue.push_or_drop(2, 0)) dropped.set(2);
               },
               [&] { taken.set(queue.pop().value_or(0)); });
  const int left = queue.try_pop().value_or(0);
  require(evicted.get() + dropped.get() + taken.get() + left == 3, "each once");
  require(queue.dropped() == (dropped.get() > 0 ? 1 : 0), "counted");
}

void evicts_from_the_last_level() {
  Queue<2> queue;
  require(queue.push(1, 0).ok() && queue.push(2, 1).ok(), "there is room");
  Variable<int> evicted(0);
  Variable<int> taken(0);
  concurrently([&] { evicted.set(queue.push_evict(3, 1).value_or(0)); },
               [&] { taken.set(queue.pop().value_or(0)); });
  require(taken.get() == 1, "the first level is taken, and never gives way to the last");
  require(evicted.get() == 0 || evicted.get() == 2, "the last level gives way");
  require(evicted.get() == 2 || queue.try_pop().value_or(0) == 2, "or is there");
  require(queue.try_pop().value_or(0) == 3 && queue.size() == 0, "and so is what came last");
}

void nothing_gives_way_to_what_comes_after_it() {
  Queue<1> queue;
  require(queue.push(1, 0).ok(), "there is room");
  Variable<int> evicted(0);
  Variable<int> taken(0);
  concurrently([&] { evicted.set(queue.push_evict(2, 1).value_or(0)); },
               [&] { taken.set(queue.pop().value_or(0)); });
  require(taken.get() == 1, "the first stays for who takes it");
  require(evicted.get() == 0 || evicted.get() == 2, "the other one comes back or is there");
  require(evicted.get() + queue.try_pop().value_or(0) == 2, "once");
  require(queue.push(3, 1).ok() && queue.push_evict(4, 0).value_or(0) == 3, "the other way round");
}

void destroyed_by_who_popped() {
  Box<Queue<1>> queue;
  concurrently([&] { static_cast<void>(queue->push(1, 0)); },
               [&] {
                 static_cast<void>(queue->pop());
                 queue.destroy();
               });
}

const Model kModels[] = {
    {"priority queue: hands over", hands_over, {.preemptions = 2}, 20},
    {"priority queue: two pushers, room for one",
     two_pushers_and_room_for_one,
     {.preemptions = 1, .spurious_wakes = 0},
     100},
    {"priority queue: two poppers", two_poppers, {.preemptions = 1, .spurious_wakes = 0}, 100},
    {"priority queue: the first level first", first_level_first, {.preemptions = 2}, 20},
    {"priority queue: a time-out", times_out, {.preemptions = 2}, 20},
    {"priority queue: a time-out beside a patient one",
     time_out_beside_a_patient_one,
     {.preemptions = 1, .spurious_wakes = 0},
     100},
    {"priority queue: closes", closes, {.preemptions = 2}, 20},
    {"priority queue: closes under a pusher", closes_under_a_pusher, {.preemptions = 2}, 20},
    {"priority queue: in order within a level",
     first_in_first_out_within_a_level,
     {.preemptions = 2},
     2'900},
    {"priority queue: drains", drains, {.preemptions = 2}, 370},
    {"priority queue: evicts and drops",
     evicts_and_drops,
     {.preemptions = 1, .spurious_wakes = 0},
     960},
    {"priority queue: evicts from the last level",
     evicts_from_the_last_level,
     {.preemptions = 2},
     6},
    {"priority queue: nothing gives way to what comes after it",
     nothing_gives_way_to_what_comes_after_it,
     {.preemptions = 2},
     6},
    {"priority queue: destroyed by who popped", destroyed_by_who_popped, {.preemptions = 2}, 20},
};

const ModelSet kSet(kModels, {"sync/priority_queue.h"});

}  // namespace
}  // namespace takt::model
