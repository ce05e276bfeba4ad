// SPDX-License-Identifier: Apache-2.0
#include "takt/executor/executor.h"

#include <algorithm>
#include <cstring>

#include "takt/platform/stack.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {

ExecutorBase::ExecutorBase(const detail::StorageView& storage,
                           detail::VirtualTime* virtual_time) noexcept
    : storage_(storage), virtual_time_(virtual_time), mark_(platform::ForkMark::here()) {
  const ExecutorLimits& limits = storage.limits;
  const std::size_t cells = std::size_t{kPriorityLevels} * storage.ready_capacity;
  const std::size_t words = SlotBitmap::words_for(limits.jobs_per_lane);
  for (std::uint32_t number = 0; number < limits.lanes; ++number) {
    detail::LaneSlot& lane = storage.lanes[number];
    lane.queue.attach(storage.cells + number * cells, storage.ready_capacity,
                      storage.free_slots + number * words, limits.jobs_per_lane);
    lane.jobs = storage.jobs + std::size_t{number} * limits.jobs_per_lane;
    if (const std::uint32_t timers = detail::timers_per_lane(limits); timers != 0) {
      const std::size_t indices = std::size_t{limits.jobs_per_lane} + limits.tasks;
      lane.timers.attach(storage.timers + std::size_t{number} * timers,
                         storage.timer_places + number * indices);
    }
  }
  for (std::uint32_t number = 0; storage.event_capacity != 0 && number < limits.workers; ++number) {
    storage.workers[number].events.attach(
        storage.events + std::size_t{number} * storage.event_capacity, storage.event_capacity);
  }
}

TimePoint detail::now_of(const Executor* executor) noexcept {
  return executor == nullptr ? now() : executor->now();
}

bool detail::has_virtual_time(const Executor* executor) noexcept {
  return executor != nullptr && executor->virtual_time_ != nullptr;
}

ExecutorBase::~ExecutorBase() {
  // A fork child has no workers, and no memory for them: MADV_DONTFORK.
  if (mark_.in_child()) return;
  // relaxed: nobody else may use an executor that is being destroyed.
  if (state_.load(std::memory_order_relaxed) != State::stopped) {
    Text<Status::kTextBytes + 64> text;
    text << "Executor destroyed while it runs: call stop() before";
    for (std::uint32_t number = 0; number < worker_count(); ++number) {
      const detail::WorkerSlot& worker = storage_.workers[number];
      if (worker.stats.activity.get().phase() == WorkerPhase::in_job) {
        text << "; " << stuck(worker).text();
      }
    }
    TAKT_CHECK(state_.load() == State::stopped, text.c_str());
  }
  for (std::uint32_t number = 0; number < task_count(); ++number) {
    detail::TaskSlot& task = storage_.tasks[number];
    // relaxed: nobody else may use it any more.
    if (task.state.load(std::memory_order_relaxed) == TaskState::removed) continue;
    task.thunk(detail::ThunkStep::destroy_callable, task.storage.bytes, nullptr);
  }
  release_descriptors();
  release_memory();
}

const char* ExecutorBase::why_closed(LaneId lane) const noexcept {
  // acquire: pairs with the release in begin_stop(), which comes before the lanes are closed.
  switch (state_.load(std::memory_order_acquire)) {
    case State::stopped:
      return "the executor is not started";
    case State::stopping:
      return "the executor is stopping";
    case State::running:
      break;
  }
  // Else it has been started meanwhile.
  return worker_count(lane) == 0 ? "the lane has no worker" : "the executor was not started yet";
}

Status ExecutorBase::refusal(const PostOptions& options) noexcept {
  const auto number = static_cast<std::uint32_t>(options.lane);
  Text<Status::kTextBytes> text;
  text << "post to lane " << number << ": ";
  if (number >= storage_.limits.lanes) {
    text << "there are " << storage_.limits.lanes << " lanes";
    return {StatusCode::invalid_argument, text.view()};
  }
  storage_.lanes[number].stats.rejected.add();
  if (static_cast<std::uint32_t>(options.priority) >= kPriorityLevels) {
    text << "no such priority";
    return {StatusCode::invalid_argument, text.view()};
  }
  if (storage_.lanes[number].queue.closed()) {
    text << why_closed(options.lane);
    return {StatusCode::failed_precondition, text.view()};
  }
  if (options.when_full > WhenFull::drop_oldest) {
    text << "it is full, and there is no such WhenFull";
    return {StatusCode::invalid_argument, text.view()};
  }
  if (options.when_full == WhenFull::wait) {
    if (is_worker(&storage_.lanes[number])) {
      text << "it is full, and its own worker would wait for itself";
      return {StatusCode::failed_precondition, text.view()};
    }
    // In real time: what virtual time cannot reach is no stop.
    if (virtual_time_ == nullptr && now() < options.wait_until) {
      text << "the executor stopped while it waited for a job slot";
      return {StatusCode::failed_precondition, text.view()};
    }
    text << "no job slot came free in time";
    return {StatusCode::timed_out, text.view()};
  }
  text << "all " << storage_.limits.jobs_per_lane << " job slots (jobs_per_lane) are in use";
  if (options.when_full == WhenFull::drop_oldest) text << ", and none can be dropped";
  return {StatusCode::resource_exhausted, text.view()};
}

