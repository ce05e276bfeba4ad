// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BENCH_EXECUTOR_MUTEX_POOL_H_
#define TAKT_TESTS_BENCH_EXECUTOR_MUTEX_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <utility>

#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {

/// The thread pool that everybody has written once: a deque of std::function under a mutex. Bounded
/// like a lane, so that both contestants run in the same memory.
class MutexPool {
 public:
  MutexPool(std::size_t capacity, std::span<const Place> workers) : capacity_(capacity) {
    for (const Place worker : workers) {
      threads_.emplace_back(worker, [this] { serve(); });
    }
  }
  MutexPool(const MutexPool&) = delete;
  MutexPool& operator=(const MutexPool&) = delete;
  /// Runs what was posted and joins the workers.
  ~MutexPool() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    posted_.notify_all();
  }

  /// False when it is full.
  bool post(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      if (jobs_.size() == capacity_) return false;
      jobs_.push_back(std::move(job));
    }
    posted_.notify_one();
    return true;
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      posted_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> jobs_;
  bool closed_ = false;
  std::deque<PinnedThread> threads_;  // the last: they use the others
};

}  // namespace takt::bench

#endif  // TAKT_TESTS_BENCH_EXECUTOR_MUTEX_POOL_H_
