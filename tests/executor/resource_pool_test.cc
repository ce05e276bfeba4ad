// SPDX-License-Identifier: Apache-2.0
// ResourcePool: one user a resource, time limits, health checks, repair, retirement.
#include "takt/executor/resource_pool.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "takt/tests/executor/gate.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ResourceCare;
using takt::ResourcePool;
using takt::ResourcePoolStats;
using takt::StatusCode;
using takt::test::Gate;
using takt::test::kPatience;

/// A device that may break, and knows how often it was mended.
struct Device {
  int number = 0;
  bool broken = false;
  bool beyond_repair = false;
  int repairs = 0;
  std::atomic<int> users{0};

  Device() noexcept = default;
  explicit Device(int its_number) noexcept : number(its_number) {}
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
};

constexpr ResourceCare<Device> kCare{
    .healthy = [](Device& device, void*) noexcept { return !device.broken; },
    .repair =
        [](Device& device, void* argument) noexcept {
          if (argument != nullptr) ++*static_cast<std::atomic<int>*>(argument);
          if (device.beyond_repair) return false;
          device.broken = false;
          ++device.repairs;
          return true;
        }};

using Pool = ResourcePool<Device, 2>;

TEST(ResourcePool, leases_each_resource_once) {
  Pool pool(kCare, [](std::size_t number) { return Device(static_cast<int>(number) + 10); });
  auto first = pool.try_acquire();
  auto second = pool.try_acquire();
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_NE((*first)->number, (*second)->number);
  EXPECT_EQ((*first)->number, static_cast<int>(first->number()) + 10);
  const auto third = pool.try_acquire();
  EXPECT_EQ(third.code(), StatusCode::unavailable);
  EXPECT_EQ(std::string_view(third.status().text()), "ResourcePool: all resources are leased");
  first->reset();
  EXPECT_FALSE(first->valid());
  EXPECT_OK(pool.try_acquire());
}

TEST(ResourcePool, a_lease_moves) {
  Pool pool;
  auto result = pool.try_acquire();
  ASSERT_OK(result);
  Pool::Lease lease = *std::move(result);
  const std::uint32_t number = lease.number();
  Pool::Lease other = std::move(lease);
  EXPECT_FALSE(lease.valid());  // NOLINT(bugprone-use-after-move): says what it is then
  EXPECT_TRUE(other.valid());
  EXPECT_EQ(pool.stats().leased, 1);
  auto second = pool.try_acquire();
  ASSERT_OK(second);
  other = *std::move(second);  // returns the first
  EXPECT_NE(other.number(), number);
  EXPECT_EQ(pool.stats().leased, 1);
  other.reset();
  other.reset();
  EXPECT_EQ(pool.stats().available, 2);
}

TEST(ResourcePool, says_when_none_came_back_in_time) {
  Pool pool;
  auto first = pool.acquire();
  auto second = pool.acquire();
  const takt::TimePoint before = takt::now();
  const auto third = pool.acquire_for(2ms);
  EXPECT_EQ(third.code(), StatusCode::timed_out);
  EXPECT_GE(takt::now() - before, 2ms);
  EXPECT_EQ(pool.acquire_until(takt::now() - 1s).code(), StatusCode::timed_out);
  EXPECT_EQ(pool.stats().time_outs, 2);
  second->reset();
  EXPECT_OK(pool.acquire_until(takt::now() - 1s));  // what is there is given
}

TEST(ResourcePool, who_waits_gets_what_comes_back) {
  ResourcePool<Device, 1> pool;
  auto lease = pool.acquire();
  ASSERT_OK(lease);
  std::thread waiting([&pool] {
    EXPECT_OK(pool.acquire());
    EXPECT_OK(pool.acquire_for(kPatience));
  });
  lease->reset();
  waiting.join();
  EXPECT_EQ(pool.stats().leases, 3);
}

TEST(ResourcePool, repairs_what_comes_back_broken) {
  std::atomic<int> calls{0};
  ResourceCare<Device> care = kCare;
  care.argument = &calls;
  ResourcePool<Device, 1> pool(care);
  {
    auto lease = pool.acquire();
    (*lease)->broken = true;
  }
  EXPECT_EQ(calls.load(), 1);
  auto lease = pool.try_acquire();
  ASSERT_OK(lease);
  EXPECT_FALSE((*lease)->broken);
  EXPECT_EQ((*lease)->repairs, 1);
  EXPECT_EQ(pool.stats().repairs, 1);
  lease->fail();  // whatever the check says
  lease->reset();
  EXPECT_EQ(pool.stats().repairs, 2);
  EXPECT_EQ(pool.stats().retirements, 0);
}

