// SPDX-License-Identifier: Apache-2.0
// executor/index_ring.h: first in first out, nothing lost, nothing twice, and no thread that stops
// anywhere hides another one's index.
#include "takt/executor/index_ring.h"

#include <cstdint>

#include "takt/tests/model/linearizability.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"
#include "takt/tests/model/queue_specification.h"

namespace takt::model {
namespace {

using IndexRing = BasicIndexRing<ModelEnv>;
constexpr std::uint32_t kNone = IndexRing::kNone;

/// A ring of two, and what its indices stand for.
struct Ring {
  Ring() {
    ring.attach(cells, 2);
    name(head, "head");
    name(tail, "tail");
    name(cells[0], "cell 0");
    name(cells[1], "cell 1");
  }
  std::uint64_t push(std::uint32_t index) {
    item[index].set(item[index].get() + 1);
    std::uint64_t position = 0;
    calls.record(QueueCall::push(static_cast<int>(index)), [&](QueueCall& call) {
      position = ring.push(tail, index);
      call.done = position != IndexRing::kNoPosition;
    });
    return position;
  }
  std::uint32_t pop() {
    std::uint32_t index = kNone;
    calls.record(QueueCall::pop(), [&](QueueCall& call) {
      index = ring.pop(head);
      call.done = index != kNone;
      call.value = static_cast<int>(index);
    });
    if (index != kNone) item[index].set(item[index].get() + 1);
    return index;
  }
  bool empty() {
    bool empty = false;
    calls.record(QueueCall::look(), [&](QueueCall& call) {
      empty = ring.empty(head);
      call.done = !empty;
    });
    return empty;
  }
  /// It never says full or empty without need, whoever else is inside.
  void require_fifo() const { require_linearizable(calls, QueueSpecification<2>()); }

