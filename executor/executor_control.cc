// SPDX-License-Identifier: Apache-2.0
// start() and stop(): the state machine at the head of executor_base.h.
#include <cerrno>
#include <memory>
#include <string_view>

#include "takt/executor/executor.h"
#include "takt/executor/name.h"
#include "takt/platform/check.h"
#include "takt/platform/memory.h"
#include "takt/platform/stack.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {
namespace {

/// "worker 'name': what", with the code and errno of `status`.
Status about_worker(const char* name, const Status& status) noexcept {
  Text<Status::kTextBytes> thread;
  thread << "thread '" << name << "': ";
  std::string_view what(status.text());
  if (what.starts_with(thread.view())) what.remove_prefix(thread.size());  // the same name
  Text<Status::kTextBytes> text;
  text << "worker '" << name << "': " << what;
  return {status.code(), text.view(), status.error_number()};
}

/// What the kernel counts when it locks `region`: whole pages.
std::size_t locked_bytes(std::span<const std::byte> region) noexcept {
  const std::size_t page = platform::page_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(region.data()) / page;
  const auto end =
      (reinterpret_cast<std::uintptr_t>(region.data() + region.size()) + page - 1) / page;
  return (end - begin) * page;
}

/// What a thread's refused start() means here.
Status about_start(const detail::WorkerSlot& worker, const Status& status) noexcept {
  const Status named = about_worker(worker.name, status);
  if (platform::usable_stack(worker.stack).size() >= platform::minimum_stack_bytes()) return named;
  Text<Status::kTextBytes> text;
  text << named.text() << " (ExecutorLimits::stack_bytes)";
  return {named.code(), text.view(), named.error_number()};
}

}  // namespace

Status Executor::start(std::span<const WorkerConfig> workers,
                       const StartOptions& options) noexcept {
  if (is_worker(nullptr)) {
    return {StatusCode::failed_precondition, "start: called by a worker of this executor"};
  }
  Status status;
  {
    LockGuard lock(control_mutex_);
    status = start_locked(workers, options);
  }
  carry_out_requests();
  return status;
}

Status ExecutorBase::start_locked(std::span<const WorkerConfig> workers,
                                  const StartOptions& options) noexcept {
  // relaxed: written under the mutex only.
  if (state_.load(std::memory_order_relaxed) != State::stopped) {
    return {StatusCode::failed_precondition, running() ? "start: the executor runs already"
                                                       : "start: the executor is stopping still"};
  }
  // relaxed: requests of the last run are void; whoever can know of this one comes later.
  stop_requests_.store(0, std::memory_order_relaxed);
  LockGuard tasks_lock(task_mutex_);
  if (Status status = check_workers(workers); !status.ok()) return status;
  if (Status status = arm_descriptors(); !status.ok()) return status;
  // relaxed: open_lanes() publishes it.
  time_stamps_.store(options.time_stamps || storage_.event_capacity != 0 ? 1 : 0,
                     std::memory_order_relaxed);
  configure_workers(workers);
  mark_ = platform::ForkMark::here();  // a fork child may start an executor that never ran
  if (virtual_time_ != nullptr) return launch_virtually();
  Status status = prepare_memory(options);
  if (status.ok()) status = launch();
  if (!status.ok()) release_memory();
  return status;
}

Status ExecutorBase::check_workers(std::span<const WorkerConfig> workers) const noexcept {
  Text<Status::kTextBytes> text;
  const auto invalid = [&text](const char* what) {
    text << what;
    return Status(StatusCode::invalid_argument, text.view());
  };
  if (workers.empty() || workers.size() > storage_.limits.workers) {
    text << "start: " << workers.size() << " workers given, 1 to " << storage_.limits.workers;
    return invalid(" fit (ExecutorLimits::workers)");
  }
  for (std::size_t number = 0; number < workers.size(); ++number) {
    const WorkerConfig& config = workers[number];
    text.clear();
    text << "worker " << number << " '" << (config.name != nullptr ? config.name : "") << "': ";
    if (!detail::is_name(config.name)) return invalid("a name has 1 to 15 characters");
    if (const auto lane = static_cast<std::uint32_t>(config.lane); lane >= storage_.limits.lanes) {
      text << "no lane " << lane << ", there are " << storage_.limits.lanes;
      return invalid(" (ExecutorLimits::lanes)");
    }
    if (config.spin < Duration::zero()) return invalid("spin must not be negative");
    std::uint32_t in_lane = 0;
    for (const WorkerConfig& other : workers) in_lane += other.lane == config.lane ? 1U : 0U;
    if (in_lane > Lane::kMaxWorkers) {
      text.clear();
      text << "start: lane " << static_cast<std::uint32_t>(config.lane) << " is given " << in_lane;
      return invalid(" workers, at most 31 fit");
    }
  }
  for (std::uint32_t number = 0; number < task_count(); ++number) {
    const detail::TaskSlot& task = storage_.tasks[number];
    // relaxed: under the task mutex.
    if (task.state.load(std::memory_order_relaxed) == TaskState::removed) continue;
    const LaneId lane = task.lane.load(std::memory_order_relaxed);
    bool served = false;
    for (const WorkerConfig& config : workers) served = served || config.lane == lane;
    if (!served) {
      text.clear();
      text << "start: task '" << task.name << "' is in lane " << static_cast<std::uint32_t>(lane)
           << ", which has no worker";
      return {StatusCode::failed_precondition, text.view()};
    }
  }
  return check_descriptors(workers);
}

