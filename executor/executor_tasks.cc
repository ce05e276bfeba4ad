// SPDX-License-Identifier: Apache-2.0
// Tasks: adding them, and releasing their jobs as their ReleaseRule decides.
#include "takt/executor/executor.h"
#include "takt/executor/name.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {

Status ExecutorBase::check_task(const detail::TaskSetup& setup) const noexcept {
  Text<Status::kTextBytes> text;
  text << "task '" << (setup.name != nullptr ? setup.name : "") << "': ";
  const auto invalid = [&text](const char* what) {
    text << what;
    return Status(StatusCode::invalid_argument, text.view());
  };
  if (!detail::is_name(setup.name)) return invalid("a name has 1 to 15 characters");
  if (const auto lane = static_cast<std::uint32_t>(setup.lane); lane >= storage_.limits.lanes) {
    text << "no lane " << lane << ", there are " << storage_.limits.lanes;
    return invalid(" (ExecutorLimits::lanes)");
  }
  if (static_cast<std::uint32_t>(setup.priority) >= kPriorityLevels) {
    return invalid("no such priority");
  }
  if (const char* wrong = detail::wrong_period(setup.period); wrong != nullptr) {
    return invalid(setup.sporadic ? "min_interarrival is no period: 1 us to 73 years" : wrong);
  }
  if (setup.offset < Duration::zero() || setup.deadline < Duration::zero()) {
    return invalid("offset and deadline must not be negative");
  }
  if (setup.wcet < Duration::zero() || setup.budget < Duration::zero()) {
    return invalid("wcet and budget must not be negative");
  }
  if (!setup.sporadic && setup.overrun.kind() == Overrun::Kind::catch_up &&
      setup.overrun.pending() == 0) {
    return invalid("catch_up(0) would catch up nothing: use skip()");
  }
  if (setup.sporadic && setup.overrun.pending() > kMaxPendingReleases) {
    return invalid("SporadicConfig::pending is 0 to 4");
  }
  return {};
}

Result<TaskHandle> ExecutorBase::add_task_with(const detail::TaskSetup& setup, detail::Thunk thunk,
                                               Mover mover, void* callable) noexcept {
  if (Status status = check_task(setup); !status.ok()) return status;
  Text<Status::kTextBytes> text;
  text << "task '" << setup.name << "': ";

  LockGuard lock(task_mutex_);
  if (running() && worker_count(setup.lane) == 0) {
    text << "lane " << static_cast<std::uint32_t>(setup.lane) << " has no worker";
    return Status(StatusCode::failed_precondition, text.view());
  }
  // relaxed, here and below: written under the mutex only.
  const std::uint32_t count = task_count_.load(std::memory_order_relaxed);
  std::uint32_t number = 0;
  // acquire: pairs with the release in TaskHandle::remove(); the slot's last user is done with it.
  while (number < count &&
         storage_.tasks[number].state.load(std::memory_order_acquire) != TaskState::removed) {
    ++number;
  }
  if (number == storage_.limits.tasks) {
    text << "all " << number << " task slots (ExecutorLimits::tasks) are in use";
    return Status(StatusCode::resource_exhausted, text.view());
  }
  TaskHistograms* const histograms = setup.histograms ? free_histograms() : nullptr;
  if (setup.histograms && histograms == nullptr) {
    text << "all " << storage_.limits.histograms << " ExecutorLimits::histograms are in use";
    return Status(StatusCode::resource_exhausted, text.view());
  }
  detail::TaskSlot& task = storage_.tasks[number];
  task.stats.reset();
  mover(task.storage.bytes, callable);
  task.thunk = thunk;
  detail::copy_name(task.name, setup.name);
  task.priority = setup.priority;
  task.overrun = setup.overrun;
  task.sporadic = setup.sporadic;
  task.implicit_deadline = setup.deadline == Duration::zero();
  task.period_ns = setup.period.count();
  task.offset_ns = setup.offset.count();
  task.next_deadline_ns = (task.implicit_deadline ? setup.period : setup.deadline).count();
  task.budget_ns = setup.budget.count();
  task.on_miss = setup.on_miss;
  task.miss_argument = setup.miss_argument;
  task.finished_ns = 0;
  task.histograms = histograms;
  // release: pairs with the acquire of who reads a task's figures; it finds them begun anew.
  task.stats.histograms.store(histograms, std::memory_order_release);
  task.destroying = false;
  // Until the rule has begun nobody touches the task through executor.task().
  LockGuard timer_lock(storage_.lanes[static_cast<std::uint32_t>(setup.lane)].timer_mutex);
  // Not before: resume() of the lane that the slot was in must not take it for its own.
  task.lane.store(setup.lane, std::memory_order_relaxed);
  const std::uint32_t generation = task.generation.load(std::memory_order_relaxed) + 1;
  // release: pairs with the acquire in task(); who sees the generation sees the lane.
  task.generation.store(generation, std::memory_order_release);
  // release: pairs with the acquire in TaskHandle, resume() and task_count(); who sees the task
  // active or counted sees all of it.
  task.state.store(TaskState::active, std::memory_order_release);
  if (number == count) task_count_.store(number + 1, std::memory_order_release);
  if (running()) schedule(number, epoch(), now());
  return TaskHandle(self(), number, generation, setup.lane);
}

