// SPDX-License-Identifier: Apache-2.0
// The primitives of sync/ beside their twins of the system, nobody else wanting them.
#include <pthread.h>

#include <latch>
#include <mutex>

#include "takt/sync/latch.h"
#include "takt/sync/mutex.h"
#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

class PthreadPiMutex {
 public:
  PthreadPiMutex() {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    TAKT_CHECK(::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0,
               "benchmark: no priority inheritance here");
    ::pthread_mutex_init(&mutex_, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
  }
  PthreadPiMutex(const PthreadPiMutex&) = delete;
  PthreadPiMutex& operator=(const PthreadPiMutex&) = delete;
  ~PthreadPiMutex() { ::pthread_mutex_destroy(&mutex_); }
  void lock() { ::pthread_mutex_lock(&mutex_); }
  void unlock() { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_{};
};

template <class AnyMutex>
double lock_and_unlock() {
  AnyMutex mutex;
  return cost_of([&mutex]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    mutex.lock();
    keep(mutex);
    mutex.unlock();
  });
}

template <class AnyLatch>
double use_latch_once() {
  return cost_of([] {
    AnyLatch latch(1);
    keep(latch);
    latch.count_down();
    latch.wait();
  });
}

void mutex_row(Suite& suite) {
  const char* row = "mutex: lock and unlock, uncontended";
  if (!suite.wants(row)) return;
  suite.cost(row, {{"pthread, PTHREAD_PRIO_INHERIT", {}, &lock_and_unlock<PthreadPiMutex>},
                   {"std::mutex", {}, &lock_and_unlock<std::mutex>},
                   {"takt::Mutex",
                    {{"pthread, PTHREAD_PRIO_INHERIT", 0.85}, {"std::mutex", 0.95}},
                    &lock_and_unlock<Mutex>}});
}

void latch_row(Suite& suite) {
  const char* row = "latch: create, count down, wait";
  if (!suite.wants(row)) return;
  suite.cost(row, {{"std::latch", {}, &use_latch_once<std::latch>},
                   {"takt::Latch", {{"std::latch", 0.45}}, &use_latch_once<Latch>}});
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Suite suite("sync", argc, argv);
  takt::bench::mutex_row(suite);
  takt::bench::latch_row(suite);
  return suite.finish();
}
