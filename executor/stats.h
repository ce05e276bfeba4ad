// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_STATS_H_
#define TAKT_EXECUTOR_STATS_H_

#include <atomic>
#include <cstdint>
#include <initializer_list>

#include "takt/executor/activity.h"
#include "takt/executor/event_ring.h"
#include "takt/executor/limits.h"
#include "takt/sync/env.h"

// What the executor lets be seen of itself. Workers write, anybody reads without locks; the figures
// of one object may be a few jobs apart. The executor knows nothing of who reads (monitor/).

namespace takt::inline v0 {

/// A counter with one writer at a time. Relaxed throughout: a figure, it orders nothing.
template <class Env>
class BasicCounter {
 public:
  /// Blocks: no. Callable from: the writer.
  void add(std::uint64_t amount = 1) noexcept { set(get() + amount); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Keeps the larger of the counter and `value`.
  void raise(std::uint64_t value) noexcept {
    if (value > get()) set(value);
  }
  /// Blocks: no. Callable from: any thread.
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  typename Env::template Atomic<std::uint64_t> value_{0};
};

using Counter = BasicCounter<ThreadEnv>;

/// A counter that any thread raises. Relaxed throughout: a figure, it orders nothing.
class SharedCounter {
 public:
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  void add(std::uint64_t amount = 1) noexcept {
    value_.fetch_add(amount, std::memory_order_relaxed);
  }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Counts of durations in log-linear buckets, as HdrHistogram has them: 32 buckets for each power
/// of two, so a bucket is at most 1/32 (3.1 %) of its value wide; below 32 ns each value has its
/// own. Values from 2^40 ns (18 minutes) count in the last bucket. One writer; monitor/ reads.
class HistogramCounts {
 public:
  static constexpr std::uint32_t kSubBits = 5;
  static constexpr std::uint32_t kMaxBits = 40;
  static constexpr std::uint32_t kBuckets = (kMaxBits - kSubBits + 1) << kSubBits;

  /// The bucket of a value. Negative values count as 0.
  static constexpr std::uint32_t bucket_of(std::int64_t nanoseconds) noexcept {
    if (nanoseconds < (1 << kSubBits)) {
      return nanoseconds < 0 ? 0 : static_cast<std::uint32_t>(nanoseconds);
    }
    const auto value = static_cast<std::uint64_t>(nanoseconds);
    // Not bit_width() - 1, for which g++ uses an instruction that waits for the previous record's.
    const std::uint32_t exponent = 63U ^ static_cast<std::uint32_t>(std::countl_zero(value));
    if (exponent >= kMaxBits) return kBuckets - 1;
    const std::uint32_t shift = exponent - kSubBits;
    // The top bit of the mantissa is 1 and adds the 1 that the row number lacks.
    return (shift << kSubBits) + static_cast<std::uint32_t>(value >> shift);
  }

  /// The largest value that counts in `bucket`.
  static constexpr std::int64_t upper_bound(std::uint32_t bucket) noexcept {
    if (bucket < (2U << kSubBits)) return bucket;
    const std::uint32_t shift = (bucket >> kSubBits) - 1;
    const std::uint64_t mantissa = (bucket & ((1U << kSubBits) - 1)) | (1U << kSubBits);
    return static_cast<std::int64_t>(((mantissa + 1) << shift) - 1);
  }

  /// Counts one duration. Blocks: no. Bound: wait-free. Callable from: the writer.
  void record(std::int64_t nanoseconds) noexcept {
    counts_[bucket_of(nanoseconds)].add();
    if (nanoseconds > 0) max_.raise(static_cast<std::uint64_t>(nanoseconds));
  }

  /// Blocks: no. Callable from: any thread.
  std::uint64_t count(std::uint32_t bucket) const noexcept { return counts_[bucket].get(); }
  /// The largest value recorded, exact.
  std::uint64_t max() const noexcept { return max_.get(); }

  /// Forgets all. Blocks: no. Bound: O(kBuckets). Callable from: the writer.
  void reset() noexcept {
    for (Counter& count : counts_) count.set(0);
    max_.set(0);
  }

