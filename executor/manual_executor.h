// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_MANUAL_EXECUTOR_H_
#define TAKT_EXECUTOR_MANUAL_EXECUTOR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/executor/executor.h"
#include "takt/executor/manual_event.h"
#include "takt/executor/virtual_time.h"
#include "takt/platform/cpu_set.h"

// An executor without threads. Its clock moves only when somebody calls it, from event to event.
// Lanes, timers, release rules, jobs and handles are those of Executor; what is played here is what
// the kernel does with the workers' threads, each in one of these states:
//
//                 something to do              has the CPU: takes a job
//     [asleep] ----------------------> [awake] ---------------------------> [executing]
//        ^        nothing to take         |  ^                                   |
//        '--------------------------------+  |    callable        execution time |
//                                         |  '---- returned --- [blocked] <------'
//     [left] <-- lane closed, empty ------+                  in its callable
//                                         |
//     [benched] <-- may take no jobs -----'
//        '--------- may again ---------> [awake]
//
// Workers that are awake or executing compete for the CPUs: the higher priority first, of equal
// ones who is awake for longest. Who executes without a CPU is preempted, and keeps its job.

namespace takt::inline v0 {

/// A job that begins, for whoever says how long it takes.
struct ManualJob {
  const char* task;     ///< the task's name; of a descriptor "fd 7"; null for a posted job
  std::uint64_t index;  ///< of a task's or descriptor's job: its number; of a posted job: its slot
  LaneId lane;          ///< where it runs
  const char* worker;   ///< who runs it
  TimePoint release;    ///< when it became ready
  TimePoint start;      ///< now
};

/// How long this job executes: CPU time, preemption not included; 0 at least.
using ExecutionModel = Duration (*)(const ManualJob& job, void* argument) noexcept;

namespace detail {

/// What a worker's thread would be in.
enum class ManualState : std::uint32_t { left, asleep, awake, executing, blocked, benched };

/// A worker of a ManualExecutor, beside its WorkerSlot.
struct ManualWorker {
  ManualState state = ManualState::left;
  int rank = 0;            // larger preempts smaller
  std::uint64_t turn = 0;  // of equal ranks the smaller goes first
  CpuSet cpus;
  std::size_t cpu = CpuSet::kCapacity;  // where it ran last; kCapacity: nowhere yet
  bool has_cpu = false;
  bool shown = false;  // the log's last word on its job is that it runs
  // The job:
  std::uint32_t ready_index = 0;
  const TaskSlot* task = nullptr;  // null: posted, or a descriptor's
  std::int64_t execution_ns = 0;
  std::int64_t remaining_ns = 0;
  std::uint64_t failed_before = 0;
  TimePoint deadline = kNever;
  bool end_shown = false;
  ManualEvent event{};  // of the job, for the log

  bool goes_before(const ManualWorker& other) const noexcept {
    return rank != other.rank ? rank > other.rank : turn < other.turn;
  }
};

/// How long the jobs of one task take.
struct ManualTask {
  std::uint32_t generation = 0;  // of the task it is about; 0: none
  Duration execution{0};
};

/// Where a ManualExecutor finds its own storage.
struct ManualStorageView {
  ManualWorker* workers;
  ManualTask* tasks;
  std::span<ManualEvent> events;
};

constexpr ExecutorLimits without_stacks(ExecutorLimits limits) noexcept {
  limits.stack_bytes = 0;
  return limits;
}

template <ExecutorLimits kLimits, std::size_t kEvents>
class ManualStorage {
 protected:
  ManualStorageView manual_view() noexcept {
    return {
        .workers = workers_.data(), .tasks = tasks_.data(), .events = {events_.data(), kEvents}};
  }

