// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_SCHEDULE_SIMULATOR_H_
#define TAKT_TESTS_EXECUTOR_SCHEDULE_SIMULATOR_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

// One CPU with workers under SCHED_FIFO, played event by event: a reference for the schedulability
// analysis that shares nothing with it. As the executor does it:
//   a worker takes a job when the kernel runs it and it has none: it first makes the due releases
//   of its periodic tasks visible, by time, then takes the oldest job of the most urgent level;
//   the release of a sporadic task is visible at once;
//   a task has one slot: a release waits outside of the queue until the job before has ended;
//   the kernel runs the runnable worker of the highest priority, of equal ones the one that is
//   runnable for longest; a preempted worker keeps its turn, one that slept goes to the end;
//   one mutex with priority inheritance, which goes to the most urgent waiter.

namespace takt::test {

/// A release of a task: when it is due on paper, when it is there, what it takes.
struct SimulatedRelease {
  std::int64_t nominal;
  std::int64_t ready;
  std::int64_t execution;
};

struct SimulatedTask {
  std::size_t worker = 0;
  unsigned level = 0;  ///< smaller goes first
  bool sporadic = false;
  /// The mutex is held between these amounts of execution, if there is anything between them.
  std::int64_t lock_at = 0;
  std::int64_t unlock_at = 0;
  std::vector<SimulatedRelease> releases;  ///< by ready and by nominal
};

/// A schedule and what came of it.
class ScheduleSimulator {
 public:
  /// `priorities` of the workers: larger preempts smaller.
  ScheduleSimulator(const std::vector<int>& priorities, const std::vector<SimulatedTask>& tasks)
      : tasks_(tasks), slots_(tasks.size()), responses_(tasks.size(), 0), history_(tasks.size()) {
    for (const int priority : priorities) workers_.emplace_back().priority = priority;
  }

  /// Plays until all jobs have ended.
  void run() {
    now_ = next_ready();
    while (now_ != kNever) {
      arrive();
      Worker* const worker = choose();
      if (worker == nullptr) {
        now_ = next_ready();
        continue;
      }
      if (worker->task == kNone && !take(*worker)) continue;
      step(*worker);
    }
  }

  /// The longest time from a nominal release to the end of its job.
  [[nodiscard]] std::int64_t response(std::size_t task) const { return responses_[task]; }
  /// The same of each job, in order.
  [[nodiscard]] const std::vector<std::int64_t>& history(std::size_t task) const {
    return history_[task];
  }

 private:
  static constexpr std::int64_t kNever = INT64_MAX;
  static constexpr std::size_t kNone = SIZE_MAX;

  struct Worker {
    int priority = 0;
    bool awake = false;
    bool waits_for_mutex = false;
    std::uint64_t turn = 0;    ///< when it became runnable
    std::size_t task = kNone;  ///< that it runs
    std::int64_t executed = 0;
    std::deque<std::size_t> queue[4];
  };
  struct Slot {
    std::size_t arrived = 0;  ///< releases that are there
    std::size_t begun = 0;    ///< releases that were made visible
    bool occupied = false;    ///< by a visible or running job
  };

  [[nodiscard]] std::int64_t next_ready() const {
    std::int64_t next = kNever;
    for (std::size_t task = 0; task < tasks_.size(); ++task) {
      const auto& releases = tasks_[task].releases;
      if (slots_[task].arrived < releases.size()) {
        next = std::min(next, releases[slots_[task].arrived].ready);
      }
    }
    return next;
  }

  /// All releases up to now, in the order of the tasks.
  void arrive() {
    for (std::size_t task = 0; task < tasks_.size(); ++task) {
      const auto& releases = tasks_[task].releases;
      Slot& slot = slots_[task];
      while (slot.arrived < releases.size() && releases[slot.arrived].ready <= now_) {
        ++slot.arrived;
        if (tasks_[task].sporadic) show(task);
        wake(workers_[tasks_[task].worker]);
      }
    }
  }

  void wake(Worker& worker) {
    if (worker.awake) return;
    worker.awake = true;
    worker.turn = ++turns_;
  }