TEST(ResourcePool, retires_what_cannot_be_repaired) {
  Pool pool(kCare);
  {
    auto lease = pool.acquire();
    (*lease)->broken = true;
    (*lease)->beyond_repair = true;
  }
  ResourcePoolStats stats = pool.stats();
  EXPECT_EQ(stats.available, 1);
  EXPECT_EQ(stats.retired, 1);
  EXPECT_EQ(stats.retirements, 1);
  auto other = pool.acquire();
  ASSERT_OK(other);
  EXPECT_FALSE((*other)->broken);
  EXPECT_EQ(pool.try_acquire().code(), StatusCode::unavailable);
  other->reset();

  // Somebody who knows how mends it.
  auto retired = pool.acquire_retired();
  ASSERT_OK(retired);
  EXPECT_TRUE((*retired)->broken);
  EXPECT_EQ(pool.acquire_retired().code(), StatusCode::not_found);
  (*retired)->broken = false;
  retired->reset();
  stats = pool.stats();
  EXPECT_EQ(stats.available, 2);
  EXPECT_EQ(stats.retired, 0);
  auto first = pool.try_acquire();
  auto second = pool.try_acquire();
  EXPECT_OK(first);
  EXPECT_OK(second);
  EXPECT_EQ(pool.try_acquire().code(), StatusCode::unavailable);
}

TEST(ResourcePool, one_that_comes_back_broken_again_stays_retired) {
  Pool pool(kCare);
  auto lease = pool.acquire();
  (*lease)->broken = true;
  (*lease)->beyond_repair = true;
  lease->reset();
  for (int i = 0; i < 3; ++i) EXPECT_OK(pool.acquire_retired());
  EXPECT_EQ(pool.stats().retired, 1);
  EXPECT_EQ(pool.stats().retirements, 1);
  EXPECT_EQ(pool.stats().available, 1);
}

TEST(ResourcePool, without_callbacks_fail_retires) {
  Pool pool;
  auto lease = pool.acquire();
  lease->fail();
  lease->reset();
  EXPECT_EQ(pool.stats().retired, 1);
}

TEST(ResourcePool, nobody_waits_when_all_are_retired) {
  Pool pool;
  auto first = pool.acquire();
  auto second = pool.acquire();
  first->fail();
  first->reset();
  std::atomic<int> refused{0};
  const auto wait = [&] {
    const auto lease = pool.acquire();
    EXPECT_EQ(lease.code(), StatusCode::failed_precondition);
    ++refused;
  };
  std::thread one(wait);
  std::thread two(wait);
  second->fail();
  second->reset();
  one.join();
  two.join();
  EXPECT_EQ(refused.load(), 2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pool.try_acquire().code(), StatusCode::failed_precondition);
  }

  // Back in service, one after the other: exactly as many as there are.
  for (int returned = 1; returned <= 2; ++returned) {
    auto mended = pool.acquire_retired();
    ASSERT_OK(mended);
    mended->reset();
    std::vector<Pool::Lease> leases;
    for (int i = 0; i < returned; ++i) {
      auto lease = pool.try_acquire();
      ASSERT_OK(lease, "%d of %d", i, returned);
      leases.push_back(*std::move(lease));
    }
    EXPECT_EQ(pool.try_acquire().code(), StatusCode::unavailable);
  }
}

TEST(ResourcePool, must_not_be_destroyed_under_a_lease) {
  EXPECT_ABORT(
      [] {
        auto* const pool = new Pool;
        auto lease = pool->acquire();
        delete pool;
      },
      "ResourcePool: destroyed while a resource is leased");
}

/// Stops the thread that sets a bit of a bitmap next, once it is armed.
struct Brake {
  static inline std::atomic<bool> armed{false};
  static inline Gate* gate = nullptr;
};
template <class T>
struct Braked : std::atomic<T> {
  using std::atomic<T>::atomic;
  T fetch_or(T bits, std::memory_order order) noexcept {
    if (Brake::armed.exchange(false)) Brake::gate->pass();
    return std::atomic<T>::fetch_or(bits, order);
  }
};
struct BrakedEnv : takt::ThreadEnv {
  template <class T>
  using Atomic = Braked<T>;
};

TEST(ResourcePool, must_not_be_destroyed_beside_a_return) {
  EXPECT_ABORT(
      [] {
        using SlowPool = takt::BasicResourcePool<int, 1, BrakedEnv>;
        auto* const pool = new SlowPool;
        Gate gate;
        Brake::gate = &gate;
        std::thread user([pool] {
          auto lease = pool->acquire();
          Brake::armed = true;
        });
        gate.wait_for_entries(1);
        delete pool;  // "none is leased", says stats()
        user.join();
      },
      "ResourcePool: destroyed beside a Lease::reset()");
}

TEST(ResourcePool, whoever_leases_the_last_one_may_destroy_it) {
  for (int round = 0; round < 200; ++round) {
    auto* const pool = new Pool;
    auto first = pool->acquire();
    auto second = pool->acquire();
    if (round % 2 != 0) second->fail();  // retires: the pool has no callbacks
    std::thread user([lease = std::move(*second)]() mutable { lease.reset(); });
    if (round % 2 != 0) first->fail();
    first->reset();
    if (round % 2 != 0) {
      // Both are retired, or the other one soon will be.
      EXPECT_EQ(pool->acquire().code(), StatusCode::failed_precondition);
    } else {
      const auto one = pool->acquire();
      const auto other = pool->acquire();
      EXPECT_TRUE(one.ok() && other.ok());
    }
    delete pool;
    user.join();
  }
}

