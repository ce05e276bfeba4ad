// SPDX-License-Identifier: Apache-2.0
// Priority inheritance, by what it does: three SCHED_FIFO threads on one CPU (the Mars Pathfinder
// arrangement). Low holds the lock that high wants; medium could run for ever.
#include <sched.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "takt/platform/this_thread.h"
#include "takt/platform/thread_id.h"
#include "takt/sync/env.h"
#include "takt/sync/mutex.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::Mutex;
using takt::Status;
using takt::platform::set_affinity;
using takt::platform::set_scheduling;
using takt::platform::thread_id;
using takt::test::wait_until_asleep;

/// The control: a lock that sleeps in the kernel and inherits nothing.
class PlainLock {
 public:
  void lock() noexcept {
    while (word_.exchange(1) != 0) takt::ThreadEnv::wait(word_, 1, takt::kNever);
  }
  void unlock() noexcept {
    word_.store(0);
    takt::ThreadEnv::wake(word_, 1);
  }

 private:
  takt::ThreadEnv::Word word_{0};
};

enum class Event : std::uint32_t { none, high_has_the_lock, medium_has_run };

/// A thread of this priority on `cpu`, after `gate` opens.
template <class Body>
std::thread start_thread(int priority, const CpuSet& cpu, std::atomic<std::int32_t>& id,
                         takt::ThreadEnv::Word& gate, const Body& body) {
  return std::thread([=, &id, &gate] {
    EXPECT_OK(set_affinity(cpu));
    EXPECT_OK(set_scheduling(takt::Fifo{.priority = priority}));
    id.store(thread_id());
    while (gate.load() == 0) takt::ThreadEnv::wait(gate, 0, takt::kNever);
    body();
  });
}

void open(takt::ThreadEnv::Word& gate) {
  gate.store(1);
  takt::ThreadEnv::wake(gate, 1);
}

/// Which of the two came first, when low lets medium and high go while it holds the lock.
template <class Lock>
Event first_event(const CpuSet& cpu) TAKT_NO_THREAD_SAFETY_ANALYSIS {
  Lock lock;
  std::atomic<Event> first{Event::none};
  const auto note = [&first](Event event) {
    Event none = Event::none;
    first.compare_exchange_strong(none, event);
  };
  std::array<std::atomic<std::int32_t>, 3> ids{};
  std::array<takt::ThreadEnv::Word, 3> gates{};
  std::thread medium =
      start_thread(20, cpu, ids[1], gates[1], [&] { note(Event::medium_has_run); });
  std::thread high = start_thread(30, cpu, ids[2], gates[2], [&]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    lock.lock();
    note(Event::high_has_the_lock);
    lock.unlock();
  });
  wait_until_asleep(ids[1]);
  wait_until_asleep(ids[2]);
  std::thread low = start_thread(10, cpu, ids[0], gates[0], [&]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    lock.lock();
    open(gates[2]);  // high preempts here, and blocks on the lock
    open(gates[1]);  // medium preempts here, unless this thread has inherited
    lock.unlock();   // high preempts here at the latest
  });
  open(gates[0]);
  low.join();
  medium.join();
  high.join();
  return first.load();
}

TEST(MutexPriority, no_medium_thread_comes_between) {
  if (const Status status = set_scheduling(takt::Fifo{.priority = 40}); !status.ok()) {
    SKIP("%s", status.text());
  }
  ASSERT_OK(set_scheduling(takt::Other{}));
  const CpuSet cpu = CpuSet::of(takt::platform::affinity()->first());
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(first_event<Mutex>(cpu), Event::high_has_the_lock, "round %d", round);
  }
  // The control shows that the arrangement would catch a lock without inheritance.
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(first_event<PlainLock>(cpu), Event::medium_has_run, "round %d", round);
  }
}

TEST(MutexPriority, the_waiter_of_highest_priority_is_next) {
  if (const Status status = set_scheduling(takt::Fifo{.priority = 40}); !status.ok()) {
    SKIP("%s", status.text());
  }
  ASSERT_OK(set_scheduling(takt::Other{}));
  const CpuSet cpu = CpuSet::of(takt::platform::affinity()->first());
  Mutex mutex;
  std::array<std::atomic<int>, 4> order{};
  std::atomic<std::uint32_t> count{0};
  std::array<std::atomic<std::int32_t>, 4> ids{};
  takt::ThreadEnv::Word open_gate{1};
  std::array<std::thread, 4> threads;
  constexpr std::array<int, 4> kPriorities = {12, 15, 11, 14};
  constexpr std::array<int, 4> kSorted = {15, 14, 12, 11};
  mutex.lock();
  for (std::size_t number = 0; number < threads.size(); ++number) {
    const int priority = kPriorities[number];
    threads[number] = start_thread(priority, cpu, ids[number], open_gate,
                                   [&, priority]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
                                     mutex.lock();
                                     order[count.fetch_add(1)].store(priority);
                                     mutex.unlock();
                                   });
    wait_until_asleep(ids[number]);
  }
  mutex.unlock();
  for (std::thread& thread : threads) thread.join();
  for (std::size_t place = 0; place < order.size(); ++place) {
    EXPECT_EQ(order[place].load(), kSorted[place]);
  }
}

}  // namespace