  /// Puts the next release of a task into its queue if the slot is free.
  void show(std::size_t task) {
    Slot& slot = slots_[task];
    if (slot.occupied || slot.begun == slot.arrived) return;
    slot.occupied = true;
    ++slot.begun;
    workers_[tasks_[task].worker].queue[tasks_[task].level].push_back(task);
  }

  /// The owner of the mutex runs at the priority of its most urgent waiter.
  [[nodiscard]] int effective_priority(const Worker& worker) const {
    int priority = worker.priority;
    if (owner_ != &worker) return priority;
    for (const Worker& waiter : workers_) {
      if (waiter.waits_for_mutex) priority = std::max(priority, waiter.priority);
    }
    return priority;
  }

  [[nodiscard]] Worker* choose() {
    Worker* best = nullptr;
    for (Worker& worker : workers_) {
      if (!worker.awake || worker.waits_for_mutex) continue;
      if (best != nullptr) {
        const int mine = effective_priority(worker);
        const int other = effective_priority(*best);
        if (mine < other || (mine == other && worker.turn > best->turn)) continue;
      }
      best = &worker;
    }
    return best;
  }

  /// False when there is nothing to take: the worker sleeps.
  bool take(Worker& worker) {
    show_due(worker);
    for (auto& queue : worker.queue) {
      if (queue.empty()) continue;
      worker.task = queue.front();
      worker.executed = 0;
      queue.pop_front();
      return true;
    }
    worker.awake = false;
    return false;
  }

  /// The due releases of the worker's periodic tasks, the oldest first.
  void show_due(const Worker& worker) {
    for (;;) {
      std::size_t oldest = kNone;
      for (std::size_t task = 0; task < tasks_.size(); ++task) {
        const Slot& slot = slots_[task];
        if (&workers_[tasks_[task].worker] != &worker || tasks_[task].sporadic || slot.occupied ||
            slot.begun == slot.arrived) {
          continue;
        }
        if (oldest == kNone || pending(task).nominal < pending(oldest).nominal) oldest = task;
      }
      if (oldest == kNone) return;
      show(oldest);
    }
  }
  [[nodiscard]] const SimulatedRelease& pending(std::size_t task) const {
    return tasks_[task].releases[slots_[task].begun];
  }

  /// Runs the worker's job until something happens.
  void step(Worker& worker) {
    const SimulatedTask& task = tasks_[worker.task];
    const SimulatedRelease& release = task.releases[slots_[worker.task].begun - 1];
    const bool locks = task.unlock_at > task.lock_at && task.unlock_at <= release.execution;
    if (locks && worker.executed == task.lock_at && owner_ != &worker) {
      if (owner_ != nullptr) {
        worker.waits_for_mutex = true;
        return;
      }
      owner_ = &worker;
    }
    std::int64_t until = release.execution;
    if (locks && worker.executed < task.unlock_at) {
      until = worker.executed < task.lock_at ? task.lock_at : task.unlock_at;
    }
    std::int64_t end = now_ + (until - worker.executed);
    end = std::min(end, next_ready());
    worker.executed += end - now_;
    now_ = end;
    if (locks && worker.executed == task.unlock_at && owner_ == &worker) unlock();
    if (worker.executed == release.execution) finish(worker, release);
  }

  void unlock() {
    owner_ = nullptr;
    for (Worker& waiter : workers_) {
      if (waiter.waits_for_mutex && (owner_ == nullptr || waiter.priority > owner_->priority)) {
        owner_ = &waiter;
      }
    }
    if (owner_ == nullptr) return;
    owner_->waits_for_mutex = false;
    owner_->turn = ++turns_;
  }

  void finish(Worker& worker, const SimulatedRelease& release) {
    const std::size_t task = worker.task;
    responses_[task] = std::max(responses_[task], now_ - release.nominal);
    history_[task].push_back(now_ - release.nominal);
    slots_[task].occupied = false;
    worker.task = kNone;
    if (tasks_[task].sporadic) show(task);
  }

  const std::vector<SimulatedTask>& tasks_;
  std::vector<Worker> workers_;
  std::vector<Slot> slots_;
  std::vector<std::int64_t> responses_;
  std::vector<std::vector<std::int64_t>> history_;
  Worker* owner_ = nullptr;
  std::int64_t now_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_SCHEDULE_SIMULATOR_H_
