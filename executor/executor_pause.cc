// SPDX-License-Identifier: Apache-2.0
// Which of a lane's workers take jobs: pause(), set_active_workers().
#include <cerrno>

#include "takt/executor/executor.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {
namespace {

Status about_lane(const char* call, LaneId lane, StatusCode code, const char* what) noexcept {
  Text<Status::kTextBytes> text;
  text << call << ": lane " << static_cast<std::uint32_t>(lane) << ' ' << what;
  return {code, text.view()};
}

}  // namespace

template <class Change>
Status ExecutorBase::change_active(const char* call, LaneId lane, const Change& change) noexcept {
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
  slot.resting.tell();
  return {};
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

Status ExecutorBase::wait_paused_until_steady(LaneId lane, TimePoint deadline) noexcept {
  constexpr const char* kCall = "wait_paused";
  if (static_cast<std::uint32_t>(lane) >= storage_.limits.lanes) {
    return about_lane(kCall, lane, StatusCode::invalid_argument, "does not exist");
  }
  detail::LaneSlot& slot = storage_.lanes[static_cast<std::uint32_t>(lane)];
  if (is_worker(&slot)) {
    return about_lane(kCall, lane, StatusCode::failed_precondition, "would wait for itself");
  }
  for (;;) {
    const std::uint32_t seen = slot.resting.look();
    if (slot.queue.closed() || slot.queue.active() != 0) {
      return about_lane(kCall, lane, StatusCode::failed_precondition, "is not paused");
    }
    // 0: stopped meanwhile, and being started again.
    const std::uint32_t workers = worker_count(lane);
    if (workers != 0 && Resting::workers_in(seen) == workers) return {};
    const int error = sleep(slot.resting.word(), seen, deadline);
    if (error == EDEADLK) {
      return about_lane(kCall, lane, StatusCode::failed_precondition,
                        "runs a job that nothing in virtual time can end");
    }
    if (error == ETIMEDOUT && slot.resting.look() == seen) {
      return about_lane(kCall, lane, StatusCode::timed_out, "still runs a job");
    }
  }
}

void ExecutorBase::sit_out(detail::WorkerSlot& worker) noexcept {
  begin_sitting_out(worker);
  Lane& queue = worker.lane->queue;
  while (!queue.is_active(worker.number_in_lane)) queue.bench(worker.number_in_lane);
  end_sitting_out(worker);
}

void ExecutorBase::begin_sitting_out(detail::WorkerSlot& worker) noexcept {
  begin_sleep(worker, WorkerPhase::paused, EventKind::pause);
  worker.lane->resting.begin();
}

void ExecutorBase::end_sitting_out(detail::WorkerSlot& worker) noexcept {
  worker.lane->resting.end();
  end_sleep(worker, EventKind::resume);
}

}  // namespace takt::inline v0
