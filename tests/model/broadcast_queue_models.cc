// SPDX-License-Identifier: Apache-2.0
// sync/broadcast_queue.h: every item whole and in order, or counted as lost.
#include "takt/sync/broadcast_queue.h"

#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

/// Two words that are always equal: the item's number.
struct Item {
  std::uint64_t number;
  std::uint64_t again;
};
template <std::size_t kReaders>
using Queue = BasicBroadcastQueue<Item, 2, kReaders, ModelEnv>;

/// Pops once; requires that what is returned or lost is exactly what comes next. `next` is the
/// number that the reader has not accounted for.
template <std::size_t kReaders>
bool pop(Queue<kReaders>& queue, std::size_t reader, std::uint64_t& next) {
  const auto received = queue.try_pop(reader);
  if (!received.has_value()) return false;
  require(received->item.number == received->item.again, "no item is torn");
  require(received->item.number == next + received->lost, "each item is seen or counted as lost");
  next = received->item.number + 1;
  return true;
}

template <std::size_t kReaders>
void push(Queue<kReaders>& queue, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t number = from; number < to; ++number) queue.push({number, number});
}

void overtakes_one_reader() {
  Queue<1> queue;
  std::uint64_t next = 0;
  concurrently(
      [&] { push(queue, 0, 3); },
      [&] { static_cast<void>(pop(queue, 0, next)), static_cast<void>(pop(queue, 0, next)); });
  while (pop(queue, 0, next)) {
  }
  require(next == 3 && queue.pushed() == 3, "all are accounted for in the end");
}

void reads_while_it_is_overwritten() {
  Queue<1> queue;
  push(queue, 0, 2);
  std::uint64_t next = 0;
  concurrently([&] { push(queue, 2, 4); }, [&] { static_cast<void>(pop(queue, 0, next)); });
  while (pop(queue, 0, next)) {
  }
  require(next == 4, "all are accounted for in the end");
}

void two_readers_do_not_care() {
  Queue<2> queue;
  push(queue, 0, 1);
  std::uint64_t next[2] = {0, 0};
  concurrently([&] { push(queue, 1, 3); }, [&] { static_cast<void>(pop(queue, 0, next[0])); },
               [&] { static_cast<void>(pop(queue, 1, next[1])); });
  for (std::size_t reader = 0; reader < 2; ++reader) {
    while (pop(queue, reader, next[reader])) {
    }
    require(next[reader] == 3, "all are accounted for in the end");
  }
}

void what_was_told_is_there() {
  Queue<1> queue;
  Variable<int> data(0);
  ModelEnv::Word told(0);
  concurrently(
      [&] {
        data.set(1);
        push(queue, 0, 1);
        told.store(1, std::memory_order_release);
      },
      [&] {
        const bool over = told.load(std::memory_order_acquire) == 1;
        std::uint64_t next = 0;
        const bool there = pop(queue, 0, next);
        require(there || !over, "a push that is over is seen");
        if (there) require(data.get() == 1, "what came before the push is seen");
      });
}

void goes_on_after_a_writer_that_ended_inside() {
  Queue<1> queue;
  push(queue, 0, 1);
  std::uint64_t next = 0;
  concurrently([&] { push(queue, 1, 2); }, [&] { static_cast<void>(pop(queue, 0, next)); });
  const std::uint64_t from = next;
  // It cannot be told whether number 1 is there: the next writer numbers on from what is.
  queue.push({1, 1});
  const auto received = queue.try_pop(0);
  require(received.has_value() && received->item.number == received->item.again, "it goes on");
  require(received->item.number >= from - (from == 2 ? 1 : 0), "in order");
}

void skips() {
  Queue<1> queue;
  push(queue, 0, 2);
  std::uint64_t next = 0;
  concurrently([&] { push(queue, 2, 4); },
               [&] {
                 next += queue.skip(0);
                 static_cast<void>(pop(queue, 0, next));
               });
  while (pop(queue, 0, next)) {
  }
  require(next == 4, "all are seen, lost or skipped");
}

const Model kModels[] = {
    {"broadcast queue: overtakes a reader", overtakes_one_reader, {.preemptions = 2}, 500},
    {"broadcast queue: read while it is overwritten",
     reads_while_it_is_overwritten,
     {.preemptions = 3},
     200},
    {"broadcast queue: two readers", two_readers_do_not_care, {.preemptions = 2}, 500},
    {"broadcast queue: what was told is there", what_was_told_is_there, {}, 10},
    {"broadcast queue: a writer that ended inside",
     goes_on_after_a_writer_that_ended_inside,
     {.preemptions = 2, .freezes = 1, .freezable = 1},
     5},
    {"broadcast queue: skips", skips, {.preemptions = 2}, 200},
};

const ModelSet kSet(kModels, {"sync/broadcast_queue.h"});

}  // namespace
}  // namespace takt::model
