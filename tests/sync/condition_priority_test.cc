// SPDX-License-Identifier: Apache-2.0
// The chain from a waiter of a Condition to the owner of its mutex, by what it does: three
// SCHED_FIFO threads on one CPU. Low holds the mutex when high is notified; medium could run for
// ever.
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "takt/platform/this_thread.h"
#include "takt/platform/thread_id.h"
#include "takt/sync/condition.h"
#include "takt/sync/env.h"
#include "takt/sync/mutex.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::Status;
using takt::ThreadEnv;
using takt::platform::set_affinity;
using takt::platform::set_scheduling;
using takt::platform::thread_id;
using takt::test::wait_until_asleep;

/// The control: sleeps in the kernel and inherits nothing.
class PlainLock {
 public:
  void lock() noexcept {
    while (word_.exchange(1) != 0) ThreadEnv::wait(word_, 1, takt::kNever);
  }
  void unlock() noexcept {
    word_.store(0);
    ThreadEnv::wake(word_, 1);
  }

 private:
  ThreadEnv::Word word_{0};
};

/// And a condition that wakes, so that the waiter itself asks for the lock.
class PlainCondition {
 public:
  void wait(std::unique_lock<PlainLock>& lock) noexcept {
    const std::uint32_t seen = word_.load();
    lock.unlock();
    ThreadEnv::wait(word_, seen, takt::kNever);
    lock.lock();
  }
  void notify_one() noexcept {
    word_.fetch_add(1);
    ThreadEnv::wake(word_, 1);
  }

 private:
  ThreadEnv::Word word_{0};
};

enum class Event : std::uint32_t { none, high_has_the_lock, medium_has_run };

class Gate {
 public:
  void pass() noexcept {
    while (word_.load() == 0) ThreadEnv::wait(word_, 0, takt::kNever);
  }
  void open() noexcept {
    word_.store(1);
    ThreadEnv::wake(word_, 1);
  }

 private:
  ThreadEnv::Word word_{0};
};

template <class Body>
std::thread start_thread(int priority, const CpuSet& cpu, std::atomic<std::int32_t>& id,
                         const Body& body) {
  return std::thread([=, &id] {
    EXPECT_OK(set_affinity(cpu));
    EXPECT_OK(set_scheduling(takt::Fifo{.priority = priority}));
    id.store(thread_id());
    body();
  });
}

/// Which of the two comes first, when low notifies high and lets medium go with the lock held.
template <class Lock, class Condition>
Event first_event(const CpuSet& cpu) {
  Lock lock;
  Condition condition;
  bool ready = false;
  Gate low_gate;
  Gate medium_gate;
  std::atomic<Event> first{Event::none};
  const auto note = [&first](Event event) {
    Event none = Event::none;
    first.compare_exchange_strong(none, event);
  };
  std::array<std::atomic<std::int32_t>, 3> ids{};
  std::thread medium = start_thread(20, cpu, ids[1], [&] {
    medium_gate.pass();
    note(Event::medium_has_run);
  });
  std::thread high = start_thread(30, cpu, ids[2], [&] {
    std::unique_lock held(lock);
    if (!ready) condition.wait(held);  // asleep before anybody notifies
    note(Event::high_has_the_lock);
  });
  wait_until_asleep(ids[1]);
  wait_until_asleep(ids[2]);
  std::thread low = start_thread(10, cpu, ids[0], [&] {
    low_gate.pass();
    std::unique_lock held(lock);
    ready = true;
    condition.notify_one();  // high is moved to the lock: from here on low inherits
    medium_gate.open();      // medium preempts here, unless low has inherited
    held.unlock();           // high preempts here at the latest
  });
  low_gate.open();
  low.join();
  medium.join();
  high.join();
  return first.load();
}

/// Whether this process may use SCHED_FIFO; else the case is skipped.
Status allowed() {
  Status status = set_scheduling(takt::Fifo{.priority = 40});
  if (status.ok()) EXPECT_OK(set_scheduling(takt::Other{}));
  return status;
}

TEST(ConditionPriority, the_owner_inherits_from_who_is_notified) {
  if (const Status status = allowed(); !status.ok()) SKIP("%s", status.text());
  const CpuSet cpu = CpuSet::of(takt::platform::affinity()->first());
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ((first_event<takt::Mutex, takt::Condition>(cpu)), Event::high_has_the_lock,
              "round %d", round);
  }
  // The control shows that the arrangement would catch a condition without inheritance.
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ((first_event<PlainLock, PlainCondition>(cpu)), Event::medium_has_run, "round %d",
              round);
  }
}

/// The order in which waiters of these priorities come back, each noted by its priority.
template <class Notify>
std::array<int, 4> order_of(const std::array<int, 4>& priorities, const Notify& notify) {
  const CpuSet cpu = CpuSet::of(takt::platform::affinity()->first());
  takt::Mutex mutex;
  takt::Condition condition;
  std::array<int, 4> order{};
  std::size_t count = 0;
  std::array<std::atomic<std::int32_t>, 4> ids{};
  std::array<std::thread, 4> threads;
  for (std::size_t number = 0; number < threads.size(); ++number) {
    const int priority = priorities[number];
    threads[number] = start_thread(priority, cpu, ids[number], [&, priority] {
      std::unique_lock lock(mutex);
      condition.wait(lock);
      order[count++] = priority;
    });
    wait_until_asleep(ids[number]);
  }
  notify(mutex, condition);
  for (std::thread& thread : threads) thread.join();
  return order;
}

TEST(ConditionPriority, all_come_back_by_priority) {
  if (const Status status = allowed(); !status.ok()) SKIP("%s", status.text());
  constexpr std::array<int, 4> kSorted = {15, 14, 12, 11};
  const auto at_once = [](takt::Mutex& mutex, takt::Condition& condition) {
    const std::lock_guard lock(mutex);
    condition.notify_all();
  };
  EXPECT_TRUE(order_of({12, 15, 11, 14}, at_once) == kSorted);
}

// The mutex sorts whoever has been notified; this shows whom notify_one() itself takes.
TEST(ConditionPriority, notify_one_takes_the_highest) {
  if (const Status status = allowed(); !status.ok()) SKIP("%s", status.text());
  const CpuSet cpu = CpuSet::of(takt::platform::affinity()->first());
  takt::Mutex mutex;
  takt::Condition condition;
  std::atomic<int> last{0};
  std::array<std::atomic<std::int32_t>, 3> ids{};
  std::array<std::thread, 3> threads;
  constexpr std::array<int, 3> kPriorities = {11, 13, 12};
  for (std::size_t number = 0; number < threads.size(); ++number) {
    const int priority = kPriorities[number];
    threads[number] = start_thread(priority, cpu, ids[number], [&, priority] {
      std::unique_lock lock(mutex);
      condition.wait(lock);
      last.store(priority);
      last.notify_all();
    });
    wait_until_asleep(ids[number]);
  }
  int before = 0;
  for (const int priority : {13, 12, 11}) {
    condition.notify_one();
    last.wait(before);
    EXPECT_EQ(last.load(), priority);
    before = priority;
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
