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

/// How many cells there are in a block: all of the ring's, or each for itself, so that the counters
/// move within a round, and may lag by a block or more.
constexpr std::uint32_t kOneBlock = 2;
constexpr std::uint32_t kTwoBlocks = 1;

/// A ring of two, and what its indices stand for.
template <std::uint32_t kBlock>
struct Ring {
  Ring() {
    ring.attach(cells, 2, kBlock);
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

template <std::uint32_t kBlock>
void in_order() {
  Ring<kBlock> ring;
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

template <std::uint32_t kBlock>
void two_pushers() {
  Ring<kBlock> ring;
  concurrently([&] { ring.push(0); }, [&] { ring.push(1); });
  const std::uint32_t first = ring.pop();
  require(first <= 1 && ring.pop() == 1 - first, "both are there");
  require(ring.pop() == kNone && ring.empty(), "nothing twice");
  ring.require_fifo();
}

template <std::uint32_t kBlock>
void two_pushers_one_popper() {
  Ring<kBlock> ring;
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

template <std::uint32_t kBlock>
void two_poppers() {
  Ring<kBlock> ring;
  ring.push(0), ring.push(1);
  std::uint32_t got[2];
  concurrently([&] { got[0] = ring.pop(); }, [&] { got[1] = ring.pop(); });
  require(got[0] + got[1] == 1, "each got one, not the same");
  ring.require_fifo();
}

template <std::uint32_t kBlock>
void recycled() {
  Ring<kBlock> ring;
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

template <std::uint32_t kBlock>
void both_sides() {
  Ring<kBlock> ring;
  const auto work = [&](std::uint32_t index) {
    ring.push(index);
    ring.empty();
    ring.pop();
  };
  concurrently([&] { work(0); }, [&] { work(1); });
  require(ring.pop() == kNone, "as many were popped");
  ring.require_fifo();
}

template <std::uint32_t kBlock>
void a_third_looks() {
  Ring<kBlock> ring;
  concurrently([&] { ring.push(0), ring.pop(); }, [&] { ring.push(1); },
               [&] { ring.empty(), ring.pop(); });
  ring.require_fifo();
}

template <std::uint32_t kBlock>
void frozen_pusher() {
  Ring<kBlock> ring;
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

template <std::uint32_t kBlock>
void frozen_popper() {
  Ring<kBlock> ring;
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

template <std::uint32_t kBlock>
void passed_on() {
  // Who learns of a push through another thread finds it.
  Ring<kBlock> ring;
  Atomic<std::uint32_t> said;
  concurrently([&] { ring.push(0), said.store(1, std::memory_order_release); },
               [&] {
                 if (said.load(std::memory_order_acquire) == 1) {
                   require(!ring.empty() && ring.pop() == 0, "pushed before");
                 }
               });
  ring.require_fifo();
}

template <std::uint32_t kBlock>
void own_push() {
  // A round has passed, and T2 knows of it only that it may push (relaxed: nothing is ordered).
  Ring<kBlock> ring;
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

template <std::uint32_t kBlock>
void withdrawn() {
  Ring<kBlock> ring;
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

void limited() {
  // Who may take only some indices leaves the others, and what is behind them.
  Ring<kOneBlock> ring;
  ring.push(1), ring.push(0);
  require(ring.ring.pop(ring.head, 1) == kNone, "the oldest is not below the limit");
  require(ring.pop() == 1, "it is still there");
  require(ring.ring.pop(ring.head, 1) == 0, "this one is");
}

const Model kModels[] = {
    {"ring: one pushes, one pops: in order", in_order<kOneBlock>, {.preemptions = 3}, 460},
    {"ring: two push: both are there", two_pushers<kOneBlock>, {.reduction = true}, 4},
    {"ring: two push, one pops", two_pushers_one_popper<kOneBlock>, {.preemptions = 3}, 430},
    {"ring: two pop: each one", two_poppers<kOneBlock>, {.reduction = true}, 4},
    {"ring: two pop and push back, two rounds", recycled<kOneBlock>, {.preemptions = 2}, 79'000},
    {"ring: two push, look and pop: a queue", both_sides<kOneBlock>, {.preemptions = 3}, 1'400},
    {"ring: two push and pop, one looks: a queue",
     a_third_looks<kOneBlock>,
     {.preemptions = 2},
     7'700},
    {"ring: a frozen pusher hides nobody's",
     frozen_pusher<kOneBlock>,
     {.preemptions = 3, .freezes = 1, .freezable = 1},
     750},
    {"ring: a frozen popper hides nobody's",
     frozen_popper<kOneBlock>,
     {.preemptions = 3, .freezes = 1, .freezable = 1},
     5'500},
    {"ring: a push that one heard of is seen", passed_on<kOneBlock>, {}, 4},
    {"ring: one's own push is seen", own_push<kOneBlock>, {.preemptions = 2}, 71},
    {"ring: withdrawn or popped", withdrawn<kOneBlock>, {.preemptions = 3}, 240},
    {"ring: popped below a limit", limited, {}, 1},
    {"blocks: one pushes, one pops: in order", in_order<kTwoBlocks>, {.preemptions = 3}, 410},
    {"blocks: two push, one pops", two_pushers_one_popper<kTwoBlocks>, {.preemptions = 3}, 7'200},
    {"blocks: two push, look and pop: a queue", both_sides<kTwoBlocks>, {.preemptions = 3}, 8'300},
    {"blocks: two push and pop, one looks: a queue",
     a_third_looks<kTwoBlocks>,
     {.preemptions = 2},
     36'000},
    {"blocks: a frozen pusher hides nobody's",
     frozen_pusher<kTwoBlocks>,
     {.preemptions = 3, .freezes = 1, .freezable = 1},
     3'000},
    {"blocks: a frozen popper hides nobody's",
     frozen_popper<kTwoBlocks>,
     {.preemptions = 3, .freezes = 1, .freezable = 1},
     14'500},
    {"blocks: one's own push is seen", own_push<kTwoBlocks>, {.preemptions = 2}, 250},
    {"blocks: withdrawn or popped", withdrawn<kTwoBlocks>, {.preemptions = 3}, 300},
    // Large: last, for the sake of the mutants.
    {"blocks: two pop and push back, two rounds",
     recycled<kTwoBlocks>,
     {.preemptions = 2, .stale_rereads = 0, .reorderings = 0},
     31'000},
};

const ModelSet kSet(kModels, {"executor/index_ring.h"});

}  // namespace
}  // namespace takt::model
