// SPDX-License-Identifier: Apache-2.0
// The checker's self-test, part five: which histories are linearizable, and what a history records.
#include "takt/tests/model/linearizability.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "takt/tests/model/model.h"
#include "takt/tests/model/prove.h"
#include "takt/tests/model/queue_specification.h"

namespace takt::model {
namespace {

using Calls = History<QueueCall>;
constexpr int kEmpty = -1;

QueueCall pushed(int value) { return {QueueCall::Kind::push, true, value}; }
QueueCall refused(int value) { return QueueCall::push(value); }
QueueCall looked(bool found) { return {QueueCall::Kind::look, found, 0}; }
QueueCall popped(int value) { return {QueueCall::Kind::pop, value != kEmpty, std::max(value, 0)}; }

/// A call that lasts from one instant to another; kPending: for ever.
struct Timed {
  QueueCall call;
  int begin;
  int end;
};
constexpr int kPending = 1000;

Calls history(const std::vector<Timed>& timed) {
  Calls calls;
  for (const Timed& one : timed) {
    Calls::CallSet before = 0;
    for (std::size_t i = 0; i < timed.size(); ++i) {
      if (timed[i].end < one.begin) before |= Calls::CallSet{1} << i;
    }
    calls.add({one.call, 1, one.end != kPending, before, 0});
  }
  return calls;
}

template <std::size_t kCapacity = 4>
bool linearizable(const std::vector<Timed>& timed, QueueRefusals spurious = {}) {
  return is_linearizable(history(timed), QueueSpecification<kCapacity>(spurious));
}

TEST(Linearizability, calls_in_a_row) {
  EXPECT_TRUE(linearizable({}));
  EXPECT_TRUE(linearizable({{pushed(1), 0, 1}, {pushed(2), 2, 3}, {popped(1), 4, 5}}));
  EXPECT_FALSE(linearizable({{pushed(1), 0, 1}, {pushed(2), 2, 3}, {popped(2), 4, 5}}));
  EXPECT_FALSE(linearizable({{popped(1), 0, 1}, {pushed(1), 2, 3}}));
  EXPECT_FALSE(linearizable({{pushed(1), 0, 1}, {popped(1), 2, 3}, {popped(1), 4, 5}}));
  EXPECT_FALSE(linearizable({{pushed(1), 0, 1}, {popped(kEmpty), 2, 3}}));
  EXPECT_TRUE(linearizable({{looked(false), 0, 1}, {pushed(1), 2, 3}, {looked(true), 4, 5}}));
  EXPECT_FALSE(linearizable({{looked(true), 0, 1}}));
  EXPECT_FALSE(linearizable({{pushed(1), 0, 1}, {looked(false), 2, 3}}));
  EXPECT_FALSE(linearizable<1>({{pushed(1), 0, 1}, {pushed(2), 2, 3}}));
  EXPECT_TRUE(linearizable<1>({{pushed(1), 0, 1}, {refused(2), 2, 3}}));
  EXPECT_FALSE(linearizable<2>({{pushed(1), 0, 1}, {refused(2), 2, 3}}));
}

TEST(Linearizability, calls_that_overlap) {
  // Two that overlap may have either order, but one order for all.
  EXPECT_TRUE(linearizable({{pushed(1), 0, 3}, {pushed(2), 1, 2}, {popped(2), 4, 5}}));
  EXPECT_TRUE(
      linearizable({{pushed(1), 0, 3}, {pushed(2), 1, 2}, {popped(2), 4, 5}, {popped(1), 6, 7}}));
  EXPECT_FALSE(linearizable({{pushed(1), 0, 3},
                             {pushed(2), 1, 2},
                             {pushed(3), 4, 5},
                             {popped(2), 6, 7},
                             {popped(3), 8, 9}}));
  EXPECT_TRUE(linearizable({{pushed(1), 0, 2}, {popped(kEmpty), 1, 3}}));
  EXPECT_FALSE(linearizable({{pushed(1), 0, 1}, {pushed(2), 2, 4}, {popped(kEmpty), 3, 5}}));
  // Each pair of threads agrees, all together do not: Herlihy and Wing's example of two queues in
  // one. 1 before 2 by who pushed, 2 before 1 by who popped.
  EXPECT_FALSE(
      linearizable({{pushed(1), 0, 1}, {pushed(2), 2, 3}, {popped(2), 4, 7}, {popped(1), 8, 9}}));
}

TEST(Linearizability, calls_that_do_not_return) {
  EXPECT_TRUE(linearizable({{pushed(1), 0, kPending}, {popped(kEmpty), 1, 2}}));
  EXPECT_TRUE(linearizable({{pushed(1), 0, kPending}, {popped(1), 1, 2}}));
  EXPECT_TRUE(linearizable({{pushed(1), 0, kPending}, {popped(kEmpty), 1, 2}, {popped(1), 3, 4}}));
  EXPECT_FALSE(linearizable({{pushed(1), 0, kPending}, {popped(1), 1, 2}, {popped(1), 3, 4}}));
  EXPECT_FALSE(linearizable({{popped(1), 0, 1}, {pushed(1), 2, kPending}}));
  EXPECT_TRUE(linearizable({{pushed(1), 0, 1}, {popped(0), 2, kPending}, {popped(kEmpty), 3, 4}}));
}

TEST(Linearizability, spurious_refusals) {
  const std::vector<Timed> empty = {{pushed(1), 0, 1}, {pushed(2), 2, 4}, {popped(kEmpty), 3, 5}};
  EXPECT_FALSE(linearizable(empty));
  EXPECT_FALSE(linearizable(empty, {.empty_while_popping = true}));
  EXPECT_TRUE(linearizable(empty, {.empty_while_pushing = true}));
  const std::vector<Timed> too_late = {
      {pushed(1), 0, 1}, {pushed(2), 2, 3}, {popped(kEmpty), 4, 5}};
  EXPECT_FALSE(linearizable(too_late, {.empty_while_pushing = true}));
  const std::vector<Timed> full = {{pushed(1), 0, 1}, {popped(1), 2, 4}, {refused(2), 5, 6}};
  EXPECT_FALSE(linearizable<1>(full, {.full_while_popping = true}));
  const std::vector<Timed> pending = {
      {pushed(1), 0, 1}, {popped(1), 2, 3}, {popped(0), 4, kPending}, {refused(2), 5, 6}};
  EXPECT_FALSE(linearizable<1>(pending));
  EXPECT_TRUE(linearizable<1>(pending, {.full_while_popping = true}));
}

/// By the definition: every order of the calls.
bool by_all_orders(const Calls& calls) {
  std::vector<int> order(static_cast<std::size_t>(calls.count()));
  std::iota(order.begin(), order.end(), 0);
  do {
    QueueSpecification<2> queue;
    bool fits = true;
    for (std::size_t i = 0; fits && i < order.size(); ++i) {
      for (std::size_t k = i + 1; k < order.size(); ++k) {
        fits = fits && !calls.is_before(order[k], order[i]);
      }
      using Around = Linearization<QueueSpecification<2>, Calls>::Around;
      fits = fits && queue.apply(calls[order[i]].call, Around(calls, order[i]));
    }
    if (fits) return true;
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

TEST(Linearizability, agrees_with_the_definition) {
  std::mt19937_64 random(test::seed());
  const auto below = [&](int bound) {
    return static_cast<int>(random() % static_cast<std::uint64_t>(bound));
  };
  int verdicts[2] = {};
  for (int round = 0; round < 4'000; ++round) {
    std::vector<Timed> timed;
    for (int i = 0; i < 5; ++i) {
      const int begin = below(10);
      const QueueCall call =
          below(2) == 0 ? QueueCall{QueueCall::Kind::push, below(4) != 0, i} : popped(below(6) - 1);
      timed.push_back({call, begin, begin + 1 + below(6)});
    }
    const bool expected = by_all_orders(history(timed));
    ++verdicts[expected ? 1 : 0];
    EXPECT_EQ(linearizable<2>(timed), expected, "round %d", round);
  }
  EXPECT_GT(verdicts[0], 100);
  EXPECT_GT(verdicts[1], 100);
}

/// A "queue" that refuses all pops: told of the push, the popper may not say empty.
Report told(std::memory_order store, std::memory_order load) {
  return explore({}, [=] {
    Atomic<std::uint32_t> said;
    Calls calls;
    concurrently(
        [&] {
          calls.record(QueueCall::push(1), [](QueueCall& call) { call.done = true; });
          said.store(1, store);
        },
        [&] {
          if (said.load(load) == 1) calls.record(QueueCall::pop(), [](QueueCall&) {});
        });
    require_linearizable(calls, QueueSpecification<1>());
  });
}

TEST(Linearizability, before_means_happens_before) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const Report report = told(std::memory_order_release, std::memory_order_acquire);
  EXPECT_EQ(report.failure, "not linearizable; 0: T1 push(1); 1: T2 pop: empty, after 0");
  EXPECT_FALSE(told(std::memory_order_relaxed, std::memory_order_acquire).failed);
  EXPECT_FALSE(told(std::memory_order_release, std::memory_order_relaxed).failed);
}

TEST(Linearizability, a_frozen_call_is_unfinished) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const Report report = explore({.freezes = 1, .freezable = 1}, [] {
    Atomic<std::uint32_t> cell;
    Calls calls;
    concurrently(
        [&] {
          calls.record(QueueCall::push(1), [&](QueueCall& call) {
            cell.store(1, std::memory_order_relaxed);
            cell.store(2, std::memory_order_relaxed);
            call.done = true;
          });
        },
        [&] {
          calls.record(QueueCall::pop(), [&](QueueCall& call) {
            call.done = cell.load(std::memory_order_relaxed) != 0;
            call.value = 1;
          });
        });
    require_linearizable(calls, QueueSpecification<1>());
  });
  EXPECT_FALSE(report.failed, "%s", report.failure.c_str());
  EXPECT_GT(report.freezes, 0U);
}

}  // namespace
}  // namespace takt::model