Status ExecutorBase::take_back(Claim claim) noexcept {
  claim.lane->stats.rejected.add();
  discard(claim);
  return {StatusCode::failed_precondition,
          "post: the executor stops, or has not cleared up after it did"};
}

void ExecutorBase::discard(Claim claim) noexcept {
  claim.slot->thunk(detail::ThunkStep::destroy_callable, claim.slot->storage.bytes, nullptr);
  claim.lane->queue.release_slot(claim.index());
}

Status ExecutorBase::wait_for_time(Claim claim, TimePoint time,
                                   const PostOptions& options) noexcept {
  // kNever is a time, too: INT64_MAX would be no timer.
  claim.slot->release_ns = std::min(to_ns(time), INT64_MAX - 1);
  claim.slot->deadline_ns = to_ns(options.deadline);
  claim.slot->level = options.priority;
  detail::LaneSlot& lane = *claim.lane;
  const std::uint32_t room = std::min(storage_.limits.timers, storage_.limits.jobs_per_lane);
  bool full = false;
  {
    LockGuard lock(lane.timer_mutex);
    full = lane.timed_jobs == room;
    if (!full && !lane.queue.closed()) {
      ++lane.timed_jobs;
      set_timer(lane, claim.index(), claim.slot->release_ns);
      return {};
    }
  }
  if (!full) return take_back(claim);
  lane.stats.rejected.add();
  discard(claim);
  Text<Status::kTextBytes> text;
  text << "post_at: all " << room << " timers of lane " << static_cast<std::uint32_t>(options.lane)
       << " are in use (ExecutorLimits::timers)";
  return {StatusCode::resource_exhausted, text.view()};
}

void ExecutorBase::cancel_timed_jobs(detail::WorkerSlot& worker) noexcept {
  detail::LaneSlot& lane = *worker.lane;
  for (;;) {
    std::uint32_t index = 0;
    {
      LockGuard lock(lane.timer_mutex);
      if (lane.timed_jobs == 0) return;
      index = lane.timers.front().item;
      lane.timers.set(index, INT64_MAX);
      if (index >= storage_.limits.jobs_per_lane) continue;  // a task: start() sets its timer anew
      --lane.timed_jobs;
    }
    discard({&lane.jobs[index], &lane});
    worker.stats.cancelled.add();
  }
}

WorkerActivity Executor::worker_activity(std::uint32_t worker, TimePoint at) const noexcept {
  const detail::WorkerSlot& slot = worker_slot(worker);
  const WorkerActivity activity = slot.stats.activity.get();
  const WorkerPhase phase = activity.phase();
  if (phase != WorkerPhase::idle && phase != WorkerPhase::paused) return activity;
  // Not `lane`: start() may write the slot anew meanwhile.
  // acquire: pairs with the release in configure_workers().
  const std::uint32_t address = slot.address.load(std::memory_order_acquire);
  const Lane& lane = storage_.lanes[address / detail::kWorkersOfLane].queue;
  const std::uint32_t number = address % detail::kWorkersOfLane;
  // One that rests may be called by a waker who comes late, and rests on.
  const bool called =
      phase == WorkerPhase::idle ? lane.is_called(number, to_ns(at)) : lane.is_active(number);
  return called ? WorkerActivity(WorkerPhase::ready, activity.since()) : activity;
}

std::size_t Executor::stack_high_water(std::uint32_t worker) const noexcept {
  return platform::stack_high_water(worker_slot(worker).stack);
}

std::size_t Executor::stack_bytes(std::uint32_t worker) const noexcept {
  return platform::usable_stack(worker_slot(worker).stack).size();
}

}  // namespace takt::inline v0
