// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_EXECUTOR_BASE_H_
#define TAKT_EXECUTOR_EXECUTOR_BASE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "takt/executor/descriptor_handle.h"
#include "takt/executor/job_word.h"
#include "takt/executor/limits.h"
#include "takt/executor/options.h"
#include "takt/executor/stats.h"
#include "takt/executor/storage.h"
#include "takt/executor/task_handle.h"
#include "takt/executor/virtual_time.h"
#include "takt/platform/check.h"
#include "takt/platform/fork_mark.h"
#include "takt/platform/result.h"
#include "takt/platform/status.h"
#include "takt/sync/latch.h"
#include "takt/sync/mutex.h"

// States of an executor, changed under `control_mutex_` only:
//
//              start()                  stop(): lanes closed            all workers joined
//   [stopped] ---------> [running] ---------------------> [stopping] ----------------------.
//      ^                                                      |  ^                          |
//      |                                                      '--' stop(): timed out        |
//      '-----------------------------------------------------------------------------------'

namespace takt::inline v0 {

class Executor;

/// What an Executor consists of, and how its parts work together: for those who work on the
/// executor. What users may call is in executor.h, and described there.
class ExecutorBase {
 public:
  ExecutorBase(const ExecutorBase&) = delete;
  ExecutorBase& operator=(const ExecutorBase&) = delete;

 protected:
  enum class State : std::uint32_t { stopped = 0, running = 1, stopping = 2 };
  using Mover = void (*)(void* to, void* from) noexcept;

  /// A job slot and its lane; null when refused. Two words: it is passed in registers.
  struct Claim {
    detail::JobSlot* slot;
    detail::LaneSlot* lane;

    std::uint32_t index() const noexcept { return static_cast<std::uint32_t>(slot - lane->jobs); }
  };

  template <class Callable>
  static void move_into(void* to, void* from) noexcept {
    ::new (to) Callable(std::move(*static_cast<Callable*>(from)));
  }

  /// Out of line on purpose: not constant-initialised, a static executor stays in .bss.
  ExecutorBase(const detail::StorageView& storage, detail::VirtualTime* virtual_time) noexcept;
  ~ExecutorBase();

  /// The executor that this is the base of.
  Executor* self() noexcept;
  const Executor* self() const noexcept;

  // As the Executor's of the same names.
  TimePoint now() const noexcept {
    return virtual_time_ == nullptr ? takt::now() : virtual_time_->now();
  }
  bool running() const noexcept {
    // acquire: pairs with the release in start() and stop().
    return state_.load(std::memory_order_acquire) == State::running;
  }
  bool stop_requested() const noexcept {
    // relaxed: a request, it carries no data.
    return cancelling_.load(std::memory_order_relaxed) != 0;
  }
  TimePoint epoch() const noexcept {
    // acquire: pairs with the release in start().
    return from_ns(epoch_ns_.load(std::memory_order_acquire));
  }
  std::uint32_t worker_count() const noexcept {
    return worker_count_.load(std::memory_order_acquire);
  }
  std::uint32_t worker_count(LaneId lane) const noexcept {
    const auto number = static_cast<std::uint32_t>(lane);
    if (number >= storage_.limits.lanes) return 0;
    return storage_.lanes[number].worker_count.load(std::memory_order_relaxed);
  }
  std::uint32_t task_count() const noexcept { return task_count_.load(std::memory_order_acquire); }

  const detail::WorkerSlot& worker_slot(std::uint32_t worker) const noexcept {
    TAKT_CHECK(worker < storage_.limits.workers,
               "there is no such worker (ExecutorLimits::workers)");
    return storage_.workers[worker];
  }

  Claim claim_slot(const PostOptions& options) noexcept {
    const auto lane = static_cast<std::uint32_t>(options.lane);
    if (lane >= storage_.limits.lanes || storage_.lanes[lane].queue.closed()) return {};
    if (static_cast<std::uint32_t>(options.priority) >= kPriorityLevels) return {};
    detail::LaneSlot& slot = storage_.lanes[lane];
    std::uint32_t index = slot.queue.acquire_slot();
    if (index == Lane::kNone) [[unlikely]] {
      index = make_room(slot, options);
      if (index == Lane::kNone) return {};
    }
    return {&slot.jobs[index], &slot};
  }

