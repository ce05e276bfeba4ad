// SPDX-License-Identifier: Apache-2.0
// What the kernel does with threads, played in virtual time: the state machine at the head of
// manual_executor.h.
#include "takt/executor/manual_executor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "takt/platform/text.h"
#include "takt/platform/this_thread.h"

namespace takt::inline v0 {

using detail::ManualState;

ManualExecutorBase::ManualExecutorBase(const detail::StorageView& storage,
                                       const detail::ManualStorageView& manual,
                                       TimePoint origin) noexcept
    : detail::VirtualTime(kOperations),
      Executor(storage, this),
      workers_(manual.workers),
      tasks_(manual.tasks),
      events_(manual.events) {
  TAKT_CHECK(origin >= TimePoint() && origin <= kClockEnd, "no such virtual time");
  now_ = origin;
}

void ManualExecutorBase::set_execution_time(const TaskHandle& task, Duration time) noexcept {
  TAKT_CHECK(task.executor_ == this, "a task of another executor");
  tasks_[task.number_] = {.generation = task.generation_, .execution = time};
}

// Time

bool ManualExecutorBase::step() noexcept {
  TAKT_CHECK(depth_ == 0, "step() was called by a job");
  return advance(kClockEnd);
}

void ManualExecutorBase::run_until(TimePoint time) noexcept {
  TAKT_CHECK(depth_ == 0, "run_until() was called by a job");
  const TimePoint end = std::min(time, kClockEnd);
  while (advance(end)) {
  }
  move_to(end);
}

bool ManualExecutorBase::advance(TimePoint limit) noexcept {
  if (now_ > limit) return false;
  for (;;) {
    for (Worker& worker : workers()) {
      if (worker.state != ManualState::executing || !worker.has_cpu) continue;
      if (worker.remaining_ns != 0) continue;
      complete(worker);
      return true;
    }
    rouse();
    if (unassigned_) assign();
    if (Worker* const worker = first_awake(); worker != nullptr) {
      if (take(*worker)) return true;
      continue;
    }
    const TimePoint next = next_instant();
    if (next > limit) return false;
    move_to(next);
  }
}

void ManualExecutorBase::rouse() noexcept {
  for (Worker& worker : workers()) {
    if (worker.state == ManualState::asleep && lane_of(worker).watched() &&
        !lane_of(worker).closed()) {
      release_what_is_ready(*slot_of(worker).lane);
    }
    if (!has_reason_to_wake(worker)) continue;
    if (worker.state == ManualState::benched) {
      end_sitting_out(slot_of(worker));
      log_worker(worker, ManualEventKind::continued);
    } else {
      end_sleep(slot_of(worker), EventKind::wake);
    }
    worker.state = ManualState::awake;
    worker.turn = ++turns_;
    unassigned_ = true;
  }
}

bool ManualExecutorBase::has_reason_to_wake(const Worker& worker) const noexcept {
  const Lane& lane = lane_of(worker);
  const detail::WorkerSlot& slot = slot_of(worker);
  const bool active = lane.is_active(slot.number_in_lane);
  if (worker.state == ManualState::benched) return active;
  if (worker.state != ManualState::asleep) return false;
  return !active || lane.next_release() <= to_ns(now_) || !lane.nothing_ready() ||
         !lane.inbox(slot.number_in_lane).empty() ||
         (lane.closed() && !Promises::is_open(slot.lane->promises.look()));
}

void ManualExecutorBase::assign() noexcept {
  CpuSet taken;
  const Worker* last = nullptr;
  for (Worker& worker : workers()) worker.has_cpu = false;
  // By rank and turn, which no two workers share.
  for (;;) {
    Worker* best = nullptr;
    for (Worker& worker : workers()) {
      if (worker.state != ManualState::awake && worker.state != ManualState::executing) continue;
      if (last != nullptr && !last->goes_before(worker)) continue;
      if (best == nullptr || worker.goes_before(*best)) best = &worker;
    }
    if (best == nullptr) break;
    give_cpu(*best, taken);
    last = best;
  }
  unassigned_ = false;
}

void ManualExecutorBase::give_cpu(Worker& worker, CpuSet& taken) noexcept {
  if (worker.cpus.empty()) {
    worker.has_cpu = true;
    return;
  }
  // The CPU where it ran last, if it can.
  std::size_t cpu = worker.cpu;
  if (cpu == CpuSet::kCapacity || taken.contains(cpu)) cpu = (worker.cpus - taken).first();
  if (cpu == CpuSet::kCapacity) return;
  taken.add(cpu);
  worker.cpu = cpu;
  worker.has_cpu = true;
}

ManualExecutorBase::Worker* ManualExecutorBase::first_awake() const noexcept {
  Worker* best = nullptr;
  for (Worker& worker : workers()) {
    if (worker.state != ManualState::awake || !worker.has_cpu) continue;
    if (best == nullptr || worker.goes_before(*best)) best = &worker;
  }
  return best;
}

TimePoint ManualExecutorBase::next_instant() const noexcept {
  TimePoint next = kNever;
  for (const Worker& worker : workers()) {
    if (worker.state == ManualState::asleep) {
      next = std::min(next, from_ns(lane_of(worker).next_release()));
    } else if (worker.state == ManualState::executing && worker.has_cpu) {
      next = std::min(next, saturating_add(now_, Duration(worker.remaining_ns)));
    }
  }
  return next;
}

void ManualExecutorBase::move_to(TimePoint time) noexcept {
  if (time <= now_) return;
  log_cpus(true);
  const std::int64_t passed = to_ns(time) - to_ns(now_);
  for (Worker& worker : workers()) {
    if (worker.state == ManualState::executing && worker.has_cpu) worker.remaining_ns -= passed;
  }
  now_ = time;
}

// Workers

bool ManualExecutorBase::take(Worker& worker) noexcept {
  detail::WorkerSlot& slot = slot_of(worker);
  // Not awake meanwhile: a callable that is destroyed may wait.
  worker.state = ManualState::blocked;
  unassigned_ = true;
  if (!lane_of(worker).is_active(slot.number_in_lane)) {
    begin_sitting_out(slot);
    log_worker(worker, ManualEventKind::paused);
    worker.state = ManualState::benched;
    return true;
  }
  UserCode user_code(*this, &slot);
  std::uint32_t index = find_work(slot);
  if (index == Lane::kNone && lane_of(worker).closed()) {
    const std::uint32_t promised = slot.lane->promises.look();
    index = take_next(slot);
    if (index == Lane::kNone && !Promises::is_open(promised) &&
        lane_of(worker).inbox(slot.number_in_lane).shut()) {
      cancel_timed_jobs(slot);
      slot.stats.activity.set(WorkerPhase::stopped);
      worker.state = ManualState::left;
      return false;
    }
  }
  if (index == Lane::kNone) {
    slot.stats.sleeps.add();
    begin_sleep(slot, WorkerPhase::idle, EventKind::park);
    worker.state = ManualState::asleep;
    return false;
  }
  learn_job(worker, index);
  detail::DescriptorSlot* const descriptor = descriptor_of(index);
  if (descriptor != nullptr ? begin_descriptor(slot, *descriptor) : begin(slot, index)) {
    begin_execution(worker);
  } else {
    log_job(worker, ManualEventKind::cancelled);
    worker.state = ManualState::awake;
  }
  return true;
}

void ManualExecutorBase::learn_job(Worker& worker, std::uint32_t index) noexcept {
  const detail::WorkerSlot& slot = slot_of(worker);
  ManualEvent& event = worker.event;
  event.lane = static_cast<LaneId>(slot.lane - storage_.lanes);
  worker.ready_index = index;
  worker.end_shown = false;
  worker.task = nullptr;
  if (const detail::DescriptorSlot* const descriptor = descriptor_of(index);
      descriptor != nullptr) {
    event.index = descriptor->index;
    event.release = from_ns(descriptor->release_ns);
    worker.deadline = kNever;
    Text<kNameBytes> name;
    name << "fd " << descriptor->descriptor;
    std::memcpy(event.task, name.c_str(), name.size() + 1);
  } else if (index >= storage_.limits.jobs_per_lane) {
    const detail::TaskSlot& task = storage_.tasks[index - storage_.limits.jobs_per_lane];
    worker.task = &task;
    event.index = task.index;
    event.release = from_ns(task.release_ns);
    worker.deadline = saturating_add(event.release, Duration(task.deadline_ns));
    std::memcpy(event.task, task.name, kNameBytes);
  } else {
    event.index = index;
    event.release = from_ns(slot.lane->jobs[index].release_ns);
    worker.deadline = from_ns(slot.lane->jobs[index].deadline_ns);
    event.task[0] = '\0';
  }
}

void ManualExecutorBase::begin_execution(Worker& worker) noexcept {
  worker.state = ManualState::executing;
  worker.has_cpu = true;
  log_cpus(false);
  log_job(worker, ManualEventKind::begun);
  worker.shown = true;
  worker.execution_ns = std::max(execution_of(worker), Duration::zero()).count();
  worker.remaining_ns = worker.execution_ns;
}

Duration ManualExecutorBase::execution_of(const Worker& worker) const noexcept {
  if (model_ != nullptr) {
    return model_({.task = worker.event.task[0] != '\0' ? worker.event.task : nullptr,
                   .index = worker.event.index,
                   .lane = worker.event.lane,
                   .worker = slot_of(worker).name,
                   .release = worker.event.release,
                   .start = now_},
                  model_argument_);
  }
  if (worker.task == nullptr) return execution_;
  const detail::ManualTask& task = tasks_[number_of(*worker.task)];
  // relaxed: one thread.
  const bool current = task.generation != 0 &&
                       task.generation == worker.task->generation.load(std::memory_order_relaxed);
  return current ? task.execution : execution_;
}

void ManualExecutorBase::complete(Worker& worker) noexcept {
  detail::WorkerSlot& slot = slot_of(worker);
  const TimePoint began = now_;
  worker.state = ManualState::blocked;
  worker.has_cpu = false;
  worker.shown = false;
  worker.failed_before = slot.stats.failed.get();
  unassigned_ = true;
  slot.virtual_cpu_ns += worker.execution_ns;
  {
    UserCode user_code(*this, &slot);
    if (detail::DescriptorSlot* const descriptor = descriptor_of(worker.ready_index);
        descriptor != nullptr) {
      finish_descriptor(slot, *descriptor);
    } else {
      finish(slot, worker.ready_index);
    }
  }
  log_end(worker);
  worker.state = ManualState::awake;
  // Who has slept in a wait goes behind those that were awake.
  if (now_ != began) worker.turn = ++turns_;
  unassigned_ = true;
}

// In place of the kernel, for Executor

constexpr detail::VirtualTime::Operations ManualExecutorBase::kOperations{
    .wait =
        [](VirtualTime& self, const ThreadEnv::Word& word, std::uint32_t seen,
           TimePoint deadline) noexcept {
          return static_cast<ManualExecutorBase&>(self).wait_for_change(word, seen, deadline);
        },
    .launch =
        [](VirtualTime& self) noexcept {
          return static_cast<ManualExecutorBase&>(self).launch_workers();
        },
    .join =
        [](VirtualTime& self, TimePoint deadline) noexcept {
          return static_cast<ManualExecutorBase&>(self).join_workers(deadline);
        },
    .decided =
        [](VirtualTime& self, const detail::TaskSlot& task,
           const detail::ReleaseDecision& decision) noexcept {
          static_cast<ManualExecutorBase&>(self).log_decision(task, decision);
        }};

int ManualExecutorBase::wait_for_change(const ThreadEnv::Word& word, std::uint32_t seen,
                                        TimePoint deadline) noexcept {
  // relaxed: one thread.
  const auto changed = [&word, seen] { return word.load(std::memory_order_relaxed) != seen; };
  if (changed()) return 0;
  if (deadline <= now_) return ETIMEDOUT;
  Waiter self{.word = &word, .seen = seen, .deadline = deadline, .over = kNever, .outer = waiters_};
  waiters_ = &self;
  int result = 0;
  while (!changed() && result == 0) {
    if (advance(std::min(deadline, kClockEnd))) {
      look(waiters_, now_);
    } else if (deadline == kNever) {
      result = EDEADLK;
    } else {
      move_to(std::min(deadline, kClockEnd));
      result = ETIMEDOUT;
    }
  }
  waiters_ = self.outer;
  if (now_ > std::min(self.over, deadline)) ++late_wakes_;
  return result;
}

void ManualExecutorBase::look(Waiter* waiters, TimePoint now) noexcept {
  for (Waiter* waiter = waiters; waiter != nullptr; waiter = waiter->outer) {
    // relaxed: one thread.
    const bool over = waiter->word->load(std::memory_order_relaxed) != waiter->seen;
    if (over) waiter->over = std::min(waiter->over, now);
  }
}

Status ManualExecutorBase::launch_workers() noexcept {
  for (Worker& worker : workers()) {
    detail::WorkerSlot& slot = slot_of(worker);
    const Scheduling& scheduling = slot.config->scheduling;
    slot.stack = {};
    slot.spin_ns = 0;
    slot.virtual_cpu_ns = 0;
    Text<Status::kTextBytes> text;
    text << "worker '" << slot.name << "': ";
    if (scheduling.policy() == SchedulingPolicy::deadline) {
      text << "no SCHED_DEADLINE in virtual time";
      return {StatusCode::unsupported, text.view()};
    }
    if (const Status valid = platform::check_scheduling(scheduling); !valid.ok()) {
      text << valid.text();
      return {valid.code(), text.view()};
    }
    worker = Worker();
    worker.state = ManualState::awake;
    worker.turn = ++turns_;
    slot.stats.activity.set(WorkerPhase::ready);
    worker.rank = scheduling.priority();
    worker.cpus = slot.config->cpus;
  }
  unassigned_ = true;
  return {};
}

Status ManualExecutorBase::join_workers(TimePoint deadline) noexcept {
  const TimePoint began = now_;
  const TimePoint end = std::min(deadline, kClockEnd);
  for (;;) {
    std::uint32_t staying = 0;
    while (staying < worker_count() && workers_[staying].state == ManualState::left) ++staying;
    if (staying == worker_count()) return {};
    if (advance(end)) continue;
    // The last look at the lanes may have been the last worker's.
    if (workers_[staying].state == ManualState::left) continue;
    if (deadline != kNever) move_to(end);
    // A job began to wait meanwhile, on the same stack.
    if (now_ > std::max(began, end)) ++late_wakes_;
    return stuck(culprit(staying));
  }
}

void ManualExecutorBase::log_decision(const detail::TaskSlot& task,
                                      const detail::ReleaseDecision& decision) noexcept {
  if (decision.lost == 0 && !decision.release) return;
  // A release means that the job before it has ended, which the log has to say first.
  for (Worker& worker : workers()) {
    if (decision.release && worker.state == ManualState::blocked && worker.task == &task) {
      log_end(worker);
    }
  }
  ManualEvent event{};
  event.time = now_;
  event.lane = task.lane.load(std::memory_order_relaxed);
  event.release = from_ns(decision.when);
  std::memcpy(event.task, task.name, kNameBytes);
  if (decision.lost != 0 && has_room()) {
    event.kind = ManualEventKind::skipped;
    event.count = decision.lost;
    log(event);
  }
  if (!decision.release || !has_room()) return;
  event.kind = ManualEventKind::released;
  event.index = decision.index;
  event.count = 0;
  log(event);
}

// The log

bool ManualExecutorBase::has_room() noexcept {
  if (sink_ != nullptr || event_count_ < events_.size()) return true;
  ++lost_events_;
  return false;
}

void ManualExecutorBase::log(const ManualEvent& event) noexcept {
  if (sink_ != nullptr) {
    sink_(event, sink_argument_);
  } else {
    events_[event_count_++] = event;
  }
}

void ManualExecutorBase::log_job(const Worker& worker, ManualEventKind kind,
                                 std::uint64_t count) noexcept {
  if (!has_room()) return;
  ManualEvent event = worker.event;
  event.time = now_;
  event.kind = kind;
  event.count = count;
  std::memcpy(event.worker, slot_of(worker).name, kNameBytes);
  log(event);
}

void ManualExecutorBase::log_worker(const Worker& worker, ManualEventKind kind) noexcept {
  if (!has_room()) return;
  const detail::WorkerSlot& slot = slot_of(worker);
  ManualEvent event{};
  event.time = now_;
  event.kind = kind;
  event.lane = static_cast<LaneId>(slot.lane - storage_.lanes);
  std::memcpy(event.worker, slot.name, kNameBytes);
  log(event);
}

void ManualExecutorBase::log_end(Worker& worker) noexcept {
  if (worker.end_shown) return;
  worker.end_shown = true;
  const bool failed = slot_of(worker).stats.failed.get() != worker.failed_before;
  log_job(worker, failed ? ManualEventKind::failed : ManualEventKind::ended);
  if (now_ <= worker.deadline) return;
  log_job(worker, ManualEventKind::missed,
          static_cast<std::uint64_t>((now_ - worker.deadline).count()));
}

void ManualExecutorBase::log_cpus(bool resumed) noexcept {
  for (Worker& worker : workers()) {
    if (worker.state != ManualState::executing || worker.shown == worker.has_cpu) continue;
    if (worker.has_cpu && !resumed) continue;
    worker.shown = worker.has_cpu;
    log_job(worker, worker.has_cpu ? ManualEventKind::resumed : ManualEventKind::preempted);
  }
}

void ManualExecutorBase::write_events(TextWriter& writer) const noexcept {
  for (const ManualEvent& event : events()) {
    write_event(writer, event, epoch());
    writer << '\n';
  }
  if (lost_events_ != 0) writer << lost_events_ << " events more, for which there was no room\n";
}

}  // namespace takt::inline v0
