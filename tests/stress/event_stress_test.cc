// SPDX-License-Identifier: Apache-2.0
// Events under pressure: no pulse is lost, no thread is left behind, whoever gives up or is
// interrupted.
#include "takt/sync/event.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/sync/semaphore.h"
#include "takt/tests/stress/signal_storm.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Reset;
using takt::StatusCode;
using takt::test::SignalStorm;
using takt::test::steps;
using Automatic = takt::Event<Reset::automatic>;
using Manual = takt::Event<Reset::manual>;

constexpr int kMany = 64;  // threads, on however few CPUs

// One event that is set goes round among many: each that takes it sets it anew.
TEST(EventStress, an_automatic_one_excludes_many) {
  const std::uint32_t rounds = steps(5'000);
  Automatic event;
  event.set();
  std::uint64_t sum = 0;  // plain: who has the event has the sum
  std::vector<std::thread> threads;
  threads.reserve(kMany);
  for (int i = 0; i < kMany; ++i) {
    threads.emplace_back([&, rounds, hasty = i % 2 == 0] {
      for (std::uint32_t round = 0; round < rounds; ++round) {
        while (hasty && !event.wait_for(1us).ok()) {
        }
        if (!hasty) event.wait();
        ++sum;
        event.set();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, std::uint64_t{kMany} * rounds);
  EXPECT_TRUE(event.try_wait());
  EXPECT_FALSE(event.try_wait());
}

// Two gates in turn: when all have come to one, the other is closed and this one opened.
TEST(EventStress, a_manual_one_lets_all_of_many_pass) {
  const std::uint32_t rounds = steps(2'000);
  Manual gates[2];
  takt::Semaphore arrived(0);
  std::array<std::uint64_t, kMany> passed{};
  std::vector<std::thread> threads;
  threads.reserve(kMany);
  for (std::uint64_t& mine : passed) {
    threads.emplace_back([&, rounds] {
      for (std::uint32_t round = 0; round < rounds; ++round) {
        arrived.release();
        gates[round % 2].wait();
        ++mine;
      }
    });
  }
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kMany; ++i) arrived.acquire();
    for (const std::uint64_t mine : passed) EXPECT_EQ(mine, round);
    gates[(round + 1) % 2].reset();
    gates[round % 2].set();
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::uint64_t mine : passed) EXPECT_EQ(mine, rounds);
}

TEST(EventStress, goes_on_under_a_storm_of_signals) {
  const std::uint32_t rounds = steps(20'000);
  Automatic ping;
  Manual pong;
  SignalStorm storm(50us);
  std::thread other([&, rounds] {
    const SignalStorm::Target target(storm);
    for (std::uint32_t round = 0; round < rounds; ++round) {
      ping.wait();
      pong.set();
    }
  });
  {
    const SignalStorm::Target target(storm);
    for (std::uint32_t round = 0; round < rounds; ++round) {
      ping.set();
      pong.wait();
      pong.reset();
    }
    while (storm.delivered() < 100) {
      const takt::TimePoint start = takt::now();
      EXPECT_EQ(ping.wait_for(200us).code(), StatusCode::timed_out);
      EXPECT_EQ(pong.wait_for(200us).code(), StatusCode::timed_out);
      EXPECT_GE(takt::now(), start + 400us);
    }
  }
  other.join();
  EXPECT_FALSE(ping.is_set());
}

}  // namespace