 private:
  Counter counts_[kBuckets];
  Counter max_;
};

/// The two distributions of a task that asked for them.
struct TaskHistograms {
  HistogramCounts release_jitter;  ///< start minus release
  HistogramCounts response_time;   ///< finish minus release

  void reset() noexcept {
    release_jitter.reset();
    response_time.reset();
  }
};

/// What one task held. Written by whoever releases or runs its job, which is one thread at a time.
struct TaskStats {
  Counter releases;         ///< jobs released
  Counter completed;        ///< jobs that returned
  Counter failed;           ///< jobs that threw
  Counter cancelled;        ///< jobs that were waiting at stop(cancel), or released during it
  Counter overruns;         ///< releases that came while the previous job was unfinished
  Counter skipped;          ///< releases that got no job
  Counter refused;          ///< sporadic: releases that were refused, too many waited
  Counter deadline_misses;  ///< jobs that finished after their deadline
  Counter budget_overruns;  ///< jobs that used more CPU time than their budget
  Counter execution_ns;     ///< time from start to finish, preemption included
  Counter max_release_jitter_ns;
  Counter max_response_ns;
  /// Null unless TaskConfig::histograms.
  std::atomic<const TaskHistograms*> histograms{nullptr};

  /// For the next task in the slot.
  void reset() noexcept {
    for (Counter* counter : {&releases, &completed, &failed, &cancelled, &overruns, &skipped,
                             &refused, &deadline_misses, &budget_overruns, &execution_ns,
                             &max_release_jitter_ns, &max_response_ns}) {
      counter->set(0);
    }
    // relaxed: set anew by the same thread.
    histograms.store(nullptr, std::memory_order_relaxed);
  }
};

/// What became of posts to one lane beyond the jobs that its workers ran. Each post counts in one
/// place: it was refused, or its job ended completed, failed, cancelled or dropped.
struct LaneStats {
  SharedCounter rejected;  ///< posts that were refused, whatever for
  SharedCounter dropped;   ///< jobs that WhenFull::drop_oldest ended
};

/// What a watched descriptor held until now. Written by whoever leads and by the worker that runs.
struct DescriptorStats {
  Counter events;     ///< jobs that it made ready
  Counter completed;  ///< jobs that returned
  Counter failed;     ///< jobs that threw
  Counter cancelled;  ///< jobs that waited at stop(cancel); what they were for is reported anew
  /// The errno with which the kernel refused to watch it further; 0: it did not.
  Counter refused;

  /// For the next descriptor in the slot.
  void reset() noexcept {
    for (Counter* counter : {&events, &completed, &failed, &cancelled, &refused}) counter->set(0);
  }
};

/// What one worker did. Written by that worker, a cache line and more of its own.
struct alignas(64) WorkerStats {
  Counter jobs;             ///< jobs of any kind that returned or threw
  Counter failed;           ///< of these, how many threw
  Counter cancelled;        ///< waiting jobs that it ended at stop(cancel)
  Counter deadline_misses;  ///< posted jobs that finished after their deadline
  Counter busy_ns;          ///< time inside jobs, preemption included; posted ones' if time_stamps
  Counter sleeps;           ///< how often it found nothing and parked
  Counter thread_id;        ///< the kernel's id of its thread; 0 before start
  /// The errno with which the system refused its policy or affinity, where OnDenied::degrade went
  /// on; 0: granted.
  Counter refused_scheduling;
  Counter refused_affinity;
  /// 1: busy_ns counts posted jobs and those of descriptors, too; 0: those of tasks alone. As
  /// start() was told (StartOptions::time_stamps), until the next one.
  Counter time_stamps;
  ActivityWord activity;  ///< what it is doing; Executor::worker_activity() knows more

  /// For the worker of the next start(): whoever reads meanwhile sees old and new figures mixed.
  void reset() noexcept {
    for (Counter* counter : {&jobs, &failed, &cancelled, &deadline_misses, &busy_ns, &sleeps,
                             &thread_id, &refused_scheduling, &refused_affinity, &time_stamps}) {
      counter->set(0);
    }
  }
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_STATS_H_
