// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_STORAGE_H_
#define TAKT_EXECUTOR_STORAGE_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/executor/descriptor.h"
#include "takt/executor/event_ring.h"
#include "takt/executor/job.h"
#include "takt/executor/lane.h"
#include "takt/executor/limits.h"
#include "takt/executor/parker.h"
#include "takt/executor/promises.h"
#include "takt/executor/resting.h"
#include "takt/executor/stats.h"
#include "takt/executor/task.h"
#include "takt/executor/timer_queue.h"
#include "takt/executor/worker.h"
#include "takt/platform/memory.h"
#include "takt/sync/mutex.h"

namespace takt::inline v0::detail {

/// A lane with its jobs and timers.
struct LaneSlot {
  Lane queue;
  JobSlot* jobs;
  /// Guards `timers`, `timed_jobs`, and the releaser's fields of the lane's tasks.
  Mutex timer_mutex;
  TimerQueue timers;  // by ready index
  std::uint32_t timed_jobs;
  /// Written by start(), read by anybody at any time. Relaxed: who needs it for more than a refusal
  /// looks at the lane, too, which start() opens later.
  std::atomic<std::uint32_t> worker_count;
  // Under `timer_mutex`: who may take jobs, executor_pause.cc.
  std::uint32_t active_workers;
  bool paused;
  Resting resting;
  Promises promises;
  LaneStats stats;
  /// Guards the lane's descriptors, and its queue's poll but for waiting. After the task mutex.
  Mutex descriptor_mutex;
  std::uint32_t descriptor_count;  // watched
};

/// Where an Executor finds its storage: pointers and counts, no matter the limits.
struct StorageView {
  WorkerSlot* workers;
  LaneSlot* lanes;
  JobSlot* jobs;
  TaskSlot* tasks;
  DescriptorSlot* descriptors;
  TaskHistograms* histograms;
  EventRing::Cell* events;  // event_capacity of each worker
  Timer* timers;
  std::uint32_t* timer_places;  // of each ready index of each lane in the lane's timers
  Parker* parkers;
  IndexRing::Cell* cells;
  SlotBitmap::Word* free_slots;
  ExecutorLimits limits;
  std::uint32_t ready_capacity;  // of one ring
  std::uint32_t event_capacity;  // 0 or a power of two
  std::span<std::byte> memory;   // all of it, stacks aside
  std::span<std::byte> stacks;   // limits.workers of stack_stride bytes
  std::size_t stack_stride;
};

/// Tasks and timed jobs that one lane may wait for.
constexpr std::uint32_t timers_per_lane(const ExecutorLimits& limits) noexcept {
  return limits.tasks + std::min(limits.timers, limits.jobs_per_lane);
}

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

/// An array that may be empty, which the language's own may not.
template <class T, std::size_t kSize>
struct Array {
  T items[kSize]{};
  T* data() noexcept { return items; }
};
template <class T>
struct Array<T, 0> {
  T* data() noexcept { return nullptr; }
};

/// All memory of an executor with these limits, on pages of its own, so that it can be locked and
/// kept from fork children. All bits zero at first: a static one lies in .bss.
template <ExecutorLimits kLimits>
class ExecutorStorage {
  static_assert(kLimits.workers >= 1 && kLimits.workers <= 1024);
  static_assert(kLimits.lanes >= 1 && kLimits.lanes <= 1024);
  static_assert(kLimits.jobs_per_lane >= 1,
                "a lane without job slots can run tasks only through one");
  static_assert(std::uint64_t{kLimits.jobs_per_lane} + kLimits.tasks + kLimits.descriptors <=
                    IndexRing::kMaxIndex,
                "jobs of a lane, tasks and descriptors together: at most 65,534");
  static_assert(kLimits.histograms <= kLimits.tasks);
  static_assert(kLimits.events_per_worker <= 1U << 24, "at most 16,777,216 events a worker");
  static constexpr std::uint32_t kReadyCapacity =
      std::bit_ceil(kLimits.jobs_per_lane + kLimits.tasks + kLimits.descriptors);
  static constexpr std::size_t kCells =
      std::size_t{kLimits.lanes} * kPriorityLevels * kReadyCapacity;
  static constexpr std::size_t kFreeWords =
      std::size_t{kLimits.lanes} * SlotBitmap::words_for(kLimits.jobs_per_lane);
  static constexpr std::size_t kTimers = std::size_t{kLimits.lanes} * timers_per_lane(kLimits);
  static constexpr std::size_t kTimerPlaces =
      kTimers == 0 ? 0 : std::size_t{kLimits.lanes} * (kLimits.jobs_per_lane + kLimits.tasks);
  // The last worker's parker, and behind it room for the other bits of a lane (BasicLane::open).
  static constexpr std::size_t kParkers =
      kLimits.workers - 1 + std::min(kLimits.workers, Lane::kMaxWorkers);
  static constexpr std::uint32_t kEventCapacity =
      kLimits.events_per_worker == 0 ? 0 : std::bit_ceil(std::max(kLimits.events_per_worker, 2U));
  static constexpr std::size_t kStackStride =
      round_up(kLimits.stack_bytes, platform::kLargestPage) + platform::kLargestPage;

 protected:
  StorageView view() noexcept {
    return {.workers = memory_.workers.data(),
            .lanes = memory_.lanes.data(),
            .jobs = memory_.jobs.data(),
            .tasks = memory_.tasks.data(),
            .descriptors = memory_.descriptors.data(),
            .histograms = memory_.histograms.data(),
            .events = memory_.events.data(),
            .timers = memory_.timers.data(),
            .timer_places = memory_.timer_places.data(),
            .parkers = memory_.parkers.data(),
            .cells = memory_.cells.data(),
            .free_slots = memory_.free_slots.data(),
            .limits = kLimits,
            .ready_capacity = kReadyCapacity,
            .event_capacity = kEventCapacity,
            .memory = std::span(reinterpret_cast<std::byte*>(&memory_), sizeof memory_),
            .stacks = stacks_,
            .stack_stride = kStackStride};
  }

 private:
  struct Parts {
    Array<Parker, kParkers> parkers;
    Array<WorkerSlot, kLimits.workers> workers;
    Array<LaneSlot, kLimits.lanes> lanes;
    Array<IndexRing::Cell, kCells> cells;
    Array<SlotBitmap::Word, kFreeWords> free_slots;
    Array<JobSlot, std::size_t{kLimits.lanes} * kLimits.jobs_per_lane> jobs;
    Array<TaskSlot, kLimits.tasks> tasks;
    Array<DescriptorSlot, kLimits.descriptors> descriptors;
    Array<TaskHistograms, kLimits.histograms> histograms;
    Array<EventRing::Cell, std::size_t{kLimits.workers} * kEventCapacity> events;
    Array<Timer, kTimers> timers;
    Array<std::uint32_t, kTimerPlaces> timer_places;
  };
  struct alignas(platform::kLargestPage) Memory : Parts {};

 protected:
  static constexpr std::size_t kPartsBytes = sizeof(Parts);

 private:
  Memory memory_{};
  alignas(platform::kLargestPage) std::byte stacks_[kLimits.workers * kStackStride];
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_STORAGE_H_
