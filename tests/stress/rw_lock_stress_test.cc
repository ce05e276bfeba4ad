// SPDX-License-Identifier: Apache-2.0
// Readers and writers under pressure: exclusion holds and nobody is left behind, whoever gives up
// or is interrupted.
#include "takt/sync/rw_lock.h"

#include <sched.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/tests/stress/signal_storm.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/test.h"

#if defined(__clang__)  // locks in ways that the analysis cannot follow
#pragma clang diagnostic ignored "-Wthread-safety-analysis"
#endif

namespace {

using namespace std::chrono_literals;
using takt::Fairness;
using takt::RwLock;
using takt::test::SignalStorm;
using takt::test::steps;

using Fair = RwLock<>;
using ReadersFirst = RwLock<Fairness::reader_preferring>;
using WritersFirst = RwLock<Fairness::writer_preferring>;
using Spinning = RwLock<Fairness::phase_fair, 50>;

/// A lock and two plain values that are equal whenever nobody writes; the thread sanitizer judges
/// as well.
template <class Lock>
struct Guarded {
  Lock lock;
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  void raise() {
    EXPECT_EQ(first, second);
    if (++first % 64 == 0) ::sched_yield();  // who should be kept out gets the time to come in
    ++second;
  }
  void look(std::uint64_t& last) {
    const std::uint64_t seen = first;
    if (seen % 16 == 0) ::sched_yield();  // as in raise()
    EXPECT_EQ(seen, second);
    EXPECT_GE(seen, last);  // each reader sees the writes in order
    last = seen;
  }
  bool write(std::uint32_t round) {
    // Each form in turn.
    const bool mine = round % 4 == 0   ? lock.try_lock()
                      : round % 4 == 1 ? lock.try_lock_for(20us)
                      : round % 4 == 2 ? lock.try_lock_until(std::chrono::system_clock::now() + 1s)
                                       : (lock.lock(), true);
    if (!mine) return false;
    raise();
    lock.unlock();
    return true;
  }
  void read(std::uint32_t round, std::uint64_t& last) {
    const bool mine = round % 3 == 0   ? lock.try_lock_shared()
                      : round % 3 == 1 ? lock.try_lock_shared_for(20us)
                                       : (lock.lock_shared(), true);
    if (!mine) return;
    look(last);
    lock.unlock_shared();
  }
};

TEST_TYPES(RwLockStress, excludes_in_every_form, Fair, ReadersFirst, WritersFirst, Spinning) {
  const std::uint32_t rounds = steps(20'000);
  Guarded<Type> guarded;
  std::array<std::uint64_t, 3> written{};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (std::uint64_t& mine : written) {
    threads.emplace_back([&, rounds] {
      for (std::uint32_t round = 0; round < rounds; ++round) mine += guarded.write(round) ? 1U : 0U;
    });
  }
  for (int reader = 0; reader < 4; ++reader) {
    threads.emplace_back([&, rounds] {
      std::uint64_t last = 0;
      for (std::uint32_t round = 0; round < rounds; ++round) guarded.read(round, last);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(guarded.first, written[0] + written[1] + written[2]);
  EXPECT_EQ(guarded.lock.waiting_readers(), 0);
  EXPECT_TRUE(guarded.lock.try_lock());
  guarded.lock.unlock();
}

// Writers and readers that give up at once stand between patient ones: each withdrawal frees whom
// it kept out, else the patient ones hang.
// Phase-fair only: where one side goes first, a stream of it starves the other, by design; see
// below for these.
TEST_TYPES(RwLockStress, nobody_is_left_behind_by_who_gives_up, Fair) {
  const std::uint32_t rounds = steps(20'000);
  Guarded<Type> guarded;
  std::atomic<bool> over{false};
  std::vector<std::thread> hasty;
  hasty.reserve(8);
  for (int i = 0; i < 2; ++i) {
    hasty.emplace_back([&] {
      while (!over.load()) {
        if (guarded.lock.try_lock_for(1us)) guarded.lock.unlock();
      }
    });
    hasty.emplace_back([&] {
      while (!over.load()) {
        if (guarded.lock.try_lock_shared_for(1us)) guarded.lock.unlock_shared();
      }
    });
  }
  std::vector<std::thread> patient;
  patient.emplace_back([&, rounds] {
    for (std::uint32_t round = 0; round < rounds; ++round) {
      guarded.lock.lock();
      guarded.raise();
      guarded.lock.unlock();
    }
  });
  for (int i = 0; i < 2; ++i) {
    patient.emplace_back([&, rounds] {
      std::uint64_t last = 0;
      for (std::uint32_t round = 0; round < rounds; ++round) {
        guarded.lock.lock_shared();
        guarded.look(last);
        guarded.lock.unlock_shared();
      }
    });
  }
  for (std::thread& thread : patient) thread.join();
  over.store(true);
  for (std::thread& thread : hasty) thread.join();
  EXPECT_EQ(guarded.first, rounds);
}

// A stream of readers may keep a writer out for as long as it lasts. Once it pauses the writer gets
// in, whoever gives up beside it: else it was not starved but forgotten, and this test hangs. The
// readers resume when they have seen the writer pass.
TEST_TYPES(RwLockStress, a_pause_of_the_readers_lets_the_writer_in, Fair, ReadersFirst,
           WritersFirst) {
  const std::uint32_t rounds = steps(2'000);
  Guarded<Type> guarded;
  std::atomic<std::uint32_t> wanted{0};  // writes that have begun
  std::atomic<std::uint32_t> passed{0};  // … and ended
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (std::uint32_t reader = 0; reader < 3; ++reader) {
    threads.emplace_back([&, reader] {
      std::uint64_t last = 0;
      for (std::uint32_t round = reader; !over.load(); ++round) {
        for (int i = 0; i < 8; ++i) guarded.read(round, last);
        const std::uint32_t write = wanted.load();
        while (passed.load() < write && !over.load()) ::sched_yield();  // the pause
      }
    });
  }
  threads.emplace_back([&] {
    while (!over.load()) {
      if (guarded.lock.try_lock_for(1us)) guarded.lock.unlock();  // gives up, and withdraws
    }
  });
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    wanted.store(round);
    guarded.lock.lock();
    guarded.raise();
    guarded.lock.unlock();
    passed.store(round);
  }
  over.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(guarded.first, rounds);
  EXPECT_EQ(guarded.lock.waiting_readers(), 0);
}

TEST_TYPES(RwLockStress, goes_on_under_a_storm_of_signals, Fair, ReadersFirst, WritersFirst) {
  const std::uint32_t rounds = steps(20'000);
  Guarded<Type> guarded;
  SignalStorm storm(50us);
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, rounds] {
      const SignalStorm::Target target(storm);
      for (std::uint32_t round = 0; round < rounds || storm.delivered() < 100; ++round) {
        guarded.write(round);
      }
    });
    threads.emplace_back([&, rounds] {
      const SignalStorm::Target target(storm);
      std::uint64_t last = 0;
      for (std::uint32_t round = 0; round < rounds || storm.delivered() < 100; ++round) {
        guarded.read(round, last);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(guarded.first, guarded.second);
  EXPECT_TRUE(guarded.lock.try_lock());
  guarded.lock.unlock();
}

}  // namespace