TEST(ResourcePool, an_empty_lease_has_no_resource) {
  EXPECT_ABORT(
      [] {
        const Pool::Lease lease;
        static_cast<void>(*lease);
      },
      "ResourcePool: the lease has no resource");
}

TEST(ResourcePool, destroys_what_it_made) {
  static int alive = 0;
  struct Counted {
    Counted() noexcept { ++alive; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --alive; }
  };
  {
    const ResourcePool<Counted, 3> pool;
    EXPECT_EQ(alive, 3);
  }
  EXPECT_EQ(alive, 0);
  try {
    const ResourcePool<Counted, 3> pool({}, [](std::size_t number) {
      if (number == 2) throw std::runtime_error("on purpose");
      return Counted();
    });
    ADD_FAILURE("the third one throws");
  } catch (const std::runtime_error&) {
    EXPECT_EQ(alive, 0);
  }
}

// Threads that take, break and return without a pause, and one that mends what was retired: a
// resource has one user at a time, and in the end all are there.
TEST(ResourcePool, one_user_at_a_time_whatever_happens) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 3'000;
  ResourcePool<Device, 3> pool(kCare);
  std::atomic<int> over{0};
  std::atomic<std::uint64_t> leased{0};
  const auto use = [&](int seed) {
    for (int round = 0; round < kRounds; ++round) {
      auto lease = round % 3 == 0   ? pool.acquire()
                   : round % 3 == 1 ? pool.try_acquire()
                                    : pool.acquire_for(1ms);
      if (!lease.ok()) continue;
      ++leased;
      Device& device = **lease;
      EXPECT_EQ(device.users.fetch_add(1), 0);
      const int dice = (round * 7 + seed) % 16;
      device.broken = dice < 4;
      device.beyond_repair = dice < 2;
      EXPECT_EQ(device.users.fetch_sub(1), 1);
    }
    ++over;
  };
  const auto mend = [&] {
    bool last = false;
    while (!last) {
      last = over.load() == kThreads;
      for (;;) {
        auto lease = pool.acquire_retired();
        if (!lease.ok()) break;
        ++leased;
        EXPECT_EQ((*lease)->users.fetch_add(1), 0);
        (*lease)->broken = false;
        (*lease)->beyond_repair = false;
        EXPECT_EQ((*lease)->users.fetch_sub(1), 1);
      }
      ::sched_yield();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kThreads + 1);
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(use, i);
  threads.emplace_back(mend);
  for (std::thread& thread : threads) thread.join();
  const ResourcePoolStats stats = pool.stats();
  EXPECT_EQ(stats.available, 3);
  EXPECT_EQ(stats.leased, 0);
  EXPECT_EQ(stats.retired, 0);
  EXPECT_EQ(stats.leases, leased.load());
  EXPECT_LE(stats.peak_leased, 3);
  EXPECT_GE(stats.retirements, 1);
}

// More than one word of the bitmap, more threads than resources.
TEST(ResourcePool, serves_many) {
  constexpr std::size_t kMany = 130;
  static ResourcePool<Device, kMany> pool;
  std::vector<ResourcePool<Device, kMany>::Lease> leases;
  for (std::size_t i = 0; i < kMany - 1; ++i) leases.push_back(*pool.acquire());
  const auto use = [] {
    for (int round = 0; round < 2'000; ++round) {
      auto lease = pool.acquire();
      if (!EXPECT_OK(lease)) return;
      EXPECT_EQ((*lease)->users.fetch_add(1), 0);
      EXPECT_EQ((*lease)->users.fetch_sub(1), 1);
    }
  };
  std::thread first(use);
  std::thread second(use);
  for (auto& lease : leases) lease.reset();
  first.join();
  second.join();
  EXPECT_EQ(pool.stats().available, kMany);
  EXPECT_GE(pool.stats().peak_leased, kMany - 1);
}

// As jobs use it: as many at a time as there are resources, whatever the width of the lane.
TEST(ResourcePool, limits_jobs) {
  static takt::StaticExecutor<takt::ExecutorLimits{.workers = 3, .jobs_per_lane = 64}> executor;
  static Pool pool;
  const takt::test::Running running(executor, {{.name = "a"}, {.name = "b"}, {.name = "c"}});
  static std::atomic<int> done{0};
  for (int i = 0; i < 64; ++i) {
    ASSERT_OK(executor.post([] {
      auto lease = pool.acquire();
      EXPECT_EQ((*lease)->users.fetch_add(1), 0);
      EXPECT_EQ((*lease)->users.fetch_sub(1), 1);
      ++done;
    }));
  }
  takt::test::wait_until([] { return done.load() == 64; });
  EXPECT_LE(pool.stats().peak_leased, 2);
}

}  // namespace
