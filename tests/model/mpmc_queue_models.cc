// SPDX-License-Identifier: Apache-2.0
// sync/mpmc_queue.h: first in first out, nothing lost, nothing twice, items handed over whole; what
// a refusal means; what a thread that stops in the middle hides, and what it does not.
#include "takt/sync/mpmc_queue.h"

#include <cstddef>
#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"
#include "takt/tests/model/queue_item.h"

namespace takt::model {
namespace {

template <std::size_t N>
using Queue = BasicMpmcQueue<QueueItem, N, ModelEnv>;

/// Of a queue that nobody uses: nothing is in it, and it works.
template <class AnyQueue>
void expect_empty(AnyQueue& queue) {
  require(pop_from(queue) == kNothing && queue.empty(), "nothing twice");
  require(push_to(queue, 7) && pop_from(queue) == 7, "it goes on");
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
  for (; popped != pushed; ++popped) require(pop_from(queue) == popped, "the rest, in order");
  expect_empty(queue);
}

void two_pushers() {
  Queue<2> queue;
  concurrently([&] { require(push_to(queue, 1), "there is room for both"); },
               [&] { require(push_to(queue, 2), "there is room for both"); });
  const int first = pop_from(queue);
  require((first == 1 || first == 2) && pop_from(queue) == 3 - first, "both are there");
  expect_empty(queue);
}

void one_place() {
  Queue<1> queue;
  bool pushed[2];
  concurrently([&] { pushed[0] = push_to(queue, 1); }, [&] { pushed[1] = push_to(queue, 2); });
  require(pushed[0] != pushed[1], "one place, one item");
  require(pop_from(queue) == (pushed[0] ? 1 : 2), "the one that was accepted");
  expect_empty(queue);
}

void two_poppers() {
  Queue<2> queue;
  push_to(queue, 1), push_to(queue, 2);
  int got[2];
  concurrently([&] { got[0] = pop_from(queue); }, [&] { got[1] = pop_from(queue); });
  require(got[0] + got[1] == 3 && got[0] != kNothing, "each got one, not the same");
  expect_empty(queue);
}

void two_pushers_one_popper() {
  Queue<2> queue;
  int got[3];
  concurrently([&] { require(push_to(queue, 1), "there is room"); },
               [&] { require(push_to(queue, 2), "there is room"); },
               [&] { got[0] = pop_from(queue); });
  int sum = got[0] == kNothing ? 0 : got[0];
  for (int i = got[0] == kNothing ? 0 : 1; i < 2; ++i) sum += pop_from(queue);
  require(sum == 3, "both came, each once");
  expect_empty(queue);
}

void one_pusher_two_poppers() {
  Queue<2> queue;
  int got[2];
  int pushed = 1;
  concurrently(
      [&] {
        for (int i = 0; i < 2; ++i) pushed += push_to(queue, pushed) ? 1 : 0;
      },
      [&] { got[0] = pop_from(queue); }, [&] { got[1] = pop_from(queue); });
  require(pushed == 3, "there was room for both");
  require(got[0] != got[1] || got[0] == kNothing, "nothing twice");
  int expected = 1;
  if (got[0] == expected || got[1] == expected) ++expected;
  if (got[0] == expected || got[1] == expected) ++expected;
  for (; expected != pushed; ++expected) require(pop_from(queue) == expected, "in order");
  expect_empty(queue);
}

void recycled() {
  // Both pop and push back, around and around. Of the other thread's calls only the last may be
  // unfinished, and it concerns the position behind: one's first pop is not told empty. The second
  // may be: what one has pushed oneself is hidden by a push before it.
  Queue<2> queue;
  push_to(queue, 1), push_to(queue, 2);
  const auto work = [&] {
    for (int i = 0; i < 2; ++i) {
      const int value = pop_from(queue);
      require(value != kNothing || i == 1, "one is there at every instant");
      if (value == kNothing) return kNothing;
      if (!push_to(queue, value)) return value;  // the other one's pop holds the place
    }
    return kNothing;
  };
  int kept[2];
  concurrently([&] { kept[0] = work(); }, [&] { kept[1] = work(); });
  int sum = 0;
  for (const int value : kept) sum += value == kNothing ? 0 : value;
  for (int value = pop_from(queue); value != kNothing; value = pop_from(queue)) sum += value;
  require(sum == 3, "both are there, each once");
  expect_empty(queue);
}

void no_false_refusal() {
  // Who has heard of a push or a pop, with no other call unfinished, is not told empty or full.
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

void frozen_pusher() {
  // What was pushed before is not hidden, what is pushed behind is: N - 1 items at most.
  Queue<2> queue;
  Atomic<std::uint32_t> said;
  push_to(queue, 8);
  concurrently(
      [&] {
        push_to(queue, 1);
        said.store(1, std::memory_order_release);
      },
      [&] {
        const bool finished = said.load(std::memory_order_acquire) == 1;
        require(pop_from(queue) == 8, "pushed before: there");
        require(push_to(queue, 2), "one place is free, whoever holds the other one");
        const int next = pop_from(queue);
        if (finished) require(next == 1, "finished: not hidden");
        if (next == 1) require(pop_from(queue) == 2, "nothing before it is unfinished");
        if (next != kNothing) return;
        // Its unfinished push is first; ours is the one behind it.
        require(!finished, "empty is spurious only while it is unfinished");
        push_to(queue, 3);
      });
}

void frozen_popper() {
  Queue<2> queue;
  Atomic<std::uint32_t> said;
  push_to(queue, 1), push_to(queue, 2);
  concurrently(
      [&] {
        pop_from(queue);
        said.store(1, std::memory_order_release);
      },
      [&] {
        const bool finished = said.load(std::memory_order_acquire) == 1;
        const int value = pop_from(queue);
        require(value == (finished ? 2 : value) && value != kNothing, "it hides nothing");
        const bool pushed = push_to(queue, 3);
        if (finished || value == 1) require(pushed, "there is room before its place");
        if (pushed && value == 2) require(pop_from(queue) == 3, "and what is pushed is there");
      });
}

void empty_means() {
  Queue<2> queue;
  Atomic<std::uint32_t> finished[2];
  const auto push = [&](int self) {
    require(push_to(queue, self), "there is room");
    finished[self].store(1, std::memory_order_release);
  };
  concurrently([&] { push(0); }, [&] { push(1); },
               [&] {
                 const bool first = finished[0].load(std::memory_order_acquire) == 1;
                 const bool second = finished[1].load(std::memory_order_acquire) == 1;
                 const int value = pop_from(queue);
                 require(value != kNothing || !(first && second), "no push is unfinished");
               });
}

void full_means() {
  Queue<2> queue;
  push_to(queue, 1), push_to(queue, 2);
  Atomic<std::uint32_t> finished[2];
  const auto pop = [&](int self) {
    require(pop_from(queue) != kNothing, "there is one");
    finished[self].store(1, std::memory_order_release);
  };
  concurrently([&] { pop(0); }, [&] { pop(1); },
               [&] {
                 const bool first = finished[0].load(std::memory_order_acquire) == 1;
                 const bool second = finished[1].load(std::memory_order_acquire) == 1;
                 const bool pushed = push_to(queue, 3);
                 require(pushed || !(first && second), "no pop is unfinished");
               });
}

void counted() {
  Queue<1> queue;
  concurrently([&] { push_to(queue, 1), push_to(queue, 2); },
               [&] { pop_from(queue), pop_from(queue); },
               [&] { require(queue.size() <= 1, "no more than there can be"); });
}

const Model kModels[] = {
    {"mpmc_queue: of one, in order", in_order<1>, {}, 6'000},
    {"mpmc_queue: of two, in order", in_order<2>, {}, 40'000},
    {"mpmc_queue: two push: both are there", two_pushers, {}, 100},
    {"mpmc_queue: two push into one place", one_place, {}, 100},
    {"mpmc_queue: two pop: each one", two_poppers, {}, 100},
    {"mpmc_queue: two push, one pops", two_pushers_one_popper, {.preemptions = 4}, 6'000},
    {"mpmc_queue: one pushes, two pop", one_pusher_two_poppers, {.preemptions = 4}, 20'000},
    {"mpmc_queue: two pop and push back, two rounds", recycled, {.preemptions = 3}, 300'000},
    {"mpmc_queue: no false full or empty", no_false_refusal, {}, 15},
    {"mpmc_queue: empty only while a push is unfinished", empty_means, {.preemptions = 4}, 60'000},
    {"mpmc_queue: full only while a pop is unfinished", full_means, {.preemptions = 4}, 60'000},
    {"mpmc_queue: what a frozen pusher hides",
     frozen_pusher,
     {.freezes = 1, .freezable = 1},
     60'000},
    {"mpmc_queue: a frozen popper hides nothing",
     frozen_popper,
     {.freezes = 1, .freezable = 1},
     18'000},
    {"mpmc_queue: a third thread counts", counted, {.preemptions = 3}, 7'500},
};

const ModelSet kSet(kModels, {"sync/mpmc_queue.h"});

}  // namespace
}  // namespace takt::model
