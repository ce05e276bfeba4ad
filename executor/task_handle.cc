// SPDX-License-Identifier: Apache-2.0
// What a caller does with a task: the second state machine at the head of task.h.
#include "takt/executor/task_handle.h"

#include <cerrno>

#include "takt/executor/executor.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {

detail::TaskSlot& TaskHandle::slot() const noexcept {
  TAKT_CHECK(valid(), "TaskHandle: refers to no task");
  return executor_->storage_.tasks[number_];
}

detail::LaneSlot& TaskHandle::lane() const noexcept {
  return executor_->storage_.lanes[static_cast<std::uint32_t>(lane_)];
}

bool TaskHandle::is_current() const noexcept {
  const detail::TaskSlot& task = slot();
  // acquire: pairs with the release of whoever changed the state. relaxed: it orders the rest.
  return task.state.load(std::memory_order_acquire) != TaskState::removed &&
         task.generation.load(std::memory_order_relaxed) == generation_;
}

TaskState TaskHandle::state() const noexcept {
  const detail::TaskSlot& task = slot();
  // acquire, relaxed: as in is_current().
  const TaskState state = task.state.load(std::memory_order_acquire);
  return task.generation.load(std::memory_order_relaxed) == generation_ ? state
                                                                        : TaskState::removed;
}

const char* TaskHandle::name() const noexcept { return slot().name; }

const TaskStats& TaskHandle::stats() const noexcept { return slot().stats; }

Status TaskHandle::removed(const char* call) noexcept {
  Text<Status::kTextBytes> text;
  text << call << ": the task was removed";
  return {StatusCode::failed_precondition, text.view()};
}

Status TaskHandle::release() noexcept {
  detail::TaskSlot& task = slot();
  detail::LaneSlot& own_lane = lane();
  LockGuard lock(own_lane.timer_mutex);
  if (!is_current()) return removed("release");
  Text<Status::kTextBytes> text;
  text << "release: task '" << task.name << "' ";
  const auto refuse = [&text](StatusCode code, const char* why) {
    text << why;
    return Status(code, text.view());
  };
  if (!task.sporadic) return refuse(StatusCode::failed_precondition, "is not sporadic");
  // relaxed: written under the timer mutex.
  const TaskState state = task.state.load(std::memory_order_relaxed);
  if (state != TaskState::active) {
    return refuse(StatusCode::failed_precondition,
                  state == TaskState::suspended ? "is suspended" : "is being removed");
  }
  if (own_lane.queue.closed()) {
    return refuse(StatusCode::failed_precondition, "belongs to an executor that does not run");
  }
  // acquire: pairs with the release in end_task(); the job's fields are the releaser's again.
  const bool idle = task.unfinished.load(std::memory_order_acquire) == 0;
  const std::int64_t arrival = to_ns(executor_->now());
  if (!task.rule.accepts(arrival, idle)) {
    task.stats.refused.add();
    return refuse(StatusCode::resource_exhausted,
                  "has all SporadicConfig::pending releases waiting");
  }
  const detail::ReleaseDecision decision = task.rule.arrived(arrival, idle);
  executor_->set_timer(own_lane, executor_->ready_index(number_), decision.timer);
  if (executor_->carry_out(own_lane, number_, decision, true)) return {};
  return refuse(StatusCode::failed_precondition, "belongs to an executor that does not run");
}

Status TaskHandle::suspend() noexcept {
  detail::TaskSlot& task = slot();
  detail::LaneSlot& own_lane = lane();
  LockGuard lock(own_lane.timer_mutex);
  // relaxed: written under the timer mutex.
  if (!is_current() || task.state.load(std::memory_order_relaxed) == TaskState::removing) {
    return removed("suspend");
  }
  executor_->set_timer(own_lane, executor_->ready_index(number_), to_ns(kNever));
  task.stats.skipped.add(task.rule.suspend());
  // release: pairs with the acquire in is_current().
  task.state.store(TaskState::suspended, std::memory_order_release);
  return {};
}

