// SPDX-License-Identifier: Apache-2.0
// The bounds of sync/rw_lock.h against streams that would starve somebody. What is counted is
// phases, never time: a writer that sees a reader wait must be the last one before it; a reader
// that is kept out because a writer waits must not get in twice before that writer.
#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "takt/sync/read_lock.h"
#include "takt/sync/rw_lock.h"
#include "takt/sync/write_lock.h"
#include "takt/tests/support/test.h"

#if defined(__clang__)  // locks in ways that the analysis cannot follow
#pragma clang diagnostic ignored "-Wthread-safety-analysis"
#endif

namespace {

using takt::Fairness;
using takt::ReadLock;
using takt::RwLock;
using takt::WriteLock;

using Fair = RwLock<>;
using ReadersFirst = RwLock<Fairness::reader_preferring>;
using WritersFirst = RwLock<Fairness::writer_preferring>;
using Spinning = RwLock<Fairness::phase_fair, 100>;

// Natively; on an emulator, where each takes so much longer, as many fewer.
int rounds() { return static_cast<int>(3'000 / takt::test::time_scale()); }
std::uint64_t proofs() { return static_cast<std::uint64_t>(200 / takt::test::time_scale()); }

constexpr int kOfEach = 3;

/// Now and then lets the others run in the middle of a critical section.
void work(std::uint64_t turn) {
  if (turn % 16 == 0) ::sched_yield();
}

/// A lock, what it guards, and what its users saw of each other.
template <class Lock>
struct Watched {
  Lock lock;
  std::uint64_t phases = 0;        ///< of writers, so far
  std::uint64_t seen_waiting = 0;  ///< the first of them that saw the only reader wait
  std::atomic<std::uint64_t> proofs{0};

  void write() {
    const WriteLock writing(lock);
    work(++phases);
    if (seen_waiting == 0 && lock.waiting_readers() != 0) seen_waiting = phases;
  }

  /// The only reader: nobody has come in between the writer that saw it wait and itself.
  void read_alone() {
    const ReadLock reading(lock);
    if (seen_waiting == 0) return;
    EXPECT_EQ(phases, seen_waiting);
    seen_waiting = 0;
    proofs.fetch_add(1);
  }

  /// One of several readers, which comes three times if a writer is kept waiting by it.
  void read_in_a_stream() {
    lock.lock_shared();
    const std::uint64_t before = phases;
    work(before);
    const bool kept_out = !lock.try_lock_shared();
    if (!kept_out) lock.unlock_shared();
    lock.unlock_shared();
    if (!kept_out) return;
    { const ReadLock admitted_as_the_gate_closes(lock); }
    const ReadLock reading(lock);
    EXPECT_GT(phases, before);
    proofs.fetch_add(1);
  }
};

/// Runs `body` on `count` threads until `over`.
template <class Body>
std::vector<std::thread> stream(int count, const std::atomic<bool>& over, const Body& body) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&over, &body] {
      while (!over.load(std::memory_order_relaxed)) body();
    });
  }
  return threads;
}

void end(std::vector<std::thread>& threads, std::atomic<bool>& over) {
  over.store(true);
  for (std::thread& thread : threads) thread.join();
}

TEST_TYPES(RwLockFairness, a_reader_waits_for_one_writer_of_a_stream, Fair, ReadersFirst,
           Spinning) {
  Watched<Type> watched;
  std::atomic<bool> over{false};
  const auto write = [&] { watched.write(); };
  std::vector<std::thread> writers = stream(kOfEach, over, write);
  // However long that takes: a reader that starves is a hang. It has to have been overtaken at all.
  for (int round = 0; round < rounds() || watched.proofs.load() < proofs(); ++round)
    watched.read_alone();
  end(writers, over);
  std::printf("%llu phases of writers, %llu times a writer saw the reader wait\n",
              static_cast<unsigned long long>(watched.phases),
              static_cast<unsigned long long>(watched.proofs.load()));
}

TEST_TYPES(RwLockFairness, a_writer_waits_for_one_phase_of_a_stream, Fair, WritersFirst, Spinning) {
  Watched<Type> watched;
  std::atomic<bool> over{false};
  const auto read = [&] { watched.read_in_a_stream(); };
  std::vector<std::thread> readers = stream(kOfEach, over, read);
  for (int round = 0; round < rounds() || watched.proofs.load() < proofs(); ++round)
    watched.write();
  end(readers, over);
  std::printf("%llu phases of writers, %llu times a reader was kept out\n",
              static_cast<unsigned long long>(watched.phases),
              static_cast<unsigned long long>(watched.proofs.load()));
}

// Both streams at once; one thread of each kind has a quota and must fulfil it.
TEST_TYPES(RwLockFairness, nobody_starves_between_two_streams, Fair, Spinning) {
  Watched<Type> watched;
  std::atomic<bool> over{false};
  const auto write = [&] { watched.write(); };
  const auto read = [&] { watched.read_in_a_stream(); };
  std::vector<std::thread> writers = stream(2, over, write);
  std::vector<std::thread> readers = stream(2, over, read);
  std::thread writer([&] {
    for (int round = 0; round < rounds(); ++round) watched.write();
  });
  for (int round = 0; round < rounds() || watched.proofs.load() < proofs(); ++round) {
    watched.read_in_a_stream();
  }
  writer.join();
  end(writers, over);
  end(readers, over);
  std::printf("%llu phases of writers, %llu times a reader was kept out\n",
              static_cast<unsigned long long>(watched.phases),
              static_cast<unsigned long long>(watched.proofs.load()));
}

}  // namespace
