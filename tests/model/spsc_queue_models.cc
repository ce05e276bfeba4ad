// SPDX-License-Identifier: Apache-2.0
// sync/spsc_queue.h: first in first out, nothing lost, nothing twice, items handed over whole; no
// false full or empty; no call depends on the other side going on.
#include "takt/sync/spsc_queue.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"
#include "takt/tests/model/queue_item.h"

namespace takt::model {
namespace {

template <std::size_t N>
using Queue = BasicSpscQueue<QueueItem, N, ModelEnv>;

/// Pops what is left: `next` and those after it, before `end`.
template <class AnyQueue>
void expect_rest(AnyQueue& queue, int next, int end) {
  for (; next != end; ++next) require(pop_from(queue) == next, "the rest is there, in order");
  require(pop_from(queue) == kNothing && queue.empty(), "nothing twice");
}

template <std::size_t N>
void in_order() {
  Queue<N> queue;
  int pushed = 1;
  int popped = 1;
  concurrently(
      [&] {
        for (int i = 0; i < 3; ++i) pushed += push_to(queue, pushed) ? 1 : 0;
      },
      [&] {
        for (int i = 0; i < 2; ++i) {
          const int value = pop_from(queue);
          if (value != kNothing) require(value == popped++, "popped in order");
        }
      });
  require(pushed - 1 >= static_cast<int>(N), "as many as it holds were accepted");
  expect_rest(queue, popped, pushed);
}

void in_place() {
  // front() shows the item, pop() lets the producer use its slot again.
  Queue<1> queue;
  int pushed = 1;
  int popped = 1;
  concurrently(
      [&] {
        for (int i = 0; i < 2; ++i) pushed += push_to(queue, pushed) ? 1 : 0;
      },
      [&] {
        for (int i = 0; i < 2; ++i) {
          const QueueItem* const oldest = queue.front();
          if (oldest == nullptr) continue;
          require(oldest->value() == popped++, "shown in order");
          queue.pop();
        }
      });
  expect_rest(queue, popped, pushed);
}

void batches() {
  // Around the end of the ring, and of the positions in the second round.
  Queue<3> queue;
  for (int i = 0; i < 4; ++i) require(push_to(queue, i) && pop_from(queue) == i, "alone");
  int pushed = 1;
  int popped = 1;
  concurrently(
      [&] {
        for (int i = 0; i < 2; ++i) {
          int values[2] = {pushed, pushed + 1};
          pushed += static_cast<int>(queue.try_push_n(values, 2));
        }
      },
      [&] {
        for (int i = 0; i < 2; ++i) {
          QueueItem items[2] = {QueueItem(0), QueueItem(0)};
          const std::size_t count = queue.try_pop_n(items, 2);
          for (std::size_t k = 0; k < count; ++k) require(items[k].value() == popped++, "in order");
        }
      });
  require(pushed - 1 >= 3, "as many as it holds were accepted");
  expect_rest(queue, popped, pushed);
}

void batch_at_once() {
  Queue<2> queue;
  concurrently(
      [&] {
        int values[2] = {1, 2};
        require(queue.try_push_n(values, 2) == 2, "there is room");
      },
      [&] {
        QueueItem items[2] = {QueueItem(0), QueueItem(0)};
        require(queue.try_pop_n(items, 2) != 1, "seen at once");
      });
}

void no_false_refusal() {
  // Who has heard of a push or a pop is not told empty or full.
  Queue<1> queue;
  Atomic<std::uint32_t> said;
  concurrently(
      [&] {
        require(push_to(queue, 1), "there is room");
        said.store(1, std::memory_order_release);
        if (said.load(std::memory_order_acquire) == 2) {
          require(queue.empty() && push_to(queue, 2), "there is room again");
        }
      },
      [&] {
        if (said.load(std::memory_order_acquire) != 1) return;
        require(!queue.empty() && pop_from(queue) == 1, "pushed before");
        said.store(2, std::memory_order_release);
      });
}

void frozen_producer() {
  Queue<2> queue;
  Atomic<std::uint32_t> said;
  concurrently(
      [&] {
        push_to(queue, 1);
        said.store(1, std::memory_order_release);
        int values[2] = {2, 3};
        queue.try_push_n(values, 2);
      },
      [&] {
        const bool told = said.load(std::memory_order_acquire) == 1;
        const int value = pop_from(queue);
        require(value == 1 || (!told && value == kNothing), "what was pushed before is there");
        pop_from(queue);
      });
}

void frozen_consumer() {
  Queue<2> queue;
  push_to(queue, 1);
  concurrently([&] { pop_from(queue), pop_from(queue); },
               [&] {
                 require(push_to(queue, 2), "the free slot is there");
                 push_to(queue, 3);
               });
}

void counted() {
  // The producer's count is never too low, the consumer's never too high, nobody's beyond N.
  Queue<1> queue;
  concurrently(
      [&] {
        for (int i = 0; i < 2; ++i) {
          if (queue.empty()) require(push_to(queue, i), "empty: there is room");
        }
      },
      [&] {
        for (int i = 0; i < 2; ++i) {
          if (!queue.empty()) require(pop_from(queue) != kNothing, "not empty: there is one");
        }
      },
      [&] { require(queue.size() <= 1, "no more than there can be"); });
}

void orders_the_work() {
  // Who sees an item counted has what its producer did before behind himself; who sees none left,
  // what the consumer did.
  Queue<2> queue;
  Variable<int> question(0);
  Variable<int> answer(0);
  concurrently(
      [&] {
        question.set(20);
        push_to(queue, 1);
        if (queue.empty()) require(answer.get() == 21, "answered");
      },
      [&] {
        if (queue.empty()) return;
        answer.set(question.get() + 1);
        require(pop_from(queue) == 1, "it is there");
      });
}

const Model kModels[] = {
    {"spsc_queue: of one, in order", in_order<1>, {}, 1'800},
    {"spsc_queue: of two, in order", in_order<2>, {}, 3'000},
    {"spsc_queue: items in place, in order", in_place, {}, 400},
    {"spsc_queue: batches, in order", batches, {}, 600},
    {"spsc_queue: a batch is seen at once", batch_at_once, {}, 8},
    {"spsc_queue: no false full or empty", no_false_refusal, {}, 12},
    {"spsc_queue: a frozen producer hides nothing before it",
     frozen_producer,
     {.freezes = 1, .freezable = 1},
     4'500},
    {"spsc_queue: a frozen consumer stops nobody",
     frozen_consumer,
     {.freezes = 1, .freezable = 1},
     1'500},
    {"spsc_queue: counts, and a third thread counts", counted, {}, 200'000},
    {"spsc_queue: a count orders the work", orders_the_work, {}, 60},
};

const ModelSet kSet(kModels, {"sync/spsc_queue.h"});

}  // namespace
}  // namespace takt::model
