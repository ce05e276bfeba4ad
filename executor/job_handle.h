// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_JOB_HANDLE_H_
#define TAKT_EXECUTOR_JOB_HANDLE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "takt/executor/job.h"
#include "takt/executor/limits.h"
#include "takt/executor/options.h"
#include "takt/executor/virtual_time.h"
#include "takt/platform/result.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

class Executor;
class JobHandleBase;

namespace detail {
class HelperJobs;
struct LaneSlot;
/// The executor of the first job; null without one.
const Executor* executor_of(std::span<JobHandleBase* const> jobs) noexcept;
Status wait_all_steady(std::span<JobHandleBase* const> jobs, TimePoint deadline) noexcept;
Result<std::size_t> wait_any_steady(std::span<JobHandleBase* const> jobs,
                                    TimePoint deadline) noexcept;
}  // namespace detail

/// A submitted job, whatever its result. Move-only; dropping it detaches the job, which runs all
/// the same. Its slot is taken until the job is over and the handle gone. The executor must outlive
/// it. Owned by one thread at a time.
class JobHandleBase {
 public:
  JobHandleBase() noexcept = default;
  JobHandleBase(JobHandleBase&& other) noexcept
      : executor_(std::exchange(other.executor_, nullptr)),
        lane_(other.lane_),
        slot_(other.slot_),
        generation_(other.generation_) {}
  JobHandleBase& operator=(JobHandleBase&& other) noexcept {
    if (this != &other) {
      detach();
      executor_ = std::exchange(other.executor_, nullptr);
      lane_ = other.lane_;
      slot_ = other.slot_;
      generation_ = other.generation_;
    }
    return *this;
  }
  ~JobHandleBase() { detach(); }

  /// Whether it refers to a job. Blocks: no. Callable from: the owner, as everything here.
  bool valid() const noexcept { return executor_ != nullptr; }

  /// What became of the job. Blocks: no. Bound: wait-free. Aborts when not valid().
  JobState state() const noexcept;

  /// Ends the job before it begins. True: it never ran and never will, and its callable has been
  /// destroyed; also when it was dropped or cancelled before. False: it has begun, or has run, or
  /// is just being cancelled by a stop or dropped from a full lane: wait() tells. Blocks: no.
  /// Bound: lock-free.
  bool cancel() noexcept;

  /// cancel(), and if the job has begun, waits until it is over: on return with ok its callable is
  /// destroyed and touches no memory. The job is not asked to return.
  /// Blocks: until then; where another thread is about to drop the job, for that thread. Callable
  /// from: the owner; a job only for a job of another lane. Errors: failed_precondition: called by
  /// a worker of the job's own lane, while the job runs.
  Status cancel_and_wait() noexcept { return cancel_and_wait_steady(kNever); }
  /// As cancel_and_wait(), at most until `deadline`, of any clock. Errors: and timed_out.
  template <class OtherClock, class OtherDuration>
  Status cancel_and_wait_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    Status status;
    detail::attempt_until(executor_, deadline, [&](TimePoint at) {
      status = cancel_and_wait_steady(at);
      return status.code() != StatusCode::timed_out;
    });
    return status;
  }
  /// As cancel_and_wait(), at most for `timeout`.
  template <class Rep, class Period>
  Status cancel_and_wait_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return cancel_and_wait_until(deadline_after(timeout));
  }

  /// Lets the job go its own way; the handle becomes invalid. Blocks: no.
  void detach() noexcept;

 protected:
  JobHandleBase(Executor* executor, LaneId lane, std::uint32_t slot,
                std::uint32_t generation) noexcept
      : executor_(executor), lane_(lane), slot_(slot), generation_(generation) {}

  /// Waits until the job is over: ok when it completed, else failed, cancelled, dropped, timed_out,
  /// or failed_precondition where the wait could never end.
  Status wait_until_over(TimePoint deadline) const noexcept;
  void* storage() const noexcept;
  /// As takt::deadline_after(), on the executor's clock.
  template <class Rep, class Period>
  TimePoint deadline_after(std::chrono::duration<Rep, Period> timeout) const noexcept {
    return saturating_add(detail::now_of(executor_), timeout);
  }
  Executor* executor() const noexcept { return executor_; }

 private:
  friend class Executor;
  friend class detail::HelperJobs;
  friend const Executor* detail::executor_of(std::span<JobHandleBase* const>) noexcept;
  friend Result<std::size_t> detail::wait_any_steady(std::span<JobHandleBase* const>,
                                                     TimePoint) noexcept;
  friend Status detail::wait_all_steady(std::span<JobHandleBase* const>, TimePoint) noexcept;

  Status cancel_and_wait_steady(TimePoint deadline) noexcept;
  detail::LaneSlot& lane() const noexcept;
  detail::JobSlot& slot() const noexcept;
  /// Whether the caller serves the job's lane.
  bool is_of_own_lane() const noexcept;
  /// Waits until the job is over, also from its own lane: for jobs that surely end without it.
  Status sleep_until_over(TimePoint deadline) const noexcept;

  Executor* executor_ = nullptr;
  LaneId lane_{0};
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
};

