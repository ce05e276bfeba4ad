// SPDX-License-Identifier: Apache-2.0
// Ranked locks under pressure: what is in order is never reported, whoever waits for whom; a cycle
// always is, whoever closes it.
#include "takt/sync/lock_order.h"

#include <sched.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "takt/sync/latch.h"
#include "takt/sync/lock_guard.h"
#include "takt/sync/mutex.h"
#include "takt/sync/recursive_mutex.h"
#include "takt/sync/rw_lock.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/child.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

#if defined(__clang__)  // locks in ways that the analysis cannot follow
#pragma clang diagnostic ignored "-Wthread-safety-analysis"
#endif

namespace {

using takt::Latch;
using takt::LockGuard;
using takt::Mutex;
using takt::Ranked;
using takt::RecursiveMutex;
using takt::RwLock;
using takt::test::Random;
using takt::test::steps;

/// Plain counters, each under one lock: the thread sanitizer judges as well.
struct Plant {
  Ranked<Mutex> axes{"axes", 1};
  Ranked<RecursiveMutex> tools{"tools", 2};
  Ranked<RwLock<>> parameters{"parameters", 3};
  Ranked<Mutex> first{"first"};  // without a rank: only cycles are looked for
  Ranked<Mutex> second{"second"};
  std::array<std::uint64_t, 5> counts{};

  void ascend(std::uint64_t choice) {
    std::optional<LockGuard<Ranked<Mutex>>> axes_held;
    std::optional<LockGuard<Ranked<RecursiveMutex>>> tools_held;
    if ((choice & 1U) != 0) {
      axes_held.emplace(axes);
      ++counts[0];
    }
    if ((choice & 2U) != 0) {
      tools_held.emplace(tools);
      const LockGuard again(tools);
      ++counts[1];
    }
    if ((choice & 4U) != 0) {
      const LockGuard writing(parameters);
      ++counts[2];
    } else {
      const std::shared_lock reading(parameters);
      seen = counts[2] > seen ? counts[2] : seen.load();
    }
    const LockGuard one(first);
    if (++counts[3] % 16 == 0) ::sched_yield();  // the others run into what is held, and wait
    const LockGuard other(second);
    ++counts[4];
  }
  /// Against the order, without waiting.
  void attempt() {
    const LockGuard held(second);
    ++counts[4];
    if (axes.try_lock()) {
      ++counts[0];
      axes.unlock();
      attempts.fetch_add(1);
    }
  }

  std::atomic<std::uint64_t> seen{0};
  std::atomic<std::uint64_t> attempts{0};
};

TEST(LockOrderStress, what_is_in_order_is_never_reported) {
  constexpr std::size_t kThreads = 6;
  const std::uint32_t rounds = steps(20'000);
  Plant plant;
  std::array<std::array<std::uint64_t, 3>, kThreads> mine{};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      Random random(thread);
      for (std::uint32_t round = 0; round < rounds; ++round) {
        const std::uint64_t choice = random.below(8);
        plant.ascend(choice);
        for (std::size_t i = 0; i < 3; ++i) mine[thread][i] += (choice >> i) & 1U;
        plant.attempt();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::array<std::uint64_t, 3> sums{};
  for (const auto& counts : mine) {
    for (std::size_t i = 0; i < 3; ++i) sums[i] += counts[i];
  }
  EXPECT_EQ(plant.counts[0], sums[0] + plant.attempts.load());
  EXPECT_EQ(plant.counts[1], sums[1]);
  EXPECT_EQ(plant.counts[2], sums[2]);
  EXPECT_EQ(plant.counts[3], kThreads * rounds);
  EXPECT_EQ(plant.counts[4], 2 * kThreads * rounds);
}

// Threads in a ring, each with one lock, want the next one's all at once; others come and go.
TEST_EACH(LockOrderStress, a_cycle_is_always_found, 2, 3, 5) {
  const std::uint32_t rounds = steps(30) + 3;
  const auto size = static_cast<std::size_t>(param);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const takt::test::ChildOutcome outcome = takt::test::run_in_child([size] {
      std::array<std::optional<Ranked<Mutex>>, 5> locks;
      for (auto& lock : locks) lock.emplace("one of a ring");
      Latch all_hold(static_cast<std::ptrdiff_t>(size));
      std::vector<std::thread> threads;
      threads.reserve(size + 1);
      for (std::size_t i = 0; i < size; ++i) {
        threads.emplace_back([&, i] {
          const LockGuard held(*locks[i]);
          all_hold.arrive_and_wait();
          const LockGuard wanted(*locks[(i + 1) % size]);
        });
      }
      threads.emplace_back([&] {
        for (;;) {
          if (locks[0]->try_lock()) locks[0]->unlock();
        }
      });
      for (std::thread& thread : threads) thread.join();
    });
    EXPECT_TRUE(outcome.killed_by(SIGABRT));
    EXPECT_TRUE(outcome.output.find("wait-for cycle: thread ") != std::string::npos, "\"%s\"",
                outcome.output.c_str());
  }
}

}  // namespace
