// SPDX-License-Identifier: Apache-2.0
// Barriers used very often, broken at random moments, destroyed at once.
#include "takt/sync/barrier.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "takt/tests/stress/steps.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Barrier;
using takt::StatusCode;
using takt::test::Random;
using takt::test::steps;

/// Counts its calls in a plain variable: the thread sanitizer judges.
struct Count {
  void operator()() noexcept { ++*calls; }
  std::uint32_t* calls;
};

template <class AnyBarrier>
void reuse(std::uint32_t threads, std::uint32_t phases) {
  std::uint32_t calls = 0;
  AnyBarrier barrier(static_cast<std::ptrdiff_t>(threads), Count{&calls});
  std::atomic<std::uint32_t> wrong{0};
  std::vector<std::thread> parties;
  for (std::uint32_t party = 0; party < threads; ++party) {
    parties.emplace_back([&, party] {
      for (std::uint32_t phase = 1; phase <= phases; ++phase) {
        if (!barrier.arrive_and_wait().ok()) ++wrong;
        // Until the next arrival of this party nobody changes it.
        if (calls != phase) ++wrong;
        if (party == 0 && barrier.broken()) ++wrong;
      }
    });
  }
  for (std::thread& party : parties) party.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(calls, phases);
}

TEST(BarrierStress, a_million_phases_of_one) { reuse<Barrier<Count>>(1, 1'000'000); }
TEST(BarrierStress, a_million_phases_spinning) { reuse<Barrier<Count, 100>>(2, steps(1'000'000)); }
TEST_EACH(BarrierStress, many_phases, 2U, 3U, 4U, 7U) {
  reuse<Barrier<Count>>(param, steps(20'000));
}

// Each party waits with a time limit that is sometimes too short, or breaks it; all who waited for
// a phase must agree on how it ended. Between two rounds the main thread begins anew.
TEST_EACH(BarrierStress, each_phase_ends_the_same_way_for_all, 2U, 3U, 5U) {
  Barrier<> barrier(static_cast<std::ptrdiff_t>(param));
  std::atomic<std::uint32_t> wrong{0};
  std::uint32_t met_rounds = 0;
  std::uint32_t broken_rounds = 0;
  Barrier<> start(static_cast<std::ptrdiff_t>(param) + 1);
  Barrier<> end(static_cast<std::ptrdiff_t>(param) + 1);
  std::atomic<std::uint32_t> met{0};
  std::atomic<std::uint32_t> timed_out{0};
  std::vector<std::thread> parties;
  const std::uint32_t rounds = steps(5'000);
  for (std::uint32_t party = 0; party < param; ++party) {
    parties.emplace_back([&, party] {
      Random random(party);
      for (std::uint32_t round = 0; round < rounds; ++round) {
        if (!start.arrive_and_wait().ok()) ++wrong;
        if (random.one_in(50)) barrier.abort();
        const auto index = barrier.arrive_and_wait_for(
            std::chrono::nanoseconds(random.one_in(4) ? random.below(50'000) : 1'000'000'000));
        if (index.ok()) ++met;
        if (index.code() == StatusCode::timed_out) ++timed_out;
        if (!index.ok() && index.code() != StatusCode::timed_out &&
            index.code() != StatusCode::broken) {
          ++wrong;
        }
        if (!end.arrive_and_wait().ok()) ++wrong;
      }
    });
  }
  for (std::uint32_t round = 0; round < rounds; ++round) {
    if (!start.arrive_and_wait().ok()) ++wrong;
    if (!end.arrive_and_wait().ok()) ++wrong;
    const std::uint32_t well = met.exchange(0);
    if (well != 0 && well != param) ++wrong;
    if (timed_out.exchange(0) > (well == 0 ? 1U : 0U)) ++wrong;
    ++(well == 0 ? broken_rounds : met_rounds);
    if (barrier.broken()) barrier.reset();
  }
  for (std::thread& party : parties) party.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(met_rounds + broken_rounds, rounds);
}

// reset() while others come, wait and leave: nobody is left behind, no phase ends by less than all.
TEST(BarrierStress, resets_at_any_moment) {
  Barrier<> barrier(2);
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> met{0};
  std::vector<std::thread> parties;
  parties.reserve(2);
  for (int party = 0; party < 2; ++party) {
    parties.emplace_back([&] {
      while (!over.load()) {
        if (barrier.arrive_and_wait().ok()) ++met;
      }
      barrier.abort();  // the other one may wait
    });
  }
  for (std::uint32_t round = 0; round < steps(20'000); ++round) {
    barrier.reset();
    if (round % 16 == 0) std::this_thread::yield();
  }
  over.store(true);
  barrier.abort();
  for (std::thread& party : parties) party.join();
  EXPECT_EQ(met.load() % 2, 0U);
}

// The memory is scribbled over and used for the next barriers, while the arrival that released the
// last one is still on its way out.
TEST(BarrierStress, two_back_to_back_destroyed_by_who_leaves_last) {
  constexpr std::uint32_t kThreads = 3;
  struct Pair {
    Barrier<> first{kThreads};
    Barrier<> second{kThreads};
  };
  std::optional<Pair> pair;
  std::atomic<std::uint32_t> round_of_pair{0};
  std::atomic<std::uint32_t> left{0};
  std::atomic<std::uint32_t> wrong{0};
  pair.emplace();
  std::vector<std::thread> threads;
  const std::uint32_t rounds = steps(20'000);
  for (std::uint32_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (std::uint32_t round = 0; round < rounds; ++round) {
        while (round_of_pair.load() != round) std::this_thread::yield();
        if (!pair->first.arrive_and_wait().ok()) ++wrong;
        if (!pair->second.arrive_and_wait().ok()) ++wrong;
        if (left.fetch_add(1) + 1 == kThreads) {
          pair.reset();
          left.store(0);
          pair.emplace();
          round_of_pair.store(round + 1);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0U);
}

TEST(BarrierStress, destroyed_by_the_only_waiter) {
  const std::uint32_t rounds = steps(100'000);
  std::optional<Barrier<>> barrier;
  std::atomic<Barrier<>*> offered{nullptr};
  std::thread arriver([&] {
    for (std::uint32_t round = 0; round < rounds; ++round) {
      Barrier<>* taken = nullptr;
      while ((taken = offered.exchange(nullptr)) == nullptr) std::this_thread::yield();
      static_cast<void>(taken->arrive());
    }
  });
  std::uint32_t wrong = 0;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    barrier.emplace(2);
    offered.store(&*barrier);
    wrong += barrier->arrive_and_wait().ok() ? 0U : 1U;
    barrier.reset();
  }
  arriver.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
