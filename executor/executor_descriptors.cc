// SPDX-License-Identifier: Apache-2.0
// Descriptors: watching them, and running their jobs; the state machines at the head of
// descriptor.h.
#include <cerrno>
#include <utility>

#include "takt/executor/executor.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {
namespace {

/// What the kernel gives back with an event: a slot, and whose it was.
std::uint64_t token_of(std::uint32_t number, std::uint32_t generation) noexcept {
  return (std::uint64_t{generation} << 32) | number;
}

}  // namespace

Status ExecutorBase::check_watch(const Watch& watch) const noexcept {
  Text<Status::kTextBytes> text;
  text << "watch: ";
  if (const auto lane = static_cast<std::uint32_t>(watch.lane); lane >= storage_.limits.lanes) {
    text << "no lane " << lane << ", there are " << storage_.limits.lanes
         << " (ExecutorLimits::lanes)";
    return {StatusCode::invalid_argument, text.view()};
  }
  if (static_cast<std::uint32_t>(watch.priority) >= kPriorityLevels) {
    text << "no such priority";
    return {StatusCode::invalid_argument, text.view()};
  }
  constexpr auto kAllBits = ~static_cast<std::uint32_t>(kAllReadiness);
  if ((static_cast<std::uint32_t>(watch.wanted) & kAllBits) != 0) {
    text << "descriptor " << watch.descriptor << ": wanted has bits that Readiness has not";
    return {StatusCode::invalid_argument, text.view()};
  }
  return {};
}

Result<DescriptorHandle> ExecutorBase::watch_with(const Watch& watch, detail::Thunk thunk,
                                                  Mover mover, void* callable) noexcept {
  if (Status status = check_watch(watch); !status.ok()) return status;
  detail::LaneSlot& lane = storage_.lanes[static_cast<std::uint32_t>(watch.lane)];
  Text<Status::kTextBytes> text;
  text << "watch: ";

  LockGuard lock(task_mutex_);
  if (running() && worker_count(watch.lane) == 0) {
    text << "lane " << static_cast<std::uint32_t>(watch.lane) << " has no worker";
    return Status(StatusCode::failed_precondition, text.view());
  }
  std::uint32_t number = 0;
  // acquire: pairs with the release of whoever removed it; the slot's last user is done with it.
  while (number < storage_.limits.descriptors &&
         storage_.descriptors[number].state.load(std::memory_order_acquire) !=
             DescriptorState::removed) {
    ++number;
  }
  if (number == storage_.limits.descriptors) {
    text << "all " << number << " slots (ExecutorLimits::descriptors) are in use";
    return Status(StatusCode::resource_exhausted, text.view());
  }
  detail::DescriptorSlot& slot = storage_.descriptors[number];
  LockGuard descriptor_lock(lane.descriptor_mutex);
  Status status = open_poll(lane);
  // relaxed, here and below: written under the mutexes only.
  const std::uint32_t generation = slot.generation.load(std::memory_order_relaxed) + 1;
  // The leader cannot find the slot before the mutex is given back.
  if (status.ok()) {
    status = lane.queue.poll().add(watch.descriptor, watch.wanted, token_of(number, generation));
  }
  if (!status.ok()) {
    text << status.text();
    return Status(status.code(), text.view(), status.error_number());
  }
  // The kernel knew nothing of the descriptor: a slot that has it was closed under its feet, and
  // must not touch its successor.
  for (std::uint32_t other = 0; other < storage_.limits.descriptors; ++other) {
    detail::DescriptorSlot& stale = storage_.descriptors[other];
    const DescriptorState state = stale.state.load(std::memory_order_relaxed);
    if (stale.lane.load(std::memory_order_relaxed) != watch.lane ||
        stale.descriptor != watch.descriptor ||
        (state != DescriptorState::active && state != DescriptorState::suspended)) {
      continue;
    }
    stale.stats.refused.set(EBADF);
    // release: pairs with the acquire in DescriptorHandle::state().
    stale.state.store(DescriptorState::lost, std::memory_order_release);
  }
  slot.stats.reset();
  mover(slot.storage.bytes, callable);
  slot.thunk = thunk;
  slot.descriptor = watch.descriptor;
  slot.wanted = watch.wanted;
  slot.priority = watch.priority;
  slot.lane.store(watch.lane, std::memory_order_relaxed);
  slot.index = 0;
  slot.unattended = false;
  slot.destroying = false;
  slot.generation.store(generation, std::memory_order_relaxed);
  // release: pairs with the acquire in DescriptorHandle; who sees it active sees all of it.
  slot.state.store(DescriptorState::active, std::memory_order_release);
  ++lane.descriptor_count;
  lane.queue.set_watched(true);
  return DescriptorHandle(self(), number, generation, watch.lane);
}

