// SPDX-License-Identifier: Apache-2.0
// Which of a lane's workers take jobs: pause(), set_active_workers().
#include <cerrno>

#include "takt/executor/executor.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

// LaneSlot::resting, one word:
//   bits 0-7   workers that sit out. Raised by a worker that stops to take jobs, lowered by the
//              same worker when it may again.
//   bits 8-31  how often who may take jobs has changed, or the lane closed. Raised by
//              tell_waiting().
// A stale read is legal: the sleep compares the newest value.

namespace takt::inline v0 {
namespace {

constexpr std::uint32_t kOneWorker = 1;
constexpr std::uint32_t kWorkersMask = 0xFF;
constexpr std::uint32_t kOneChange = 0x100;

Status about_lane(const char* call, LaneId lane, StatusCode code, const char* what) noexcept {
  Text<Status::kTextBytes> text;
  text << call << ": lane " << static_cast<std::uint32_t>(lane) << ' ' << what;
  return {code, text.view()};
}

}  // namespace

template <class Change>
Status Executor::change_active(const char* call, LaneId lane, const Change& change) noexcept {
  if (static_cast<std::uint32_t>(lane) >= storage_.limits.lanes) {
    return about_lane(call, lane, StatusCode::invalid_argument, "does not exist");
  }
  detail::LaneSlot& slot = storage_.lanes[static_cast<std::uint32_t>(lane)];
  LockGuard lock(slot.timer_mutex);
  if (slot.queue.closed()) {
    return about_lane(call, lane, StatusCode::failed_precondition,
                      "is closed: not started, or stopping");
  }
  if (Status status = change(slot); !status.ok()) return status;
  const std::uint32_t target = slot.paused ? 0 : slot.active_workers;
  if (target == slot.queue.active()) return {};
  slot.queue.set_active(target);
  tell_waiting(slot);
  return {};
}

void Executor::tell_waiting(detail::LaneSlot& lane) noexcept {
  // release: pairs with the acquire in wait_paused_until_steady(), which then looks at the lane.
  lane.resting.fetch_add(kOneChange, std::memory_order_release);
  ThreadEnv::wake(lane.resting, kEverybody);
}

Status Executor::pause(LaneId lane) noexcept {
  return change_active("pause", lane, [](detail::LaneSlot& slot) {
    slot.paused = true;
    return Status();
  });
}

Status Executor::resume(LaneId lane) noexcept {
  return change_active("resume", lane, [this](detail::LaneSlot& slot) {
    if (!slot.paused) return Status();
    slot.paused = false;
    const std::int64_t now_ns = to_ns(now());
    for (std::uint32_t number = 0; number < task_count(); ++number) {
      detail::TaskSlot& task = storage_.tasks[number];
      // The state first. acquire: pairs with the release in add_task_with(), which writes the lane
      // before, under that lane's timer mutex: who is active and then of this lane stays so.
      if (task.state.load(std::memory_order_acquire) != TaskState::active ||
          &lane_of(task) != &slot) {
        continue;
      }
      const std::uint64_t lost = task.rule.pass_over(now_ns);
      task.stats.skipped.add(lost);
      if (virtual_time_ != nullptr) virtual_time_->decided(task, {.lost = lost});
      // Sporadic ones wait at their timer; a slip() task that awaits its job's end has none.
      // relaxed: the bit is set under the timer mutex.
      const bool awaited =
          (task.unfinished.load(std::memory_order_relaxed) & detail::TaskSlot::kAwaited) != 0;
      if (!task.sporadic && !awaited) set_timer(slot, ready_index(number), task.rule.timer());
    }
    return Status();
  });
}

Status Executor::set_active_workers(LaneId lane, std::uint32_t count) noexcept {
  return change_active("set_active_workers", lane, [this, lane, count](detail::LaneSlot& slot) {
    const std::uint32_t workers = worker_count(lane);
    if (count == 0 || count > workers) {
      Text<Status::kTextBytes> text;
      text << "set_active_workers: " << count << " given, lane " << static_cast<std::uint32_t>(lane)
           << " has 1 to " << workers;
      return Status(StatusCode::invalid_argument, text.view());
    }
    slot.active_workers = count;
    return Status();
  });
}

Status Executor::adjust_active_workers(LaneId lane, BacklogPolicy& policy) noexcept {
  return change_active(
      "adjust_active_workers", lane, [this, lane, &policy](detail::LaneSlot& slot) {
        const std::uint32_t waiting = slot.queue.backlog();
        slot.active_workers = policy.look(worker_count(lane), slot.active_workers, waiting);
        return Status();
      });
}

std::uint32_t Executor::active_workers(LaneId lane) const noexcept {
  const auto number = static_cast<std::uint32_t>(lane);
  return number < storage_.limits.lanes ? storage_.lanes[number].queue.active() : 0;
}

Status Executor::wait_paused_until_steady(LaneId lane, TimePoint deadline) noexcept {
  constexpr const char* kCall = "wait_paused";
  if (static_cast<std::uint32_t>(lane) >= storage_.limits.lanes) {
    return about_lane(kCall, lane, StatusCode::invalid_argument, "does not exist");
  }
  detail::LaneSlot& slot = storage_.lanes[static_cast<std::uint32_t>(lane)];
  if (is_worker(&slot)) {
    return about_lane(kCall, lane, StatusCode::failed_precondition, "would wait for itself");
  }
  for (;;) {
    // acquire: pairs with the release in sit_out(): what the workers' jobs did is over, and seen.
    const std::uint32_t seen = slot.resting.load(std::memory_order_acquire);
    // After that load: a change that is not seen here ends the sleep below.
    if (slot.queue.closed() || slot.queue.active() != 0) {
      return about_lane(kCall, lane, StatusCode::failed_precondition, "is not paused");
    }
    // 0: stopped meanwhile, and being started again.
    const std::uint32_t workers = worker_count(lane);
    if (workers != 0 && (seen & kWorkersMask) == workers) return {};
    const int error = sleep(slot.resting, seen, deadline);
    if (error == EDEADLK) {
      return about_lane(kCall, lane, StatusCode::failed_precondition,
                        "runs a job that nothing in virtual time can end");
    }
    if (error == ETIMEDOUT && slot.resting.load(std::memory_order_relaxed) == seen) {
      return about_lane(kCall, lane, StatusCode::timed_out, "still runs a job");
    }
  }
}

void Executor::sit_out(detail::WorkerSlot& worker) noexcept {
  begin_sitting_out(worker);
  Lane& queue = worker.lane->queue;
  while (!queue.is_active(worker.number_in_lane)) queue.bench(worker.number_in_lane);
  end_sitting_out(worker);
}

void Executor::begin_sitting_out(detail::WorkerSlot& worker) noexcept {
  detail::LaneSlot& lane = *worker.lane;
  begin_sleep(worker, WorkerPhase::paused, EventKind::pause);
  // release: pairs with the acquire in wait_paused_until_steady().
  lane.resting.fetch_add(kOneWorker, std::memory_order_release);
  ThreadEnv::wake(lane.resting, kEverybody);
}

void Executor::end_sitting_out(detail::WorkerSlot& worker) noexcept {
  // relaxed: who waits looks at the lane itself.
  worker.lane->resting.fetch_sub(kOneWorker, std::memory_order_relaxed);
  end_sleep(worker, EventKind::resume);
}

}  // namespace takt::inline v0