  /// Makes the callable of a claimed slot's job, in place; `handled` says whether it has a handle.
  /// Returns its generation.
  template <class Callable, class Function>
  static std::uint32_t fill(Claim claim, detail::Thunk thunk, bool handled,
                            Function&& function) noexcept {
    ::new (claim.slot->storage.bytes) Callable(std::forward<Function>(function));
    claim.slot->thunk = thunk;
    return claim.slot->word.renew(handled);
  }

  bool publish(Claim claim, const PostOptions& options) noexcept {
    claim.slot->release_ns = takes_time_stamps() ? to_ns(now()) : 0;
    claim.slot->deadline_ns = to_ns(options.deadline);
    return claim.lane->queue.publish(options.priority, claim.index());
  }

  /// As takt::deadline_after(), on the executor's clock.
  template <class Rep, class Period>
  TimePoint deadline_after(std::chrono::duration<Rep, Period> duration) const noexcept {
    return saturating_add(now(), duration);
  }
  /// A futex wait in real or in virtual time.
  int sleep(ThreadEnv::Word& word, std::uint32_t seen, TimePoint deadline) noexcept {
    return virtual_time_ == nullptr ? ThreadEnv::wait(word, seen, deadline)
                                    : virtual_time_->wait(word, seen, deadline);
  }

  bool takes_time_stamps() const noexcept {
    // relaxed: the opening of the lane orders it.
    return time_stamps_.load(std::memory_order_relaxed) != 0;
  }

  // What a full lane, one worker, and the end of another job need, posting.cc
  /// A slot of a lane that has none, as WhenFull says; kNone when there is none.
  std::uint32_t make_room(detail::LaneSlot& lane, const PostOptions& options) noexcept;
  std::uint32_t take_slot_of_oldest(detail::LaneSlot& lane, Priority priority) noexcept;
  /// Ends as dropped the job that the caller took from the ring. Returns whether the slot is the
  /// caller's.
  bool drop(detail::LaneSlot& lane, std::uint32_t index) noexcept;
  /// Where posters find a worker, see WorkerSlot::address; kNoAddress when there is none.
  std::uint32_t address_of(WorkerId worker) const noexcept;
  PostOptions options_for(std::uint32_t address, const PostOptions& options) const noexcept;
  bool publish_to(std::uint32_t address, Claim claim, const PostOptions& options) noexcept;
  Status refusal_to(WorkerId worker, const PostOptions& options) noexcept;
  /// A slot for each worker that a broadcast is for, chained by JobSlot::link; `release_ns` has the
  /// worker's address. On an error none.
  Status claim_for_workers(const PostOptions& options, bool all, std::uint32_t& chain) noexcept;
  /// Promises the claimed slot's job to its lane. False: the lane has closed, the slot is given
  /// back.
  static bool promise(Claim claim) noexcept;
  /// Publishes the claimed slot's job when `before`, that of a handle, is over; perhaps now.
  void publish_after(Claim claim, detail::JobSlot& before, std::uint32_t generation,
                     const PostOptions& options) noexcept;
  void publish_promised(std::uint32_t number) noexcept;
  /// Tells who wants to know that a submitted job ended, whose word was `before`.
  void tell_of_end(const detail::JobSlot& job, std::uint32_t before) noexcept;
  /// The lane of a job, by its place among those of all lanes.
  detail::LaneSlot& lane_of_job(std::uint32_t number) const noexcept {
    return storage_.lanes[number / storage_.limits.jobs_per_lane];
  }
  std::uint32_t number_of(const detail::JobSlot& job) const noexcept {
    return static_cast<std::uint32_t>(&job - storage_.jobs);
  }

