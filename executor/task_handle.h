// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_TASK_HANDLE_H_
#define TAKT_EXECUTOR_TASK_HANDLE_H_

#include <chrono>
#include <cstdint>

#include "takt/executor/task.h"
#include "takt/executor/virtual_time.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

class Executor;
class ExecutorBase;
namespace detail {
struct LaneSlot;
}  // namespace detail

/// Refers to a task of an executor, which must outlive it. Copyable; a handle of a task that was
/// removed is stale, and says so, also when another task has taken its place.
class TaskHandle {
 public:
  TaskHandle() noexcept = default;

  /// Whether it was made from a task. Blocks: no. Callable from: any thread, as everything here.
  bool valid() const noexcept { return executor_ != nullptr; }
  /// What the task is doing; removed for a stale handle. Blocks: no. Must be valid(), here and
  /// below, else aborts.
  TaskState state() const noexcept;
  /// The task's name, and what it held until now. Blocks: no. Of a task that was removed: what was
  /// left behind, until the slot is another's; name() must not be called beside the add_task() that
  /// takes the slot.
  const char* name() const noexcept;
  const TaskStats& stats() const noexcept;

  /// Releases a job of a sporadic task, now or as soon as min_interarrival and the job before
  /// allow. Blocks: no, but for others who set timers of the lane. Bound: O(log(timers + tasks))
  /// and O(workers), and a system call or two if workers sleep. Callable from: any thread, jobs
  /// included. Errors: resource_exhausted: too many releases wait (counted in TaskStats::refused);
  /// failed_precondition: not sporadic, removed, suspended, or the executor does not run.
  Status release() noexcept;

  /// No more releases until resume(). A job that waits or runs is not touched; releases that were
  /// kept back are skipped. Blocks, bound: as release(). Errors: failed_precondition: removed.
  Status suspend() noexcept;
  /// Releases again, from the next point of the task's grid on. Blocks, bound, errors: as
  /// suspend().
  Status resume() noexcept;

  /// Sets the period from the next release on, which stays where it is (a change from an hour to a
  /// millisecond acts within the hour; suspend() and resume() do not shorten that); for a sporadic
  /// task the least time between releases. A deadline that was the period's changes with it;
  /// releases that were kept back are skipped. Blocks, bound: as release(). Errors:
  /// invalid_argument; failed_precondition: removed.
  Status set_period(Duration period) noexcept;

  /// Removes the task: no more releases, its callable is destroyed, its slot is free.
  /// Blocks: until its job, if there is one, has ended: one that waits in a paused lane does so
  /// after resume(lane) or a stop only. Callable from: any thread. Errors: failed_precondition:
  /// removed before, or called by a worker of the task's lane while a job of
  /// the task is unfinished, for which it would wait for ever; then nothing was done.
  Status remove() noexcept { return remove_until_steady(kNever); }
  /// As remove(), at most until `deadline`, of any clock. Errors: and timed_out: no job will be
  /// released any more, call it again.
  template <class OtherClock, class OtherDuration>
  Status remove_until(const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    Status status;
    detail::attempt_until(executor_, deadline, [&](TimePoint at) {
      status = remove_until_steady(at);
      return status.code() != StatusCode::timed_out;
    });
    return status;
  }
  /// As remove(), at most for `timeout`.
  template <class Rep, class Period>
  Status remove_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return remove_until(saturating_add(detail::now_of(executor_), timeout));
  }

 private:
  friend class Executor;
  friend class ExecutorBase;
  friend class ManualExecutorBase;
  TaskHandle(Executor* executor, std::uint32_t number, std::uint32_t generation,
             LaneId lane) noexcept
      : executor_(executor), number_(number), generation_(generation), lane_(lane) {}

  detail::TaskSlot& slot() const noexcept;
  /// The lane of the handle's task: a slot that is used anew may be in another.
  detail::LaneSlot& lane() const noexcept;
  /// Whether the task is still the handle's and not removed; decisive under the timer mutex.
  bool is_current() const noexcept;
  /// failed_precondition, with the name of the call.
  static Status removed(const char* call) noexcept;
  Status remove_until_steady(TimePoint deadline) noexcept;

  Executor* executor_ = nullptr;
  std::uint32_t number_ = 0;
  std::uint32_t generation_ = 0;
  LaneId lane_{0};
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_TASK_HANDLE_H_