void ExecutorBase::configure_workers(std::span<const WorkerConfig> workers) noexcept {
  for (std::uint32_t number = 0; number < storage_.limits.lanes; ++number) {
    // relaxed, here and below: written under the mutex only.
    storage_.lanes[number].worker_count.store(0, std::memory_order_relaxed);
  }
  for (std::uint32_t number = 0; number < workers.size(); ++number) {
    const WorkerConfig& config = workers[number];
    detail::WorkerSlot& worker = storage_.workers[number];
    detail::LaneSlot& lane = storage_.lanes[static_cast<std::uint32_t>(config.lane)];
    // A restart may come with other workers: their figures begin anew.
    worker.stats.reset();
    worker.stats.time_stamps.set(takes_time_stamps() ? 1 : 0);
    worker.stats.activity.set(WorkerPhase::created);
    worker.stack = storage_.stacks.subspan(number * storage_.stack_stride, storage_.stack_stride);
    worker.executor = self();
    worker.lane = &lane;
    worker.number_in_lane = lane.worker_count.fetch_add(1, std::memory_order_relaxed);
    // release: pairs with the acquire in address_of().
    worker.address.store(
        static_cast<std::uint32_t>(config.lane) * detail::kWorkersOfLane + worker.number_in_lane,
        std::memory_order_release);
    worker.config = &config;
    worker.spin_ns = config.spin.count();
    worker.looked = false;
    detail::copy_name(worker.name, config.name);
  }
  // release: pairs with the acquire in worker_count().
  worker_count_.store(static_cast<std::uint32_t>(workers.size()), std::memory_order_release);
}

Status ExecutorBase::prepare_memory(const StartOptions& options) noexcept {
  if (Status status = platform::exclude_from_fork(storage_.memory); !status.ok()) return status;
  for (std::uint32_t number = 0; number < worker_count(); ++number) {
    const detail::WorkerSlot& worker = storage_.workers[number];
    if (Status prepared = platform::prepare_stack(worker.stack); !prepared.ok()) {
      return about_worker(worker.name, prepared);
    }
  }
  refused_memory_lock_.store(0, std::memory_order_relaxed);  // relaxed, twice: a figure
  if (options.lock_memory) {
    const Status locked = lock_memory();
    if (locked.ok()) return {};
    if (options.on_denied != OnDenied::degrade) return locked;
    refused_memory_lock_.store(locked.error_number(), std::memory_order_relaxed);
  }
  platform::prefault(storage_.memory);
  return {};
}

Status ExecutorBase::lock_memory() noexcept {
  memory_locked_ = true;  // also when a later part is refused: what was locked is to be undone
  Status status = platform::lock_memory(storage_.memory);
  if (status.ok()) status = platform::lock_memory(own_memory());
  std::size_t bytes = locked_bytes(storage_.memory) + locked_bytes(own_memory());
  for (std::uint32_t number = 0; number < worker_count(); ++number) {
    const std::span<std::byte> stack = platform::usable_stack(storage_.workers[number].stack);
    if (status.ok()) status = platform::lock_memory(stack);
    bytes += locked_bytes(stack);
  }
  if (status.ok()) return {};
  // The limit is one on all of it, whichever part came first to it.
  Text<Status::kTextBytes> text;
  text << "start: cannot lock " << bytes << " bytes: ";
  if (const std::uint64_t limit = platform::memory_lock_limit(); limit != UINT64_MAX) {
    text << "raise RLIMIT_MEMLOCK (" << limit << "), or lock_memory = false";
  } else {
    text << "out of memory? or StartOptions::lock_memory = false";
  }
  return {status.code(), text.view(), status.error_number()};
}

