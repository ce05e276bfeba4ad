// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_ACTIVITY_H_
#define TAKT_EXECUTOR_ACTIVITY_H_

#include <atomic>
#include <cstdint>

// What a worker is doing, in one word that it writes and a monitor reads:
//
//   bits 0-2    WorkerPhase
//   bit 3       kTask: the job is a task's
//   bits 16-31  the task's number, or the posted job's slot in its lane
//   bits 32-63  since when: one more with each change
//
// The word is zero until start() and changes with each transition:
//
//                    start()            all workers configured
//   [stopped] ------------> [created] ------------------------> [ready] <----------.
//       ^                       | refused                        |  ^ job over     |
//       | start() fails         v                                v  |              |
//       |                    [error]                           [in_job]            |
//       |                                                        |                 |
//       |        lane closed and empty                           |   woken         |
//       '----------------------------------- [ready] -> [idle] or [paused] --------'
//
// Two equal words, read one after the other, say that the worker has done nothing but that in
// between (2^32 changes aside). So a monitor that looks now and then can tell:
//
//   in_job, unchanged   stuck in that job, or preempted there: the kernel's CPU time of the thread
//                       (WorkerStats::thread_id) tells which
//   ready, unchanged    starved: it has a reason to run and gets no CPU
//   idle, paused        nothing to do, however long
//
// A worker that was woken and has not run since still says `idle` itself, or `paused` when its lane
// was resumed. Executor::worker_activity() knows about wake-ups and releases that are due, and says
// `ready`.

namespace takt::inline v0 {

/// The life of a worker.
enum class WorkerState : std::uint32_t {
  stopped,  ///< it has no thread
  created,  ///< its thread is being configured
  running,  ///< it serves its lane
  paused,   ///< it serves its lane later: pause(), set_active_workers()
  error,    ///< its thread could not be had or configured; start() said why
};

/// The same, more closely.
enum class WorkerPhase : std::uint32_t {
  stopped = 0,
  created = 1,
  error = 2,
  paused = 3,  ///< asleep until it may take jobs again
  idle = 4,    ///< asleep, nothing to do
  ready = 5,   ///< between two jobs, or about to look for one
  in_job = 6,
};

/// What a worker was doing at one instant.
class WorkerActivity {
 public:
  constexpr WorkerActivity() noexcept = default;
  constexpr WorkerActivity(WorkerPhase phase, std::uint32_t since, bool is_task = false,
                           std::uint32_t number = 0) noexcept
      : word_(std::uint64_t{since} << kSinceShift | std::uint64_t{number} << kNumberShift |
              (is_task ? kTask : 0) | static_cast<std::uint64_t>(phase)) {}

  constexpr WorkerPhase phase() const noexcept {
    return static_cast<WorkerPhase>(word_ & kPhaseMask);
  }
  constexpr WorkerState state() const noexcept {
    switch (phase()) {
      case WorkerPhase::stopped:
        return WorkerState::stopped;
      case WorkerPhase::created:
        return WorkerState::created;
      case WorkerPhase::error:
        return WorkerState::error;
      case WorkerPhase::paused:
        return WorkerState::paused;
      default:
        return WorkerState::running;
    }
  }
  /// Of `in_job`: whether the job is a task's.
  constexpr bool is_task() const noexcept { return (word_ & kTask) != 0; }
  /// Of `in_job`: the task's number (Executor::task()), or the job's slot in its lane; a watched
  /// descriptor's job has a number from ExecutorLimits::jobs_per_lane on.
  constexpr std::uint32_t number() const noexcept {
    return static_cast<std::uint32_t>(word_ >> kNumberShift & kNumberMask);
  }
  /// One more with each change, restarts included.
  constexpr std::uint32_t since() const noexcept {
    return static_cast<std::uint32_t>(word_ >> kSinceShift);
  }

  friend constexpr bool operator==(WorkerActivity, WorkerActivity) noexcept = default;

 private:
  friend class ActivityWord;

  static constexpr std::uint64_t kPhaseMask = 7;
  static constexpr std::uint64_t kTask = 8;
  static constexpr unsigned kNumberShift = 16;
  static constexpr std::uint64_t kNumberMask = 0xFFFF;
  static constexpr unsigned kSinceShift = 32;

  explicit constexpr WorkerActivity(std::uint64_t word) noexcept : word_(word) {}

  std::uint64_t word_ = 0;
};

/// The word itself. Relaxed throughout: a figure, it orders nothing.
class ActivityWord {
 public:
  /// Blocks: no. Bound: wait-free. Callable from: the worker; before it has a thread, whoever
  /// starts it.
  void set(WorkerPhase phase, bool is_task = false, std::uint32_t number = 0) noexcept {
    word_.store(WorkerActivity(phase, get().since() + 1, is_task, number).word_,
                std::memory_order_relaxed);
  }
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  WorkerActivity get() const noexcept {
    return WorkerActivity(word_.load(std::memory_order_relaxed));
  }

 private:
  std::atomic<std::uint64_t> word_{0};
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_ACTIVITY_H_