  const char* why_closed(LaneId lane) const noexcept;
  Status refusal(const PostOptions& options) noexcept;
  static Status take_back(Claim claim) noexcept;
  static void discard(Claim claim) noexcept;
  /// Makes a job ready at `time`.
  Status wait_for_time(Claim claim, TimePoint time, const PostOptions& options) noexcept;
  /// Ends the jobs of the worker's lane that wait for their time; the lane is closed.
  void cancel_timed_jobs(detail::WorkerSlot& worker) noexcept;
  // Tasks, executor_tasks.cc
  Status check_task(const detail::TaskSetup& setup) const noexcept;
  Result<TaskHandle> add_task_with(const detail::TaskSetup& setup, detail::Thunk thunk, Mover mover,
                                   void* callable) noexcept;
  /// Cleared; null when all are in use.
  TaskHistograms* free_histograms() noexcept;
  /// Begins a task's releases at the first one at or after `from`. Called by the holder of the
  /// task mutex and of the lane's timer mutex.
  void schedule(std::uint32_t number, TimePoint epoch, TimePoint from) noexcept;
  /// Makes ready what is due on the worker's lane. Returns a task's job that it took instead, or
  /// kNone.
  std::uint32_t release_due(const detail::WorkerSlot& worker, std::int64_t now_ns) noexcept;
  /// Whether nothing that the worker would take before a job of `priority` is ready.
  bool is_next(const detail::WorkerSlot& worker, Priority priority) const noexcept;
  // The holder of the lane's timer mutex:
  void set_timer(detail::LaneSlot& lane, std::uint32_t index, std::int64_t when) noexcept;
  void note_decision(std::uint32_t number, const detail::ReleaseDecision& decision) noexcept;
  /// All but its publication.
  static void prepare_job(detail::TaskSlot& task, const detail::ReleaseDecision& decision) noexcept;
  /// With `wake` for a thread that is no worker of the lane. False: the lane has closed.
  bool carry_out(detail::LaneSlot& lane, std::uint32_t number,
                 const detail::ReleaseDecision& decision, bool wake) noexcept;
  /// Has end_task() look for releases that are kept back. False: the job has ended.
  static bool await_finish(detail::TaskSlot& task) noexcept;
  /// False: the lane has closed, and what was kept back is skipped.
  bool finish_awaited(detail::LaneSlot& lane, std::uint32_t number, bool wake) noexcept;
  /// The worker's, behind all that it does for a job.
  void end_task(detail::TaskSlot& task, std::int64_t finish_ns) noexcept;
  /// The number of a task in rings and timers, behind those of the jobs.
  std::uint32_t ready_index(std::uint32_t task) const noexcept {
    return storage_.limits.jobs_per_lane + task;
  }
  detail::LaneSlot& lane_of(const detail::TaskSlot& task) const noexcept {
    // relaxed: of a task that is not removed meanwhile.
    return storage_.lanes[static_cast<std::uint32_t>(task.lane.load(std::memory_order_relaxed))];
  }
  std::uint32_t number_of(const detail::TaskSlot& task) const noexcept {
    return static_cast<std::uint32_t>(&task - storage_.tasks);
  }