Status TaskHandle::resume() noexcept {
  detail::TaskSlot& task = slot();
  detail::LaneSlot& own_lane = lane();
  LockGuard lock(own_lane.timer_mutex);
  // relaxed, twice: written under the timer mutex.
  const TaskState state = task.state.load(std::memory_order_relaxed);
  if (!is_current() || state == TaskState::removing) return removed("resume");
  if (state == TaskState::active) return {};
  // release: pairs with the acquire in is_current().
  task.state.store(TaskState::active, std::memory_order_release);
  if (!own_lane.queue.closed()) {
    const std::int64_t timer = task.rule.resume(to_ns(executor_->now()));
    executor_->set_timer(own_lane, executor_->ready_index(number_), timer);
  }
  return {};
}

Status TaskHandle::set_period(Duration period) noexcept {
  detail::TaskSlot& task = slot();
  if (const char* wrong = detail::wrong_period(period); wrong != nullptr) {
    Text<Status::kTextBytes> text;
    text << "set_period: " << wrong;
    return {StatusCode::invalid_argument, text.view()};
  }
  detail::LaneSlot& own_lane = lane();
  LockGuard lock(own_lane.timer_mutex);
  // relaxed: written under the timer mutex.
  if (!is_current() || task.state.load(std::memory_order_relaxed) == TaskState::removing) {
    return removed("set_period");
  }
  task.period_ns = period.count();
  if (task.implicit_deadline) task.next_deadline_ns = period.count();
  task.stats.skipped.add(task.rule.set_period(period.count()));
  return {};
}

Status TaskHandle::remove_until_steady(TimePoint deadline) noexcept {
  detail::TaskSlot& task = slot();
  detail::LaneSlot& own_lane = lane();
  {
    LockGuard lock(own_lane.timer_mutex);
    if (!is_current() || task.destroying) return removed("remove");
    // acquire: pairs with the release in end_task().
    if (task.unfinished.load(std::memory_order_acquire) != 0 && executor_->is_worker(&own_lane)) {
      return {StatusCode::failed_precondition,
              "remove: a job of the task's own lane would wait for itself"};
    }
    executor_->set_timer(own_lane, executor_->ready_index(number_), to_ns(kNever));
    task.stats.skipped.add(task.rule.suspend());
    // release: pairs with the acquire in is_current().
    task.state.store(TaskState::removing, std::memory_order_release);
  }
  for (;;) {
    // acquire: pairs with the release in end_task(); the callable is nobody's then.
    std::uint32_t seen = task.unfinished.load(std::memory_order_acquire);
    // Another thread's remove() may have been first, and the slot be the next task's.
    if (seen == 0 || !is_current()) break;
    // relaxed: the bit carries no data; the sleep compares the whole word.
    if ((seen & detail::TaskSlot::kRemoving) == 0 &&
        !task.unfinished.compare_exchange_weak(seen, seen | detail::TaskSlot::kRemoving,
                                               std::memory_order_relaxed)) {
      continue;  // bounded: the word's bits are set once a job
    }
    const int error =
        executor_->sleep(task.unfinished, seen | detail::TaskSlot::kRemoving, deadline);
    if (error == EDEADLK) {
      return {StatusCode::failed_precondition,
              "remove: in virtual time nothing is left that could end its job"};
    }
    if (error == ETIMEDOUT && task.unfinished.load(std::memory_order_relaxed) != 0) {
      return {StatusCode::timed_out, "remove: the task's job has not ended in time"};
    }
  }
  {
    // After this the worker that ended the job has let go of the slot.
    LockGuard lock(own_lane.timer_mutex);
    if (!is_current() || task.destroying) return removed("remove");
    task.destroying = true;
  }
  task.thunk(detail::ThunkStep::destroy_callable, task.storage.bytes, nullptr);
  // Whoever holds the mutex and has seen the task current has a slot that nobody can take.
  LockGuard lock(own_lane.timer_mutex);
  // release: pairs with the acquire in add_task_with(), which may use the slot from now on.
  task.state.store(TaskState::removed, std::memory_order_release);
  return {};
}

}  // namespace takt::inline v0