  IndexRing::Cell cells[2];
  IndexRing::Counter head;
  IndexRing::Counter tail;
  IndexRing ring;
  History<QueueCall, 20> calls;
  Variable<int> item[2] = {0, 0};
};

void in_order() {
  Ring ring;
  std::uint32_t next = 0;
  concurrently([&] { ring.push(0), ring.push(1); },
               [&] {
                 for (int i = 0; i < 2; ++i) {
                   if (const std::uint32_t index = ring.pop(); index != kNone) {
                     require(index == next++, "popped in order");
                   }
                 }
               });
  while (next < 2) require(ring.pop() == next++, "the rest is there, in order");
  require(ring.pop() == kNone && ring.empty(), "nothing twice");
  ring.require_fifo();
}

void two_pushers() {
  Ring ring;
  concurrently([&] { ring.push(0); }, [&] { ring.push(1); });
  const std::uint32_t first = ring.pop();
  require(first <= 1 && ring.pop() == 1 - first, "both are there");
  require(ring.pop() == kNone && ring.empty(), "nothing twice");
  ring.require_fifo();
}

void two_pushers_one_popper() {
  Ring ring;
  std::uint32_t got = kNone;
  concurrently([&] { ring.push(0); }, [&] { ring.push(1); }, [&] { got = ring.pop(); });
  std::uint32_t left = got == kNone ? 2 : 1;
  while (left-- > 0) {
    const std::uint32_t index = ring.pop();
    require(index <= 1 && index != got, "the rest is there");
  }
  require(ring.pop() == kNone, "nothing twice");
  ring.require_fifo();
}

void two_poppers() {
  Ring ring;
  ring.push(0), ring.push(1);
  std::uint32_t got[2];
  concurrently([&] { got[0] = ring.pop(); }, [&] { got[1] = ring.pop(); });
  require(got[0] + got[1] == 1, "each got one, not the same");
  ring.require_fifo();
}

void recycled() {
  Ring ring;
  ring.push(0), ring.push(1);
  const auto work = [&] {
    // The other one holds one index at most.
    for (int i = 0; i < 2; ++i) {
      const std::uint32_t index = ring.pop();
      require(index != kNone, "one is left at every instant");
      ring.push(index);
      require(!ring.empty(), "so it is never empty");
    }
  };
  concurrently(work, work);
  const std::uint32_t first = ring.pop();
  require(first <= 1 && ring.pop() == 1 - first, "both are there");
  require(ring.pop() == kNone, "nothing twice");
  ring.require_fifo();
}

void both_sides() {
  Ring ring;
  const auto work = [&](std::uint32_t index) {
    ring.push(index);
    ring.empty();
    ring.pop();
  };
  concurrently([&] { work(0); }, [&] { work(1); });
  require(ring.pop() == kNone, "as many were popped");
  ring.require_fifo();
}

void a_third_looks() {
  Ring ring;
  concurrently([&] { ring.push(0), ring.pop(); }, [&] { ring.push(1); },
               [&] { ring.empty(), ring.pop(); });
  ring.require_fifo();
}

void frozen_pusher() {
  Ring ring;
  concurrently([&] { ring.push(0); },
               [&] {
                 ring.push(1);
                 require(!ring.empty(), "what was pushed before is seen");
                 std::uint32_t index = ring.pop();
                 if (index == 0) index = ring.pop();
                 require(index == 1, "what was pushed before is popped");
               });
  ring.require_fifo();
}

void frozen_popper() {
  Ring ring;
  ring.push(0), ring.push(1);
  concurrently([&] { ring.pop(); },
               [&] {
                 const std::uint32_t index = ring.pop();
                 require(index != kNone, "one is left");
                 ring.push(index);
                 require(ring.pop() != kNone, "and again in the next round");
               });
  ring.require_fifo();
}

void passed_on() {
  // Who learns of a push through another thread finds it.
  Ring ring;
  Atomic<std::uint32_t> said;
  concurrently([&] { ring.push(0), said.store(1, std::memory_order_release); },
               [&] {
                 if (said.load(std::memory_order_acquire) == 1) {
                   require(!ring.empty() && ring.pop() == 0, "pushed before");
                 }
               });
  ring.require_fifo();
}

void own_push() {
  // A round has passed, and T2 knows of it only that it may push (relaxed: nothing is ordered).
  Ring ring;
  Atomic<std::uint32_t> popped;
  concurrently(
      [&] {
        for (std::uint32_t index : {0U, 1U}) ring.ring.push(ring.tail, index);
        for (std::uint32_t index : {0U, 1U}) require(ring.ring.pop(ring.head) == index, "in order");
        popped.store(1, std::memory_order_relaxed);
      },
      [&] {
        if (popped.load(std::memory_order_relaxed) == 0) return;
        ring.ring.push(ring.tail, 0);
        require(!ring.empty(), "its own push is seen");
        require(ring.ring.pop(ring.head) == 0, "its own push is popped");
      });
}

void withdrawn() {
  Ring ring;
  bool withdrawn = false;
  std::uint32_t got = kNone;
  concurrently(
      [&] {
        const std::uint64_t position = ring.push(0);
        withdrawn = ring.ring.withdraw(position, 0);
        if (withdrawn) ring.item[0].set(7);
        ring.push(1);
      },
      [&] { got = ring.pop(); });
  require(!(withdrawn && got == 0), "popped or withdrawn, not both");
  if (!withdrawn && got != 0) require(ring.pop() == 0, "still there");
  if (got != 1) require(ring.pop() == 1, "a withdrawn index hides nobody's");
  require(ring.pop() == kNone, "nothing twice");
}

const Model kModels[] = {
    {"ring: one pushes, one pops: in order", in_order, {.preemptions = 3}, 460},
    {"ring: two push: both are there", two_pushers, {.reduction = true}, 4},
    {"ring: two push, one pops", two_pushers_one_popper, {.preemptions = 3}, 430},
    {"ring: two pop: each one", two_poppers, {.reduction = true}, 4},
    {"ring: two pop and push back, two rounds", recycled, {.preemptions = 2}, 79'000},
    {"ring: two push, look and pop: a queue", both_sides, {.preemptions = 3}, 1'400},
    {"ring: two push and pop, one looks: a queue", a_third_looks, {.preemptions = 2}, 7'700},
    {"ring: a frozen pusher hides nobody's",
     frozen_pusher,
     {.preemptions = 3, .freezes = 1, .freezable = 1},
     750},
    {"ring: a frozen popper hides nobody's",
     frozen_popper,
     {.preemptions = 3, .freezes = 1, .freezable = 1},
     5'500},
    {"ring: a push that one heard of is seen", passed_on, {}, 4},
    {"ring: one's own push is seen", own_push, {.preemptions = 2}, 71},
    {"ring: withdrawn or popped", withdrawn, {.preemptions = 3}, 240},
};

const ModelSet kSet(kModels, {"executor/index_ring.h"});

}  // namespace
}  // namespace takt::model