Status ExecutorBase::open_poll(detail::LaneSlot& lane) noexcept {
  platform::EventPoll& poll = lane.queue.poll();
  if (poll.is_open()) return {};
  if (Status status = poll.open(); !status.ok()) return status;
  // In a fork child: what the parent watched.
  for (std::uint32_t number = 0; number < storage_.limits.descriptors; ++number) {
    detail::DescriptorSlot& slot = storage_.descriptors[number];
    // relaxed, here and below: written under the mutex.
    const DescriptorState state = slot.state.load(std::memory_order_relaxed);
    if (state != DescriptorState::active && state != DescriptorState::suspended) continue;
    if (&storage_.lanes[static_cast<std::uint32_t>(slot.lane.load(std::memory_order_relaxed))] !=
        &lane) {
      continue;
    }
    const Status added =
        poll.add(slot.descriptor, slot.wanted,
                 token_of(number, slot.generation.load(std::memory_order_relaxed)));
    if (added.ok()) continue;
    slot.stats.refused.set(static_cast<std::uint64_t>(added.error_number()));
    slot.state.store(DescriptorState::lost, std::memory_order_release);
  }
  return {};
}

Status ExecutorBase::check_descriptors(std::span<const WorkerConfig> workers) const noexcept {
  for (std::uint32_t number = 0; number < storage_.limits.descriptors; ++number) {
    const detail::DescriptorSlot& slot = storage_.descriptors[number];
    // acquire: as in watch_with(); a removal may be under way.
    if (slot.state.load(std::memory_order_acquire) == DescriptorState::removed) continue;
    const LaneId lane = slot.lane.load(std::memory_order_relaxed);
    bool served = false;
    for (const WorkerConfig& config : workers) served = served || config.lane == lane;
    if (served) continue;
    Text<Status::kTextBytes> text;
    text << "start: descriptor " << slot.descriptor << " is watched in lane "
         << static_cast<std::uint32_t>(lane) << ", which has no worker";
    return {StatusCode::failed_precondition, text.view()};
  }
  return {};
}

Status ExecutorBase::arm_descriptors() noexcept {
  for (std::uint32_t number = 0; number < storage_.limits.lanes; ++number) {
    detail::LaneSlot& lane = storage_.lanes[number];
    LockGuard lock(lane.descriptor_mutex);
    if (lane.descriptor_count == 0) continue;
    if (Status status = open_poll(lane); !status.ok()) {
      Text<Status::kTextBytes> text;
      text << "start: lane " << number << ": " << status.text();
      return {status.code(), text.view(), status.error_number()};
    }
    for (std::uint32_t item = 0; item < storage_.limits.descriptors; ++item) {
      detail::DescriptorSlot& slot = storage_.descriptors[item];
      // relaxed, twice: written under the mutex.
      if (slot.state.load(std::memory_order_relaxed) != DescriptorState::active) continue;
      if (static_cast<std::uint32_t>(slot.lane.load(std::memory_order_relaxed)) != number) continue;
      // One that was closed meanwhile is lost, as it would be while the executor runs.
      static_cast<void>(arm(lane, slot));
    }
  }
  return {};
}