/// Waits until each of the jobs is over, however it ended; state() and the handle's own wait tell.
/// Blocks: until then. Bound: O(jobs). Callable from: the owner of the handles; a job only for jobs
/// of other lanes. All must be valid(), else aborts. Errors: failed_precondition: called by a
/// worker of the lane of a job that is not over.
inline Status wait_all(std::span<JobHandleBase* const> jobs) noexcept {
  return detail::wait_all_steady(jobs, kNever);
}
/// As wait_all(), at most until `deadline`, of any clock. Errors: and timed_out.
template <class OtherClock, class OtherDuration>
Status wait_all_until(std::span<JobHandleBase* const> jobs,
                      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
  Status status;
  detail::attempt_until(detail::executor_of(jobs), deadline, [&](TimePoint at) {
    status = detail::wait_all_steady(jobs, at);
    return status.code() != StatusCode::timed_out;
  });
  return status;
}
/// As wait_all(), at most for `timeout`.
template <class Rep, class Period>
Status wait_all_for(std::span<JobHandleBase* const> jobs,
                    const std::chrono::duration<Rep, Period>& timeout) noexcept {
  return wait_all_until(jobs, saturating_add(detail::now_of(detail::executor_of(jobs)), timeout));
}

/// Waits until at least one of the jobs is over, and says which: the first of those that are.
/// Blocks: until then. Bound: O(jobs) each time one of them ends. Callable from: as wait_all(); all
/// jobs must be of one executor, and there must be one, else aborts. Errors: as wait_all().
inline Result<std::size_t> wait_any(std::span<JobHandleBase* const> jobs) noexcept {
  return detail::wait_any_steady(jobs, kNever);
}
/// As wait_any(), at most until `deadline`, of any clock. Errors: and timed_out.
template <class OtherClock, class OtherDuration>
Result<std::size_t> wait_any_until(
    std::span<JobHandleBase* const> jobs,
    const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
  Result<std::size_t> which = Status(StatusCode::timed_out, "wait_any: no job was over in time");
  detail::attempt_until(detail::executor_of(jobs), deadline, [&](TimePoint at) {
    which = detail::wait_any_steady(jobs, at);
    return which.code() != StatusCode::timed_out;
  });
  return which;
}
/// As wait_any(), at most for `timeout`.
template <class Rep, class Period>
Result<std::size_t> wait_any_for(std::span<JobHandleBase* const> jobs,
                                 const std::chrono::duration<Rep, Period>& timeout) noexcept {
  return wait_any_until(jobs, saturating_add(detail::now_of(detail::executor_of(jobs)), timeout));
}

/// The handle of a job that returns R. The result is moved out by the first wait that succeeds.
template <class R>
class JobHandle : public JobHandleBase {
 public:
  /// What a wait gives: the value, or for R = void just the Status.
  using WaitResult = std::conditional_t<std::is_void_v<R>, Status,
                                        Result<std::conditional_t<std::is_void_v<R>, int, R>>>;

  JobHandle() noexcept = default;

  /// Waits until the job is over and takes its result.
  /// Blocks: until then. Callable from: the owner; a job only for a job of another lane.
  /// Errors: failed (it threw); cancelled; dropped; failed_precondition: called by a worker of the
  /// job's own lane, which could wait for itself, or the result was taken before.
  WaitResult wait() noexcept { return take(wait_until_over(kNever)); }

  /// As wait(), at most until `deadline`, of any clock. Errors: and timed_out.
  template <class OtherClock, class OtherDuration>
  WaitResult wait_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    Status status;
    detail::attempt_until(executor(), deadline, [&](TimePoint at) {
      status = wait_until_over(at);
      return status.code() != StatusCode::timed_out;
    });
    return take(status);
  }

  /// As wait(), at most for `timeout`. Errors: and timed_out.
  template <class Rep, class Period>
  WaitResult wait_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return wait_until(deadline_after(timeout));
  }

  /// When the job is over, `function(outcome)` becomes a job with these options; `outcome` is what
  /// wait() gives: the result, or how the job ended without one. The handle becomes invalid; the
  /// new job keeps it, so a job that is continued cannot be waited for or cancelled. The new job's
  /// slot is taken now: a lane that is full later does not lose it. Of its 48 bytes the handle
  /// takes 24 (16 where pointers have 32 bits), the function may have the rest.
  /// stop(StopMode::drain) runs it, stop(StopMode::cancel) ends it cancelled.
  /// Blocks: no, or for a slot as WhenFull::wait says. Bound: as Executor::post(). Callable from:
  /// the owner, jobs included. Errors: as Executor::post(); the handle is then as it was, but that
  /// its own job may be the one that WhenFull::drop_oldest dropped before the lane closed.
  template <class Function>
  Status then(Function&& function, const PostOptions& options = {}) noexcept;

 private:
  friend class Executor;
  using JobHandleBase::JobHandleBase;

  WaitResult take(const Status& status) noexcept {
    if constexpr (std::is_void_v<R>) {
      return status;
    } else {
      if (!status.ok()) return status;
      if (std::exchange(taken_, true)) {
        return Status(StatusCode::failed_precondition, "job: its result was taken before");
      }
      return std::move(*static_cast<R*>(storage()));
    }
  }

  bool taken_ = false;
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_JOB_HANDLE_H_