 private:
  Array<ManualWorker, kLimits.workers> workers_;
  Array<ManualTask, kLimits.tasks> tasks_;
  Array<ManualEvent, kEvents> events_;
};

}  // namespace detail

/// An executor in virtual time, for tests: whatever takes `takt::Executor&` runs on it unchanged,
/// without threads, always in the same order, at the same times. A callable takes effect at once
/// when its job's execution time is over; preemption between workers moves time only. Waiting for a
/// job, stop() and remove() let virtual time pass until they are done.
/// Callable from: one thread, all of it; jobs run on that thread.
class ManualExecutorBase : private detail::VirtualTime, public Executor {
 public:
  /// The virtual clock ends here, 219 years after its origin: behind it sums would overflow.
  static constexpr TimePoint kClockEnd = from_ns(INT64_MAX / 4 * 3);

  using Executor::now;

  // How long jobs execute. The model is asked first, then the task, then the general figure, each
  // time when a job begins.

  /// For all jobs that nothing else is said about; 0 at first. Blocks: no.
  void set_execution_time(Duration time) noexcept { execution_ = time; }
  /// For the jobs of one task of this executor. Blocks: no.
  void set_execution_time(const TaskHandle& task, Duration time) noexcept;
  /// Asks `model` for each job; null: no more. Blocks: no.
  void set_execution_model(ExecutionModel model, void* argument = nullptr) noexcept {
    model_ = model;
    model_argument_ = argument;
  }

  // Time. Not callable from jobs, which let time pass by waiting, or take execution time.

  /// Carries out the next thing that happens, a job's beginning or its end, or that a worker
  /// pauses, and moves the clock there. False: nothing is left to happen. Blocks: no. Bound:
  /// O(workers² + log timers), and the callable.
  bool step() noexcept;
  /// Carries out all that happens until `time`, inclusive, and leaves the clock there; at most
  /// until kClockEnd. A time that has passed does nothing. Blocks: no. Bound: as step() for each
  /// job that begins or ends. What takes no time and goes on for ever never lets it end: a job that
  /// posts itself, the jobs of a descriptor that stays ready (a stream's end, what can be written),
  /// unless set_execution_model() gives them some.
  void run_until(TimePoint time) noexcept;
  /// As run_until(), `duration` from now.
  template <class Rep, class Period>
  void run_for(const std::chrono::duration<Rep, Period>& duration) noexcept {
    run_until(saturating_add(now(), duration));
  }

  // The log: each event, in the order in which they happen.

  /// The first events since the construction or clear_events(), as many as there is room for.
  /// Blocks: no.
  std::span<const ManualEvent> events() const noexcept { return events_.first(event_count_); }
  /// How many there was no room for. Blocks: no.
  std::uint64_t lost_events() const noexcept { return lost_events_; }
  /// Begins a new log. Blocks: no.
  void clear_events() noexcept {
    event_count_ = 0;
    lost_events_ = 0;
  }
  /// Gives all further events to `sink` instead; null: keeps them again. Blocks: no.
  void set_event_sink(ManualEventSink sink, void* argument = nullptr) noexcept {
    sink_ = sink;
    sink_argument_ = argument;
  }
  /// Writes events(), one a line, times after the epoch, and how many were lost. Blocks: no. Bound:
  /// O(events).
  void write_events(TextWriter& writer) const noexcept;

  /// How often a wait inside a job, or a stop(), ended later than it should have: jobs that wait
  /// for each other run on one stack, so the wait that began first cannot end before one that began
  /// later. 0: the times in the log are exact. Blocks: no.
  std::uint64_t late_wakes() const noexcept { return late_wakes_; }

 protected:
  ManualExecutorBase(const detail::StorageView& storage, const detail::ManualStorageView& manual,
                     TimePoint origin) noexcept;
  ~ManualExecutorBase() = default;

 private:
  using Worker = detail::ManualWorker;

  /// While it lives the caller is a worker, and runs what the user wrote.
  class UserCode {
   public:
    UserCode(ManualExecutorBase& executor, detail::WorkerSlot* worker) noexcept
        : executor_(executor), before_(act_as(worker)) {
      ++executor_.depth_;
    }
    ~UserCode() {
      act_as(before_);
      --executor_.depth_;
    }
    UserCode(const UserCode&) = delete;
    UserCode& operator=(const UserCode&) = delete;

   private:
    ManualExecutorBase& executor_;
    detail::WorkerSlot* const before_;
  };