TaskHistograms* ExecutorBase::free_histograms() noexcept {
  for (std::uint32_t number = 0; number < storage_.limits.histograms; ++number) {
    TaskHistograms* const candidate = &storage_.histograms[number];
    bool used = false;
    // relaxed: under the task mutex. acquire: as in add_task_with(), the last user is done with it.
    for (std::uint32_t at = 0; at < task_count_.load(std::memory_order_relaxed); ++at) {
      const detail::TaskSlot& task = storage_.tasks[at];
      used = used || (task.histograms == candidate &&
                      task.state.load(std::memory_order_acquire) != TaskState::removed);
    }
    if (used) continue;
    // Removed tasks show it until now. relaxed: as above. release: as in add_task_with().
    for (std::uint32_t at = 0; at < task_count_.load(std::memory_order_relaxed); ++at) {
      detail::TaskSlot& task = storage_.tasks[at];
      if (task.histograms != candidate) continue;
      task.histograms = nullptr;
      task.stats.histograms.store(nullptr, std::memory_order_release);
    }
    candidate->reset();
    return candidate;
  }
  return nullptr;
}

void ExecutorBase::schedule(std::uint32_t number, TimePoint epoch, TimePoint from) noexcept {
  detail::TaskSlot& task = storage_.tasks[number];
  // relaxed: written under the mutexes held here.
  const TaskState state = task.state.load(std::memory_order_relaxed);
  if (state == TaskState::removed) return;
  if (task.sporadic) {
    task.rule.start_sporadic(task.period_ns, task.overrun.pending());
  } else {
    const std::int64_t first = to_ns(saturating_add(epoch, Duration(task.offset_ns)));
    task.rule.start(task.overrun, task.period_ns, first);
    // A late task joins at the next point of its grid, not at one in the past.
    task.rule.resume(to_ns(from));
  }
  if (state == TaskState::active) {
    set_timer(lane_of(task), ready_index(number), task.rule.timer());
  }
}

void ExecutorBase::set_timer(detail::LaneSlot& lane, std::uint32_t number,
                             std::int64_t when) noexcept {
  const std::int64_t before = lane.timers.earliest();
  lane.timers.set(number, when);
  const std::int64_t earliest = lane.timers.earliest();
  if (earliest != before) lane.queue.set_next_release(earliest, earliest < before);
}