  // Descriptors, executor_descriptors.cc
  struct Watch {
    LaneId lane;
    int descriptor;
    Readiness wanted;
    Priority priority;
  };
  Status check_watch(const Watch& watch) const noexcept;
  Result<DescriptorHandle> watch_with(const Watch& watch, detail::Thunk thunk, Mover mover,
                                      void* callable) noexcept;
  /// No lane of a watched descriptor may be without worker.
  Status check_descriptors(std::span<const WorkerConfig> workers) const noexcept;
  /// Arms all that are active, for start(): in a fork child in polls of its own.
  Status arm_descriptors() noexcept;
  void release_descriptors() noexcept;
  // The holder of the lane's descriptor mutex:
  Status open_poll(detail::LaneSlot& lane) noexcept;
  /// Refused, the descriptor is lost.
  Status arm(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept;
  void forget(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept;
  // The worker's:
  void look_at_descriptors(detail::WorkerSlot& worker) noexcept;
  /// Releases the jobs of what the leader found ready.
  void release_ready(detail::LaneSlot& lane, const platform::EventPoll::Events& events) noexcept;
  void release_what_is_ready(detail::LaneSlot& lane) noexcept;
  /// The halves of its job, as begin() and finish().
  bool begin_descriptor(detail::WorkerSlot& worker, detail::DescriptorSlot& slot) noexcept;
  void finish_descriptor(detail::WorkerSlot& worker, detail::DescriptorSlot& slot) noexcept;
  /// Of one with an error or a hang-up and nothing that was asked for: it would be reported for
  /// ever. A resume() during its job is then not lost.
  static void suspend_in_trouble(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept;
  void end_descriptor(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept;
  /// Of the job with this number in the lane's rings; null when it is none of a descriptor.
  detail::DescriptorSlot* descriptor_of(std::uint32_t index) const noexcept {
    const std::uint32_t first = storage_.limits.jobs_per_lane + storage_.limits.tasks;
    return index < first ? nullptr : &storage_.descriptors[index - first];
  }
  std::uint32_t ready_index(const detail::DescriptorSlot& slot) const noexcept {
    return storage_.limits.jobs_per_lane + storage_.limits.tasks + number_of(slot);
  }
  std::uint32_t number_of(const detail::DescriptorSlot& slot) const noexcept {
    return static_cast<std::uint32_t>(&slot - storage_.descriptors);
  }

  // start() and stop(), executor_control.cc
  Status check_workers(std::span<const WorkerConfig> workers) const noexcept;
  void configure_workers(std::span<const WorkerConfig> workers) noexcept;
  Status prepare_memory(const StartOptions& options) noexcept;
  Status lock_memory() noexcept;
  std::span<std::byte> own_memory() noexcept {
    return {reinterpret_cast<std::byte*>(this), sizeof *this};
  }
  void share_with_forks() noexcept;
  void release_memory() noexcept;
  Status launch() noexcept;
  Status launch_virtually() noexcept;
  void note_launch_failure(const Status& status) noexcept;
  void open_lanes() noexcept;
  Status stop_locked(StopMode mode, TimePoint deadline) noexcept;
  void begin_stop(StopMode mode) noexcept;
  Status start_locked(std::span<const WorkerConfig> workers, const StartOptions& options) noexcept;
  /// Carries out what request_stop() could not, because control_mutex_ was locked; called by
  /// whoever has unlocked it.
  void carry_out_requests() noexcept;
  Status join_workers(TimePoint deadline) noexcept;
  Status stuck(const detail::WorkerSlot& worker) const noexcept;
  /// Whom to name when worker `late` has not ended in time: it, or one behind it that runs a job.
  const detail::WorkerSlot& culprit(std::uint32_t late) const noexcept;

  // Who works, executor_pause.cc
  /// Carries out `change` on an open lane, and lets the workers see it.
  template <class Change>
  Status change_active(const char* call, LaneId lane, const Change& change) noexcept;
  Status wait_paused_until_steady(LaneId lane, TimePoint deadline) noexcept;
  /// Sleeps until the worker may take jobs, or its lane closes.
  void sit_out(detail::WorkerSlot& worker) noexcept;
  void begin_sitting_out(detail::WorkerSlot& worker) noexcept;
  static void end_sitting_out(detail::WorkerSlot& worker) noexcept;

  // The workers' side, worker.cc
  static void worker_main(void* worker) noexcept;
  Status settle(detail::WorkerSlot& worker) noexcept;
  void serve(detail::WorkerSlot& worker) noexcept;
  std::uint32_t find_work(detail::WorkerSlot& worker) noexcept;
  /// The next job for this worker, by priority: from its inbox, then from its lane.
  std::uint32_t take_next(detail::WorkerSlot& worker) noexcept;
  void run(detail::WorkerSlot& worker, std::uint32_t index) noexcept;
  /// Around each sleep of the worker: its activity and events.
  void begin_sleep(detail::WorkerSlot& worker, WorkerPhase phase, EventKind kind) noexcept;
  static void end_sleep(detail::WorkerSlot& worker, EventKind kind) noexcept;
  WorkerEvent::Subject subject_of(const detail::WorkerSlot& worker, bool is_task,
                                  std::uint32_t number) const noexcept;
  /// An overrun of the task while its job `index` is unfinished. Noted if a worker has seen it.
  void note_overrun(std::uint32_t task, std::uint64_t index) noexcept;
  std::uint32_t lane_number(const detail::WorkerSlot& worker) const noexcept {
    return static_cast<std::uint32_t>(worker.lane - storage_.lanes);
  }
  /// The two halves of a job: between them it executes, which in virtual time takes as long as the
  /// model says. False: it was cancelled, and is over.
  bool begin(detail::WorkerSlot& worker, std::uint32_t index) noexcept;
  void finish(detail::WorkerSlot& worker, std::uint32_t index) noexcept;
  bool begin_job(detail::WorkerSlot& worker, std::uint32_t index) noexcept;
  void finish_job(detail::WorkerSlot& worker, std::uint32_t index) noexcept;
  /// Tells the job's handle, and gives its slot back if there is none.
  void end_job(detail::WorkerSlot& worker, std::uint32_t index, JobState end) noexcept;
  bool invoke_job(detail::WorkerSlot& worker, detail::JobSlot& job) noexcept;
  /// Wakes those who wait in wait_any().
  void tell_watchers() noexcept;
  bool begin_task(detail::WorkerSlot& worker, detail::TaskSlot& task) noexcept;
  void finish_task(detail::WorkerSlot& worker, detail::TaskSlot& task) noexcept;
  /// CPU time that the worker has used.
  std::int64_t cpu_time_ns(const detail::WorkerSlot& worker) const noexcept;
  /// Makes the calling thread `worker`, or none with null; returns who it was.
  static detail::WorkerSlot* act_as(detail::WorkerSlot* worker) noexcept;
  static void note_task(detail::TaskSlot& task, std::int64_t start, std::int64_t finish,
                        bool completed) noexcept;
  static void note_miss(const detail::TaskSlot& task, std::int64_t finish) noexcept;

  /// Whether the calling thread serves `lane` of this executor; with null any lane.
  bool is_worker(const detail::LaneSlot* lane) const noexcept;

  const detail::StorageView storage_;
  detail::VirtualTime* const virtual_time_;  // null: real time, threads
  static constexpr int kEverybody = 0x7FFF'FFFF;
  static constexpr std::uint32_t kNoAddress = 0xFFFF'FFFF;

  Mutex control_mutex_;  // start, stop
  Mutex task_mutex_;     // add_task, start; after control_mutex_. A job may add a task during stop.
  std::atomic<State> state_{State::stopped};
  std::atomic<std::uint32_t> cancelling_{0};
  // Bit m: request_stop(StopMode m) was called and not yet carried out. Set by anybody, cleared
  // under the mutex.
  std::atomic<std::uint32_t> stop_requests_{0};
  std::atomic<std::uint32_t> time_stamps_{0};
  std::atomic<int> refused_memory_lock_{0};
  bool memory_locked_ = false;  // by this executor; what mlockall() locked is not undone
  std::atomic<std::int64_t> epoch_ns_{0};
  std::atomic<std::uint32_t> worker_count_{0};
  std::atomic<std::uint32_t> task_count_{0};
  ThreadEnv::Word ended_watched_{0};  // one more for each watched job that ended
  std::uint32_t histogram_count_ = 0;
  // Of the start() that is under way: each worker counts down the first when it is configured and
  // waits for the second; a refusal goes where the pointer says.
  Latch settled_{0};
  Latch go_{0};
  Mutex launch_mutex_;  // launch_failure_
  Status* launch_failure_ = nullptr;
  platform::ForkMark mark_;
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_EXECUTOR_BASE_H_