  /// A wait that lets time pass; on the stack of who waits.
  struct Waiter {
    const ThreadEnv::Word* word;
    std::uint32_t seen;
    TimePoint deadline;
    TimePoint over;  // when it could have ended; kNever: not yet
    Waiter* outer;
  };

  static const Operations kOperations;
  int wait_for_change(const ThreadEnv::Word& word, std::uint32_t seen, TimePoint deadline) noexcept;
  Status launch_workers() noexcept;
  Status join_workers(TimePoint deadline) noexcept;
  void log_decision(const detail::TaskSlot& task, const detail::ReleaseDecision& decision) noexcept;

  std::span<Worker> workers() const noexcept { return {workers_, worker_count()}; }
  detail::WorkerSlot& slot_of(const Worker& worker) const noexcept {
    return storage_.workers[&worker - workers_];
  }
  using Executor::lane_of;
  Lane& lane_of(const Worker& worker) const noexcept { return slot_of(worker).lane->queue; }

  /// One event at `limit` or before; false: there is none.
  bool advance(TimePoint limit) noexcept;
  void rouse() noexcept;
  bool has_reason_to_wake(const Worker& worker) const noexcept;
  void assign() noexcept;
  void give_cpu(Worker& worker, CpuSet& taken) noexcept;
  /// Of those that are awake and have a CPU.
  Worker* first_awake() const noexcept;
  TimePoint next_instant() const noexcept;
  void move_to(TimePoint time) noexcept;
  /// As a worker's thread between two jobs. False: nothing happens, it sleeps or has left.
  bool take(Worker& worker) noexcept;
  void begin_execution(Worker& worker) noexcept;
  void complete(Worker& worker) noexcept;
  void learn_job(Worker& worker, std::uint32_t index) noexcept;
  Duration execution_of(const Worker& worker) const noexcept;
  static void look(Waiter* waiters, TimePoint now) noexcept;

  /// Counts an event as lost if there is no room.
  bool has_room() noexcept;
  void log(const ManualEvent& event) noexcept;
  void log_job(const Worker& worker, ManualEventKind kind, std::uint64_t count = 0) noexcept;
  void log_worker(const Worker& worker, ManualEventKind kind) noexcept;
  void log_end(Worker& worker) noexcept;
  void log_cpus(bool resumed) noexcept;

  Worker* const workers_;
  detail::ManualTask* const tasks_;
  const std::span<ManualEvent> events_;
  std::size_t event_count_ = 0;
  std::uint64_t lost_events_ = 0;
  ManualEventSink sink_ = nullptr;
  void* sink_argument_ = nullptr;
  ExecutionModel model_ = nullptr;
  void* model_argument_ = nullptr;
  Duration execution_{0};
  Waiter* waiters_ = nullptr;  // the innermost
  std::uint64_t late_wakes_ = 0;
  std::uint64_t turns_ = 0;
  std::uint32_t depth_ = 0;  // user code of jobs on the stack
  bool unassigned_ = true;   // who has a CPU is to be found out again
};

/// A ManualExecutorBase with all of its memory, and room for a log of kEvents events. A worker runs
/// on the CPUs of its config, of which the machine need have none; one without `cpus` has a CPU to
/// itself. SCHED_FIFO and SCHED_RR: fixed priorities, equal ones in the order of waking; policies
/// that share time: below these, among each other as equals. Workers do not spin; memory is not
/// locked. SCHED_DEADLINE: start() fails with `unsupported`.
template <ExecutorLimits kLimits, std::size_t kEvents = 256>
class ManualExecutor final : private detail::ExecutorStorage<detail::without_stacks(kLimits)>,
                             private detail::ManualStorage<kLimits, kEvents>,
                             public ManualExecutorBase {
 public:
  /// The virtual clock begins at `origin`, from 0 to kClockEnd, else aborts.
  explicit ManualExecutor(TimePoint origin = TimePoint()) noexcept
      : ManualExecutorBase(this->view(), this->manual_view(), origin) {}
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_MANUAL_EXECUTOR_H_
