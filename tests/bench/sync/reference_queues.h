// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BENCH_SYNC_REFERENCE_QUEUES_H_
#define TAKT_TESTS_BENCH_SYNC_REFERENCE_QUEUES_H_

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

/// What one would write oneself, as references.
namespace takt::bench {

/// Lamport's ring as in the textbook: each side reads the other's counter each time. The counters
/// have cache lines of their own.
template <class T, std::size_t N>
class LamportRing {
 public:
  bool try_push(const T& item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == N) return false;
    slots_[tail % N] = item;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  std::optional<T> try_pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    const T item = slots_[head % N];
    head_.store(head + 1, std::memory_order_release);
    return item;
  }

 private:
  static_assert((N & (N - 1)) == 0, "the counters run around");
  alignas(64) std::atomic<std::size_t> tail_{0};
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) T slots_[N];
};

/// A deque under a mutex, bounded as the others are.
template <class T, std::size_t N>
class MutexDeque {
 public:
  bool try_push(const T& item) {
    const std::lock_guard lock(mutex_);
    if (items_.size() == N) return false;
    items_.push_back(item);
    return true;
  }
  std::optional<T> try_pop() {
    const std::lock_guard lock(mutex_);
    if (items_.empty()) return std::nullopt;
    const T item = items_.front();
    items_.pop_front();
    return item;
  }

 private:
  std::mutex mutex_;
  std::deque<T> items_;
};

}  // namespace takt::bench

#endif  // TAKT_TESTS_BENCH_SYNC_REFERENCE_QUEUES_H_
