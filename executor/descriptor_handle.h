// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_DESCRIPTOR_HANDLE_H_
#define TAKT_EXECUTOR_DESCRIPTOR_HANDLE_H_

#include <chrono>
#include <cstdint>

#include "takt/executor/descriptor.h"
#include "takt/executor/virtual_time.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

class Executor;
class ExecutorBase;
namespace detail {
struct LaneSlot;
}  // namespace detail

/// Refers to a descriptor that an executor watches; the executor must outlive it. Copyable; a
/// handle of what was removed is stale, and says so, also when something else has taken its place.
class DescriptorHandle {
 public:
  DescriptorHandle() noexcept = default;

  /// Whether it was made by watch(). Blocks: no. Callable from: any thread, as everything here.
  bool valid() const noexcept { return executor_ != nullptr; }
  /// What the descriptor is doing; removed for a stale handle. Blocks: no. Must be valid(), here
  /// and below, else aborts.
  DescriptorState state() const noexcept;
  /// What it held until now; of one that was removed: what was left behind, until the slot is
  /// another's. Blocks: no.
  const DescriptorStats& stats() const noexcept;

  /// No more jobs until resume(): backpressure. A job that waits or runs is not touched; its own
  /// may call it. What comes meanwhile stays in the descriptor. Blocks: no, but for others at the
  /// lane's descriptors. Bound: O(1). Errors: failed_precondition: removed, or lost.
  Status suspend() noexcept;
  /// Jobs again; what the descriptor is ready for now makes one, and perhaps what it was ready for
  /// before suspend(): such a job may find nothing to read. Also after a hang-up, when the
  /// other end may have come back: from the job that was told of it on, which may call it itself.
  /// Blocks: as suspend(). Bound: one system call. Errors: failed_precondition: removed, or lost;
  /// not_found, invalid_argument: it was closed; it is lost.
  Status resume() noexcept;

  /// Watches it no longer; the callable is destroyed and the slot free. Then it may be closed.
  /// Blocks: until its job, if there is one, has ended: one that waits in a paused lane does so
  /// after resume(lane) or a stop only. Errors: failed_precondition: removed before, or called by a
  /// worker of its lane while a job of it is unfinished, for which it would wait for ever; then
  /// nothing was done: see request_remove().
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

  /// Begins a removal and waits for nothing: for the descriptor's own job, at the end of a stream.
  /// The kernel has let go of the descriptor when it returns, so it may be closed; the worker
  /// destroys the callable behind the job. Blocks: as suspend(). Errors: failed_precondition:
  /// removed before.
  Status request_remove() noexcept;

 private:
  friend class ExecutorBase;
  DescriptorHandle(Executor* executor, std::uint32_t number, std::uint32_t generation,
                   LaneId lane) noexcept
      : executor_(executor), number_(number), generation_(generation), lane_(lane) {}

  detail::DescriptorSlot& slot() const noexcept;
  /// The lane of the handle's descriptor: a slot that is used anew may be in another.
  detail::LaneSlot& lane() const noexcept;
  /// Whether it is still the handle's and not removed; decisive under the descriptor mutex.
  bool is_current() const noexcept;
  Status remove_until_steady(TimePoint deadline) noexcept;
  /// Waits until the job that waits or runs has ended.
  Status await_end(TimePoint deadline) const noexcept;

  Executor* executor_ = nullptr;
  std::uint32_t number_ = 0;
  std::uint32_t generation_ = 0;
  LaneId lane_{0};
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_DESCRIPTOR_HANDLE_H_
