// SPDX-License-Identifier: Apache-2.0
// Permits under pressure: none is lost or made up, whoever gives up, is interrupted or overtaken.
#include "takt/sync/semaphore.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/tests/stress/signal_storm.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Semaphore;
using takt::test::SignalStorm;
using takt::test::steps;

constexpr int kMany = 64;  // threads, on however few CPUs

TEST(SemaphoreStress, many_threads_share_few_permits) {
  constexpr std::int64_t kPermits = 3;
  const std::uint32_t rounds = steps(20'000);
  Semaphore semaphore(kPermits);
  std::atomic<std::int64_t> inside{0};
  std::atomic<std::int64_t> most{0};
  std::array<std::uint64_t, kMany> entered{};
  std::vector<std::thread> threads;
  threads.reserve(kMany);
  for (std::uint64_t& mine : entered) {
    threads.emplace_back([&, rounds] {
      for (std::uint32_t round = 0; round < rounds; ++round) {
        semaphore.acquire();
        const std::int64_t with_me = inside.fetch_add(1) + 1;
        std::int64_t seen = most.load();
        while (seen < with_me && !most.compare_exchange_weak(seen, with_me)) {
        }
        ++mine;
        inside.fetch_sub(1);
        semaphore.release();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), kPermits);
  for (const std::uint64_t mine : entered) EXPECT_EQ(mine, rounds);
  for (int i = 0; i < kPermits; ++i) EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire());
}

// Half of the takers give up after next to no time: what they leave, the patient ones get.
TEST(SemaphoreStress, permits_are_conserved_beside_time_outs) {
  const std::uint32_t permits = steps(500'000);  // twice that many may wait at once, below max()
  Semaphore semaphore(0);
  std::atomic<bool> over{false};
  std::vector<std::thread> hasty;
  hasty.reserve(3);
  for (int i = 0; i < 3; ++i) {
    hasty.emplace_back([&] {
      while (!over.load()) {
        if (semaphore.try_acquire_for(1us)) semaphore.release();  // back, for the patient
      }
    });
  }
  std::vector<std::thread> patient;
  patient.reserve(2);
  for (int i = 0; i < 2; ++i) {
    patient.emplace_back([&, permits] {
      for (std::uint32_t taken = 0; taken < permits; ++taken) semaphore.acquire();
    });
  }
  for (std::uint32_t released = 0; released < permits; ++released) semaphore.release(2);
  for (std::thread& thread : patient) thread.join();
  over.store(true);
  for (std::thread& thread : hasty) thread.join();
  EXPECT_FALSE(semaphore.try_acquire());
}

// Ping-pong between threads that a signal interrupts every 50 us.
TEST(SemaphoreStress, goes_on_under_a_storm_of_signals) {
  const std::uint32_t rounds = steps(20'000);
  Semaphore ping(0);
  Semaphore pong(0);
  SignalStorm storm(50us);
  std::thread other([&, rounds] {
    const SignalStorm::Target target(storm);
    for (std::uint32_t round = 0; round < rounds; ++round) {
      ping.acquire();
      pong.release();
    }
  });
  {
    const SignalStorm::Target target(storm);
    for (std::uint32_t round = 0; round < rounds; ++round) {
      ping.release();
      pong.acquire();
    }
    while (storm.delivered() < 100) {
      const takt::TimePoint start = takt::now();
      EXPECT_FALSE(ping.try_acquire_for(200us));
      EXPECT_GE(takt::now(), start + 200us);
    }
  }
  other.join();
  EXPECT_FALSE(ping.try_acquire());
  EXPECT_FALSE(pong.try_acquire());
}

}  // namespace