Status ExecutorBase::arm(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept {
  // relaxed: written under the mutex.
  const std::uint32_t generation = slot.generation.load(std::memory_order_relaxed);
  const Status status =
      lane.queue.poll().arm(slot.descriptor, slot.wanted, token_of(number_of(slot), generation));
  if (!status.ok()) {
    slot.stats.refused.set(static_cast<std::uint64_t>(status.error_number()));
    // release: pairs with the acquire in DescriptorHandle::state().
    slot.state.store(DescriptorState::lost, std::memory_order_release);
  }
  return status;
}

void ExecutorBase::forget(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept {
  // relaxed: written under the mutex.
  const DescriptorState state = slot.state.load(std::memory_order_relaxed);
  if (state == DescriptorState::removing) return;
  // Refused where it was closed: then the kernel has forgotten it. A lost one's number may be
  // another's by now.
  if (state != DescriptorState::lost) {
    static_cast<void>(lane.queue.poll().remove(slot.descriptor));
  }
  // release: pairs with the acquire in DescriptorHandle::state().
  slot.state.store(DescriptorState::removing, std::memory_order_release);
  if (--lane.descriptor_count == 0) lane.queue.set_watched(false);
}

void ExecutorBase::release_descriptors() noexcept {
  for (std::uint32_t number = 0; number < storage_.limits.descriptors; ++number) {
    detail::DescriptorSlot& slot = storage_.descriptors[number];
    // relaxed: nobody else may use it any more.
    if (slot.state.load(std::memory_order_relaxed) == DescriptorState::removed) continue;
    slot.thunk(detail::ThunkStep::destroy_callable, slot.storage.bytes, nullptr);
  }
  for (std::uint32_t number = 0; number < storage_.limits.lanes; ++number) {
    storage_.lanes[number].queue.poll().close();
  }
}

void ExecutorBase::look_at_descriptors(detail::WorkerSlot& worker) noexcept {
  detail::LaneSlot& lane = *worker.lane;
  if (std::exchange(worker.looked, false)) return;
  // With nothing to do the worker parks, and waits in the poll. Who leads does so, or will.
  const bool busy = worker.directed.level() != kPriorityLevels || !lane.queue.nothing_ready() ||
                    !lane.queue.inbox(worker.number_in_lane).empty();
  if (worker.spin_ns == 0 && !busy) return;
  if (lane.queue.closed()) return;
  // In virtual time nobody sleeps in the poll.
  if (virtual_time_ == nullptr && !lane.queue.lead(worker.number_in_lane)) return;
  release_what_is_ready(lane);
}

void ExecutorBase::release_what_is_ready(detail::LaneSlot& lane) noexcept {
  platform::EventPoll::Events events;
  lane.queue.poll().wait(events, from_ns(0));
  if (events.count != 0) release_ready(lane, events);
}

void ExecutorBase::release_ready(detail::LaneSlot& lane,
                                 const platform::EventPoll::Events& events) noexcept {
  const std::int64_t seen_ns = takes_time_stamps() ? to_ns(now()) : 0;
  LockGuard lock(lane.descriptor_mutex);
  if (lane.queue.closed()) return;  // start() arms them anew
  for (std::uint32_t number = 0; number < events.count; ++number) {
    const platform::EventPoll::Event& event = events.items[number];
    detail::DescriptorSlot& slot =
        storage_.descriptors[static_cast<std::uint32_t>(event.token & 0xFFFF'FFFF)];
    // Somebody may have removed or suspended it since the kernel reported it. relaxed, here and
    // below: written under the mutex; the ready ring publishes what the job reads.
    if (slot.generation.load(std::memory_order_relaxed) != event.token >> 32 ||
        slot.state.load(std::memory_order_relaxed) != DescriptorState::active ||
        slot.unfinished.load(std::memory_order_relaxed) != 0) {
      continue;
    }
    slot.ready = event.ready;
    slot.release_ns = seen_ns;
    slot.unfinished.store(detail::DescriptorSlot::kUnfinished, std::memory_order_relaxed);
    if (lane.queue.publish_quietly(slot.priority, ready_index(slot))) {
      slot.stats.events.add();
      continue;
    }
    // The ring has no room until a worker has passed what was withdrawn at a stop.
    slot.unfinished.store(0, std::memory_order_relaxed);
    static_cast<void>(arm(lane, slot));
  }
}

bool ExecutorBase::begin_descriptor(detail::WorkerSlot& worker,
                                    detail::DescriptorSlot& slot) noexcept {
  // Numbered behind the lane's jobs.
  const std::uint32_t shown = storage_.limits.jobs_per_lane + number_of(slot);
  worker.stats.activity.set(WorkerPhase::in_job, false, shown);
  worker.subject = WorkerEvent::job_of(lane_number(worker), false, shown, slot.index);
  if (stop_requested()) {
    // A job that is cancelled tells nobody of trouble: the next start() reports it anew.
    slot.stats.cancelled.add();
    worker.stats.cancelled.add();
    worker.note_now(EventKind::cancelled);
    end_descriptor(*worker.lane, slot);
    worker.stats.activity.set(WorkerPhase::ready);
    return false;
  }
  if (!has(slot.ready, slot.wanted)) suspend_in_trouble(*worker.lane, slot);
  worker.start_ns = takes_time_stamps() ? to_ns(now()) : 0;
  worker.note(EventKind::release, slot.release_ns);
  worker.note(EventKind::start, worker.start_ns);
  return true;
}

void ExecutorBase::finish_descriptor(detail::WorkerSlot& worker,
                                     detail::DescriptorSlot& slot) noexcept {
  const std::int64_t start = worker.start_ns;
  const DescriptorContext context{{.release = from_ns(slot.release_ns),
                                   .start = from_ns(start),
                                   .deadline = kNever,
                                   .index = slot.index++,
                                   .skipped = 0,
                                   .executor = self()},
                                  slot.descriptor,
                                  slot.ready};
  const bool completed = slot.thunk(detail::ThunkStep::run, slot.storage.bytes, &context);
  (completed ? slot.stats.completed : slot.stats.failed).add();
  worker.stats.jobs.add();
  if (!completed) worker.stats.failed.add();
  if (takes_time_stamps()) {
    const std::int64_t finish = to_ns(now());
    worker.stats.busy_ns.add(static_cast<std::uint64_t>(finish - start));
    worker.note(completed ? EventKind::completed : EventKind::failed, finish);
  }
  end_descriptor(*worker.lane, slot);
  worker.stats.activity.set(WorkerPhase::ready);
}

void ExecutorBase::suspend_in_trouble(detail::LaneSlot& lane,
                                      detail::DescriptorSlot& slot) noexcept {
  LockGuard lock(lane.descriptor_mutex);
  // relaxed: written under the mutex.
  if (slot.state.load(std::memory_order_relaxed) != DescriptorState::active) return;
  // Before the job: a resume() that it asks for, of whomever, comes after this.
  // release: pairs with the acquire in DescriptorHandle::state().
  slot.state.store(DescriptorState::suspended, std::memory_order_release);
}

void ExecutorBase::end_descriptor(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept {
  const auto end = [&slot] {
    // release: pairs with the acquire in await_end(). Who waits there takes the mutex before the
    // slot becomes another's.
    const std::uint32_t before = slot.unfinished.exchange(0, std::memory_order_release);
    if ((before & detail::DescriptorSlot::kAwaited) != 0) {
      ThreadEnv::wake(slot.unfinished, kEverybody);
    }
  };
  {
    LockGuard lock(lane.descriptor_mutex);
    if (!slot.unattended) {
      // relaxed: written under the mutex.
      if (slot.state.load(std::memory_order_relaxed) == DescriptorState::active) {
        static_cast<void>(arm(lane, slot));
      }
      return end();
    }
    slot.destroying = true;
  }
  // Unfinished still, so nobody else touches the slot.
  slot.thunk(detail::ThunkStep::destroy_callable, slot.storage.bytes, nullptr);
  LockGuard lock(lane.descriptor_mutex);
  end();
  // release: pairs with the acquire in watch_with().
  slot.state.store(DescriptorState::removed, std::memory_order_release);
}

}  // namespace takt::inline v0