std::uint32_t ExecutorBase::release_due(const detail::WorkerSlot& worker,
                                        std::int64_t now_ns) noexcept {
  detail::LaneSlot& lane = *worker.lane;
  LockGuard lock(lane.timer_mutex);
  std::uint32_t taken = Lane::kNone;
  if (lane.queue.closed()) {
    lane.queue.set_next_release(to_ns(kNever), false);
    return taken;
  }
  while (lane.timers.earliest() <= now_ns) {
    const std::uint32_t index = lane.timers.front().item;
    if (index < storage_.limits.jobs_per_lane) {
      // Published late where the ring has no room until a worker has passed withdrawn jobs.
      const bool published = lane.queue.publish_quietly(lane.jobs[index].level, index);
      lane.timers.set(index, published ? INT64_MAX : now_ns + 1'000);
      if (published) --lane.timed_jobs;
      continue;
    }
    const std::uint32_t number = index - storage_.limits.jobs_per_lane;
    detail::TaskSlot& task = storage_.tasks[number];
    // acquire: pairs with the release in end_task(); the job's fields are the releaser's again.
    const bool idle = task.unfinished.load(std::memory_order_acquire) == 0;
    const detail::ReleaseDecision decision =
        task.rule.due(now_ns, idle, idle ? task.finished_ns : 0);
    lane.timers.set(index, decision.timer);
    // The last of this look, with nothing before it: as if it were published and taken at once.
    if (decision.release && lane.timers.earliest() > now_ns && is_next(worker, task.priority)) {
      note_decision(number, decision);
      prepare_job(task, decision);
      task.stats.releases.add();
      taken = index;
    } else {
      carry_out(lane, number, decision, false);
    }
  }
  lane.queue.set_next_release(lane.timers.earliest(), false);
  return taken;
}

bool ExecutorBase::is_next(const detail::WorkerSlot& worker, Priority priority) const noexcept {
  const Lane& queue = worker.lane->queue;
  const auto level = static_cast<std::uint32_t>(priority);
  return !queue.watched() && worker.directed.level() > level &&
         queue.inbox(worker.number_in_lane).empty() && queue.nothing_ready(level + 1);
}

void ExecutorBase::note_decision(std::uint32_t number,
                                 const detail::ReleaseDecision& decision) noexcept {
  detail::TaskSlot& task = storage_.tasks[number];
  if (virtual_time_ != nullptr) virtual_time_->decided(task, decision);
  task.stats.overruns.add(decision.overruns);
  if (decision.overruns != 0) note_overrun(number, task.index);
  task.stats.skipped.add(decision.lost);
}

void ExecutorBase::prepare_job(detail::TaskSlot& task,
                               const detail::ReleaseDecision& decision) noexcept {
  task.release_ns = decision.when;
  task.deadline_ns = task.next_deadline_ns;
  task.abort_ns = task.overrun.kind() == Overrun::Kind::abort
                      ? to_ns(saturating_add(from_ns(decision.when), Duration(task.period_ns)))
                      : to_ns(kNever);
  task.index = decision.index;
  task.skipped = decision.skipped;
  // relaxed: only the releaser reads it before the worker, who is that or to whom the ready ring
  // publishes it.
  task.unfinished.store(
      detail::TaskSlot::kUnfinished | (decision.await_finish ? detail::TaskSlot::kAwaited : 0),
      std::memory_order_relaxed);
}

bool ExecutorBase::carry_out(detail::LaneSlot& lane, std::uint32_t number,
                             const detail::ReleaseDecision& decision, bool wake) noexcept {
  detail::TaskSlot& task = storage_.tasks[number];
  note_decision(number, decision);
  if (!decision.release) {
    // The job may have ended meanwhile: then this is its end.
    return !decision.await_finish || await_finish(task) || finish_awaited(lane, number, wake);
  }
  prepare_job(task, decision);
  const std::uint32_t index = ready_index(number);
  if (wake ? lane.queue.publish(task.priority, index)
           : lane.queue.publish_quietly(task.priority, index)) {
    task.stats.releases.add();
    return true;
  }
  // The lane has closed, or its ring is not yet cleared up after that.
  // relaxed: as in prepare_job().
  task.unfinished.store(0, std::memory_order_relaxed);
  task.stats.skipped.add();
  return false;
}

bool ExecutorBase::await_finish(detail::TaskSlot& task) noexcept {
  // relaxed, here and below: the bit carries no data; who finds it takes the timer mutex.
  std::uint32_t seen = task.unfinished.load(std::memory_order_relaxed);
  while (seen != 0) {
    if (task.unfinished.compare_exchange_weak(seen, seen | detail::TaskSlot::kAwaited,
                                              std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

bool ExecutorBase::finish_awaited(detail::LaneSlot& lane, std::uint32_t number,
                                  bool wake) noexcept {
  detail::TaskSlot& task = storage_.tasks[number];
  // acquire: pairs with the release in end_task(); the job's fields are the releaser's again.
  static_cast<void>(task.unfinished.load(std::memory_order_acquire));
  // relaxed: written under the timer mutex.
  if (lane.queue.closed() || task.state.load(std::memory_order_relaxed) != TaskState::active) {
    task.stats.skipped.add(task.rule.suspend());
    return false;
  }
  const detail::ReleaseDecision decision = task.rule.finished(task.finished_ns);
  set_timer(lane, ready_index(number), decision.timer);
  return carry_out(lane, number, decision, wake);
}

void ExecutorBase::end_task(detail::TaskSlot& task, std::int64_t finish_ns) noexcept {
  task.finished_ns = finish_ns;
  std::uint32_t seen = detail::TaskSlot::kUnfinished;
  // release: pairs with the acquire in release_due(), and in whoever waits for the task's end.
  if (task.unfinished.compare_exchange_strong(seen, 0, std::memory_order_release,
                                              std::memory_order_relaxed)) {
    return;  // the last touch
  }
  detail::LaneSlot& lane = lane_of(task);
  LockGuard lock(lane.timer_mutex);
  // release: as above.
  seen = task.unfinished.exchange(0, std::memory_order_release);
  if ((seen & detail::TaskSlot::kAwaited) != 0) finish_awaited(lane, number_of(task), false);
  // Who waits in remove() takes the mutex before the slot becomes another task's.
  if ((seen & detail::TaskSlot::kRemoving) != 0) ThreadEnv::wake(task.unfinished, kEverybody);
}

}  // namespace takt::inline v0
