// SPDX-License-Identifier: Apache-2.0
// RwLock beside its twins of the system. Uncontended, a cost is that of one lock and one unlock;
// with two threads on two CPUs it is the time that passes for one operation of both together.
#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <shared_mutex>

#include "takt/platform/check.h"
#include "takt/sync/rw_lock.h"
#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

constexpr int kSharedOperations = 1'000'000;  // of each thread
constexpr int kSpinBudget = 200;

using Spinning = RwLock<Fairness::phase_fair, kSpinBudget>;

/// glibc's, which lets a waiting writer go before new readers.
class PthreadWritersFirst {
 public:
  PthreadWritersFirst() {
    pthread_rwlockattr_t attributes;
    ::pthread_rwlockattr_init(&attributes);
    ::pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    ::pthread_rwlock_init(&lock_, &attributes);
    ::pthread_rwlockattr_destroy(&attributes);
  }
  PthreadWritersFirst(const PthreadWritersFirst&) = delete;
  PthreadWritersFirst& operator=(const PthreadWritersFirst&) = delete;
  ~PthreadWritersFirst() { ::pthread_rwlock_destroy(&lock_); }
  void lock() { ::pthread_rwlock_wrlock(&lock_); }
  void unlock() { ::pthread_rwlock_unlock(&lock_); }
  void lock_shared() { ::pthread_rwlock_rdlock(&lock_); }
  void unlock_shared() { ::pthread_rwlock_unlock(&lock_); }

 private:
  pthread_rwlock_t lock_{};
};

template <class AnyLock>
double read_alone() {
  AnyLock lock;
  return cost_of([&lock]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    lock.lock_shared();
    keep(lock);
    lock.unlock_shared();
  });
}

template <class AnyLock>
double write_alone() {
  AnyLock lock;
  return cost_of([&lock]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    lock.lock();
    keep(lock);
    lock.unlock();
  });
}

/// A lock beside what it guards, which readers read and writers write.
template <class AnyLock>
struct Guarded {
  alignas(64) AnyLock lock;
  alignas(64) std::uint64_t value = 0;
  alignas(64) std::atomic<int> ready{0};
  std::atomic<std::int64_t> begin{INT64_MAX};
  std::atomic<std::int64_t> end{0};

  void use(std::uint32_t writes_of_1024, std::uint32_t seed) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    ready.fetch_add(1);
    await([&] { return ready.load() == 2; });
    const std::int64_t mine = to_ns(now());
    std::uint32_t random = seed;
    std::uint64_t sum = 0;
    for (int i = 0; i < kSharedOperations; ++i) {
      random = random * 1664525U + 1013904223U;
      if ((random >> 22) < writes_of_1024) {
        lock.lock();
        ++value;
        lock.unlock();
      } else {
        lock.lock_shared();
        sum += value;
        lock.unlock_shared();
      }
    }
    keep(sum);
    const std::int64_t over = to_ns(now());
    std::int64_t seen = begin.load();
    while (mine < seen && !begin.compare_exchange_weak(seen, mine)) {
    }
    seen = end.load();
    while (over > seen && !end.compare_exchange_weak(seen, over)) {
    }
  }
};

template <class AnyLock, std::uint32_t kWritesOf1024>
double two_threads() {
  Guarded<AnyLock> guarded;
  {
    const PinnedThread one({0, kPriority}, [&] { guarded.use(kWritesOf1024, 1); });
    const PinnedThread other({1, kPriority}, [&] { guarded.use(kWritesOf1024, 2); });
  }
  return static_cast<double>(guarded.end.load() - guarded.begin.load()) / (2.0 * kSharedOperations);
}

void alone(Suite& suite) {
  const char* row = "rw lock: read, uncontended";
  if (suite.wants(row)) {
    suite.cost(row, {{"pthread, writers first", {}, &read_alone<PthreadWritersFirst>},
                     {"std::shared_mutex", {}, &read_alone<std::shared_mutex>},
                     {"takt::RwLock", {{"std::shared_mutex", 0.9}}, &read_alone<RwLock<>>}});
  }
  row = "rw lock: write, uncontended";
  if (suite.wants(row)) {
    suite.cost(row, {{"pthread, writers first", {}, &write_alone<PthreadWritersFirst>},
                     {"std::shared_mutex", {}, &write_alone<std::shared_mutex>},
                     {"takt::RwLock", {{"std::shared_mutex", 0.65}}, &write_alone<RwLock<>>}});
  }
}

template <std::uint32_t kWritesOf1024>
void together(Suite& suite, const char* row) {
  if (!suite.wants(row)) return;
  if (cpu_count() < 2) return suite.skip(row, "needs two CPUs");
  suite.cost(row,
             {{"pthread, writers first", {}, &two_threads<PthreadWritersFirst, kWritesOf1024>},
              {"std::shared_mutex", {}, &two_threads<std::shared_mutex, kWritesOf1024>},
              {"takt::RwLock, spin budget",
               {{"std::shared_mutex", 0.4}},
               &two_threads<Spinning, kWritesOf1024>},
              {"takt::RwLock", {{"std::shared_mutex", 0}}, &two_threads<RwLock<>, kWritesOf1024>}});
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Suite suite("rw_lock", argc, argv);
  takt::bench::alone(suite);
  takt::bench::together<10>(suite, "rw lock: two threads, 1 % writes");
  takt::bench::together<102>(suite, "rw lock: two threads, 10 % writes");
  return suite.finish();
}