void ExecutorBase::share_with_forks() noexcept {
  // What cannot be undone was never done.
  static_cast<void>(platform::include_in_fork(storage_.memory));
  for (std::uint32_t number = 0; number < worker_count(); ++number) {
    static_cast<void>(platform::include_in_fork(storage_.workers[number].stack));
  }
}

void ExecutorBase::release_memory() noexcept {
  // The memory may become something else's. What cannot be undone here was never done.
  if (memory_locked_) {
    static_cast<void>(platform::unlock_memory(storage_.memory));
    static_cast<void>(platform::unlock_memory(own_memory()));
  }
  static_cast<void>(platform::include_in_fork(storage_.memory));
  for (std::uint32_t number = 0; number < storage_.limits.workers; ++number) {
    const std::span<std::byte> stack = storage_.workers[number].stack;
    if (stack.empty()) continue;
    if (memory_locked_) static_cast<void>(platform::unlock_memory(platform::usable_stack(stack)));
    static_cast<void>(platform::release_stack(stack));
  }
  memory_locked_ = false;
}

Status ExecutorBase::launch() noexcept {
  const std::uint32_t workers = worker_count();
  Status failure;
  launch_failure_ = &failure;
  std::construct_at(&settled_, workers);
  std::construct_at(&go_, 1);
  for (std::uint32_t number = 0; number < workers; ++number) {
    detail::WorkerSlot& worker = storage_.workers[number];
    const Status started =
        worker.thread.start(worker.name, worker.stack, &ExecutorBase::worker_main, &worker);
    if (!started.ok()) {
      note_launch_failure(about_start(worker, started));
      worker.stats.activity.set(WorkerPhase::error);
      for (std::uint32_t later = number + 1; later < workers; ++later) {
        storage_.workers[later].stats.activity.set(WorkerPhase::stopped);
      }
      settled_.count_down(static_cast<std::ptrdiff_t>(workers - number));
      break;
    }
  }
  settled_.wait();
  launch_failure_ = nullptr;
  for (std::uint32_t number = 0; number < workers; ++number) {
    storage_.workers[number].config = nullptr;
  }
  if (!failure.ok()) {
    go_.count_down();  // they see that the executor does not run, and leave
    static_cast<void>(join_workers(kNever));
    return failure;
  }
  open_lanes();
  go_.count_down();
  return {};
}

Status ExecutorBase::launch_virtually() noexcept {
  Status status = virtual_time_->launch();
  for (std::uint32_t number = 0; number < worker_count(); ++number) {
    storage_.workers[number].config = nullptr;
  }
  if (status.ok()) open_lanes();
  return status;
}

void ExecutorBase::note_launch_failure(const Status& status) noexcept {
  LockGuard lock(launch_mutex_);
  if (launch_failure_->ok()) *launch_failure_ = status;
}

void ExecutorBase::open_lanes() noexcept {
  const TimePoint epoch = now();
  // release: pairs with the acquire in epoch().
  epoch_ns_.store(to_ns(epoch), std::memory_order_release);
  std::uint32_t parker = 0;
  for (std::uint32_t number = 0; number < storage_.limits.lanes; ++number) {
    detail::LaneSlot& lane = storage_.lanes[number];
    // Handles may be at it: who sees the lane open sees its tasks' rules begun.
    LockGuard lock(lane.timer_mutex);
    lane.timers.clear();
    lane.queue.set_next_release(to_ns(kNever), false);
    // relaxed: written under the mutex only.
    const std::uint32_t workers = lane.worker_count.load(std::memory_order_relaxed);
    if (workers == 0) continue;
    for (std::uint32_t task = 0; task < task_count(); ++task) {
      if (&lane_of(storage_.tasks[task]) == &lane) schedule(task, epoch, epoch);
    }
    lane.active_workers = workers;
    lane.paused = false;
    lane.queue.open(storage_.parkers + parker, workers);
    parker += workers;
  }
  // release: pairs with the acquire in running().
  state_.store(State::running, std::memory_order_release);
}

Status Executor::stop(StopMode mode, Duration timeout) noexcept {
  if (is_worker(nullptr)) {
    return {StatusCode::failed_precondition, "stop: called by a worker, it would wait for itself"};
  }
  if (mode > StopMode::cancel) return {StatusCode::invalid_argument, "stop: no such StopMode"};
  const TimePoint deadline = deadline_after(timeout);
  if (!control_mutex_.try_lock_until(deadline)) {
    return {StatusCode::timed_out, "stop: another start() or stop() is still under way"};
  }
  const Status status = stop_locked(mode, deadline);
  control_mutex_.unlock();
  carry_out_requests();
  return status;
}

