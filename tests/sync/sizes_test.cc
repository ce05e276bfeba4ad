// SPDX-License-Identifier: Apache-2.0
// What each primitive occupies: a change of layout has to say so, here and in sync/README.md. No
// configuration changes any (sanitizers, NDEBUG, optimisation), only the architecture.
#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "takt/sync/barrier.h"
#include "takt/sync/bounded_queue.h"
#include "takt/sync/broadcast_queue.h"
#include "takt/sync/condition.h"
#include "takt/sync/event.h"
#include "takt/sync/latch.h"
#include "takt/sync/latest_value.h"
#include "takt/sync/lock_order.h"
#include "takt/sync/mpmc_queue.h"
#include "takt/sync/mutex.h"
#include "takt/sync/priority_queue.h"
#include "takt/sync/process_mutex.h"
#include "takt/sync/recursive_mutex.h"
#include "takt/sync/rw_lock.h"
#include "takt/sync/semaphore.h"
#include "takt/sync/seq_lock.h"
#include "takt/sync/spsc_queue.h"
#include "takt/tests/support/test.h"

namespace {

using Item = std::uint32_t;

struct Size {
  const char* type;
  std::size_t actual;
  std::size_t wide;    // where a pointer has 64 bits
  std::size_t narrow;  // … 32 bits
};

constexpr Size kSizes[] = {
    {"Latch", sizeof(takt::Latch), 4, 4},
    {"Semaphore", sizeof(takt::Semaphore), 4, 4},
    {"Event<Reset::automatic>", sizeof(takt::Event<takt::Reset::automatic>), 4, 4},
    {"Event<Reset::manual>", sizeof(takt::Event<takt::Reset::manual>), 4, 4},
    {"Mutex", sizeof(takt::Mutex), 4, 4},
    {"RecursiveMutex", sizeof(takt::RecursiveMutex), 8, 8},
    {"Ranked<Mutex>", sizeof(takt::Ranked<takt::Mutex>), 40, 24},
    {"RwLock<>", sizeof(takt::RwLock<>), 24, 24},
    {"Barrier<>", sizeof(takt::Barrier<>), 24, 24},
    {"Condition", sizeof(takt::Condition), 24, 16},
    {"SeqLock<Item>", sizeof(takt::SeqLock<Item>), 16, 16},
    {"LatestValue<Item>", sizeof(takt::LatestValue<Item>), 384, 384},
    {"SpscQueue<Item, 1000>", sizeof(takt::SpscQueue<Item, 1000>), 4160, 4160},
    {"MpmcQueue<Item, 1000>", sizeof(takt::MpmcQueue<Item, 1000>), 16128, 16128},
    {"BroadcastQueue<Item, 1000, 2>", sizeof(takt::BroadcastQueue<Item, 1000, 2>), 16192, 16192},
    {"BoundedQueue<Item, 1000>", sizeof(takt::BoundedQueue<Item, 1000>), 4080, 4072},
    {"BoundedPriorityQueue<Item, 1000, 4>", sizeof(takt::BoundedPriorityQueue<Item, 1000, 4>), 8120,
     8112},
};

TEST(Sizes, are_those_of_the_readme) {
  for (const Size& size : kSizes) {
    const std::size_t expected = sizeof(void*) == 8 ? size.wide : size.narrow;
    std::printf("%-36s %6zu\n", size.type, size.actual);
    EXPECT_EQ(size.actual, expected, "%s", size.type);
  }
  // glibc's mutex, which no two architectures have in one size, and a word.
  const std::size_t process_mutex = sizeof(takt::ProcessMutex);
  std::printf("%-36s %6zu\n", "ProcessMutex", process_mutex);
  EXPECT_GE(process_mutex, sizeof(pthread_mutex_t) + sizeof(std::uint32_t));
  EXPECT_LE(process_mutex, sizeof(pthread_mutex_t) + 8);
}

// Memory that other processes map has one layout, whoever was compiled how.
TEST(Sizes, are_the_same_between_processes) {
  EXPECT_EQ(sizeof(takt::ProcessLatch), sizeof(takt::Latch));
  EXPECT_EQ(sizeof(takt::ProcessSemaphore), sizeof(takt::Semaphore));
  EXPECT_EQ(sizeof(takt::ProcessRwLock<>), sizeof(takt::RwLock<>));
  EXPECT_EQ(sizeof(takt::ProcessBarrier<>), sizeof(takt::Barrier<>));
  EXPECT_EQ(sizeof(takt::ProcessBoundedQueue<Item, 3>), sizeof(takt::BoundedQueue<Item, 3>));
}

}  // namespace