void Executor::request_stop(StopMode mode) noexcept {
  TAKT_CHECK(mode <= StopMode::cancel, "request_stop: no such StopMode");
  // Whether it runs is for the mutex's owner to say: a start() opens lanes before it is done.
  // seq_cst: an RMW before the attempt to lock, as in carry_out_requests() after the unlock: either
  // this one finds the mutex free, or its last owner finds the request.
  stop_requests_.fetch_or(1U << static_cast<std::uint32_t>(mode), std::memory_order_seq_cst);
  carry_out_requests();
}

void ExecutorBase::carry_out_requests() noexcept {
  // seq_cst: see request_stop().
  while (stop_requests_.fetch_or(0, std::memory_order_seq_cst) != 0 && control_mutex_.try_lock()) {
    // relaxed, twice: the mutex orders them.
    const std::uint32_t modes = stop_requests_.exchange(0, std::memory_order_relaxed);
    if (modes != 0 && state_.load(std::memory_order_relaxed) == State::running) {
      const bool cancel = (modes & (1U << static_cast<std::uint32_t>(StopMode::cancel))) != 0;
      begin_stop(cancel ? StopMode::cancel : StopMode::drain);
    }
    control_mutex_.unlock();
  }
}

void ExecutorBase::begin_stop(StopMode mode) noexcept {
  // relaxed: a request; close() below makes it visible to workers that sleep.
  if (mode == StopMode::cancel) cancelling_.store(1, std::memory_order_relaxed);
  // release: pairs with the acquire in running().
  state_.store(State::stopping, std::memory_order_release);
  for (std::uint32_t number = 0; number < storage_.limits.lanes; ++number) {
    if (worker_count(LaneId{number}) == 0) continue;
    storage_.lanes[number].queue.close();
    storage_.lanes[number].resting.tell();
  }
}

Status ExecutorBase::stop_locked(StopMode mode, TimePoint deadline) noexcept {
  // relaxed: written under the mutex only.
  if (state_.load(std::memory_order_relaxed) == State::stopped) return {};
  begin_stop(mode);
  if (Status status = join_workers(deadline); !status.ok()) return status;
  if (virtual_time_ == nullptr) share_with_forks();
  // relaxed: the workers are gone.
  cancelling_.store(0, std::memory_order_relaxed);
  state_.store(State::stopped, std::memory_order_release);
  return {};
}

Status ExecutorBase::join_workers(TimePoint deadline) noexcept {
  if (virtual_time_ != nullptr) return virtual_time_->join(deadline);
  for (std::uint32_t number = 0; number < worker_count(); ++number) {
    detail::WorkerSlot& worker = storage_.workers[number];
    if (!worker.thread.joinable()) continue;
    const Status joined = worker.thread.join_until(deadline);
    if (joined.code() == StatusCode::timed_out) return stuck(culprit(number));
    if (!joined.ok()) return about_worker(worker.name, joined);
  }
  return {};
}

const detail::WorkerSlot& ExecutorBase::culprit(std::uint32_t late) const noexcept {
  // It may wait for a job of another lane that it was promised the continuation of.
  for (std::uint32_t number = late; number < worker_count(); ++number) {
    const detail::WorkerSlot& worker = storage_.workers[number];
    if (worker.stats.activity.get().phase() == WorkerPhase::in_job) return worker;
  }
  return storage_.workers[late];
}

Status ExecutorBase::stuck(const detail::WorkerSlot& worker) const noexcept {
  const WorkerActivity activity = worker.stats.activity.get();
  Text<Status::kTextBytes> text;
  text << "worker '" << worker.name << "' ";
  if (activity.phase() != WorkerPhase::in_job) {
    text << "has not ended, though it runs no job";
  } else if (activity.is_task()) {
    text << "is stuck in task '" << storage_.tasks[activity.number()].name << '\'';
  } else if (activity.number() >= storage_.limits.jobs_per_lane) {
    const std::uint32_t number = activity.number() - storage_.limits.jobs_per_lane;
    text << "is stuck in the job of descriptor " << storage_.descriptors[number].descriptor;
  } else {
    text << "is stuck in a posted job, slot " << activity.number() << " of lane "
         << (worker.lane - storage_.lanes);
  }
  return {StatusCode::timed_out, text.view()};
}

}  // namespace takt::inline v0
