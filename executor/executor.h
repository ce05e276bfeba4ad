// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_EXECUTOR_H_
#define TAKT_EXECUTOR_EXECUTOR_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "takt/executor/backlog_policy.h"
#include "takt/executor/callable.h"
#include "takt/executor/descriptor_handle.h"
#include "takt/executor/job_context.h"
#include "takt/executor/job_handle.h"
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

/// Runs jobs on static threads with fixed memory. The storage is a StaticExecutor's; a module that
/// only uses an executor takes `Executor&` and need not know its limits.
class Executor {
 public:
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Adds a periodic task: job k is released at epoch() + offset + k * period. Before or after
  /// start(); a late task joins at its next point on the grid. Tasks survive a stop.
  /// Blocks: for another add_task(), watch() or start() (which locks memory and starts threads
  /// meanwhile: milliseconds), and for others who set timers of the lane. Bound: O(tasks), with
  /// histograms times ExecutorLimits::histograms. Callable from: any thread, jobs included. Errors:
  /// invalid_argument; resource_exhausted: ExecutorLimits::tasks or histograms are used up;
  /// failed_precondition: the executor runs, and the lane has no worker.
  template <class Function>
  Result<TaskHandle> add_task(const TaskConfig& config, Function&& function) noexcept {
    using Callable = std::decay_t<Function>;
    detail::require_callable<Callable>();
    Callable callable(std::forward<Function>(function));
    return add_task_with(detail::setup_of(config), &detail::task_thunk<Callable>,
                         &move_into<Callable>, &callable);
  }

  /// Adds a sporadic task: its jobs are released by TaskHandle::release(). Otherwise as add_task().
  template <class Function>
  Result<TaskHandle> add_sporadic_task(const SporadicConfig& config, Function&& function) noexcept {
    using Callable = std::decay_t<Function>;
    detail::require_callable<Callable>();
    Callable callable(std::forward<Function>(function));
    return add_task_with(detail::setup_of(config), &detail::task_thunk<Callable>,
                         &move_into<Callable>, &callable);
  }

  /// Makes `function` a job of `lane` each time `descriptor` is ready for one of `wanted`, or has
  /// an error or hang-up: level-triggered, and never again before the job has ended, so a storm of
  /// events takes its turn. `function` takes nothing, const JobContext& or const
  /// DescriptorContext&, which says what is ready. One with an error or a hang-up, and nothing of
  /// `wanted`, is suspended before its job begins. Use O_NONBLOCK: a job may find nothing, where
  /// others read too, or after a suspend() and resume(). Before or after start(); survives a stop.
  /// The descriptor stays the caller's: call DescriptorHandle::remove() before close(). Blocks: for
  /// another watch(), add_task() or start(). Bound: O(descriptors). Callable from: any thread, jobs
  /// included. The lane's first one opens two descriptors of the executor's own. Errors:
  /// invalid_argument: no such lane or priority, not an open descriptor; unsupported: a file that
  /// is always ready, virtual time; failed_precondition: the lane watches it already, or has no
  /// worker while the executor runs; resource_exhausted: ExecutorLimits::descriptors, or the
  /// system's.
  template <class Function>
  Result<DescriptorHandle> watch(LaneId lane, int descriptor, Readiness wanted, Function&& function,
                                 Priority priority = Priority::normal) noexcept {
    using Callable = std::decay_t<Function>;
    detail::require_descriptor_callable<Callable>();
    Callable callable(std::forward<Function>(function));
    return watch_with({lane, descriptor, wanted, priority}, &detail::descriptor_thunk<Callable>,
                      &move_into<Callable>, &callable);
  }

  /// Starts the workers and returns when each runs as configured; sets the epoch. On an error
  /// nothing runs: a refused priority, affinity or memory lock fails it, unless OnDenied::degrade.
  /// Blocks: until the workers run; before that behind a stop() under way, as long as that may
  /// take, and behind add_task() and watch(). Callable from: any thread but a worker. The configs
  /// are copied.
  /// Errors: invalid_argument: a config, named; failed_precondition: it runs already, or a lane has
  /// tasks and no worker; permission_denied and others: which worker, which call, which errno.
  Status start(std::span<const WorkerConfig> workers, const StartOptions& options = {}) noexcept;

  /// Makes `function` a job: it runs once on a worker of `options.lane`, its result is dropped.
  /// Blocks: no, or for room as WhenFull::wait says. Bound: lock-free; a system call only if a
  /// worker sleeps, or somebody waits for room. Callable from: any thread, jobs included. Errors:
  /// resource_exhausted: all job slots of the lane are in use (the callable is destroyed);
  /// timed_out: with WhenFull::wait, no slot came free; failed_precondition: not started, or
  /// stopping, or a worker would wait for room in its own lane; invalid_argument: no such lane.
  template <class Function>
  Status post(Function&& function, const PostOptions& options = {}) noexcept {
    using Callable = std::decay_t<Function>;
    detail::require_callable<Callable>();
    const Claim claim = claim_slot(options);
    if (claim.slot == nullptr) [[unlikely]]
      return refusal(options);
    ::new (claim.slot->storage.bytes) Callable(std::forward<Function>(function));
    claim.slot->thunk = &detail::post_thunk<Callable>;
    claim.slot->word.renew(false);
    if (publish(claim, options)) [[likely]]
      return {};
    return take_back(claim);
  }

  /// As post(), but `worker` runs it and no other, in its lane; `options.lane` is not looked at.
  /// The job takes a slot of that lane, and goes before the lane's jobs of its level. While that
  /// worker sits out (pause(), set_active_workers()) it waits, unseen by a BacklogPolicy. A worker
  /// is known by its place among the configs of the last start(). Blocks, bound, callable from: as
  /// post(). Errors: as post(), and invalid_argument: no such worker.
  template <class Function>
  Status post_to(WorkerId worker, Function&& function, const PostOptions& options = {}) noexcept {
    using Callable = std::decay_t<Function>;
    detail::require_callable<Callable>();
    const std::uint32_t address = address_of(worker);
    const PostOptions own = options_for(address, options);
    const Claim claim = claim_slot(own);
    if (claim.slot == nullptr) [[unlikely]]
      return refusal_to(worker, own);
    ::new (claim.slot->storage.bytes) Callable(std::forward<Function>(function));
    claim.slot->thunk = &detail::post_thunk<Callable>;
    claim.slot->word.renew(false);
    if (publish_to(address, claim, own)) [[likely]]
      return {};
    return take_back(claim);
  }

  /// Has each worker of `options.lane` run a copy of `function` once, as post_to() does: all of
  /// them, or none where a job slot is missing. Returns how many got one: fewer than there are only
  /// where the executor is stopping; those that sit out run it when they may again, or at the stop.
  /// Blocks: no. Bound: O(workers), a system call for each that sleeps. Callable from: any thread,
  /// jobs included. Errors: as post(), and invalid_argument: WhenFull::wait, as two who wait with
  /// some of the slots would wait for each other.
  template <class Function>
  Result<std::uint32_t> broadcast(const Function& function,
                                  const PostOptions& options = {}) noexcept {
    return broadcast_with(function, options, false);
  }
  /// As broadcast(), but to the workers of all lanes; `options.lane` is not looked at.
  template <class Function>
  Result<std::uint32_t> broadcast_to_all(const Function& function,
                                         const PostOptions& options = {}) noexcept {
    return broadcast_with(function, options, true);
  }

  /// As post(), but the job becomes ready at `time`, of the executor's clock; a time that has
  /// passed is now. stop() ends jobs that still wait, in either mode. Blocks: no, but for others
  /// who set timers of the lane: a worker that releases all that is due, a resume(), which is
  /// O(tasks). Bound: O(log(timers + tasks)); a system call if a worker has to be woken.
  /// Callable from: any thread, jobs included. Errors: as post(), and resource_exhausted:
  /// ExecutorLimits::timers jobs of the lane wait already.
  template <class Function>
  Status post_at(TimePoint time, Function&& function, const PostOptions& options = {}) noexcept {
    using Callable = std::decay_t<Function>;
    detail::require_callable<Callable>();
    const Claim claim = claim_slot(options);
    if (claim.slot == nullptr) [[unlikely]]
      return refusal(options);
    ::new (claim.slot->storage.bytes) Callable(std::forward<Function>(function));
    claim.slot->thunk = &detail::post_thunk<Callable>;
    claim.slot->word.renew(false);
    return wait_for_time(claim, time, options);
  }

  /// As post_at(), `delay` after now.
  template <class Rep, class Period, class Function>
  Status post_after(const std::chrono::duration<Rep, Period>& delay, Function&& function,
                    const PostOptions& options = {}) noexcept {
    return post_at(deadline_after(delay), std::forward<Function>(function), options);
  }

  /// As post(), and gives a handle by which the result can be had and the job be cancelled.
  template <class Function>
  auto submit(Function&& function, const PostOptions& options = {}) noexcept
      -> Result<JobHandle<detail::ResultOf<std::decay_t<Function>>>> {
    using Callable = std::decay_t<Function>;
    detail::require_callable<Callable>();
    const Claim claim = claim_slot(options);
    if (claim.slot == nullptr) [[unlikely]]
      return refusal(options);
    ::new (claim.slot->storage.bytes) Callable(std::forward<Function>(function));
    claim.slot->thunk = &detail::submit_thunk<Callable>;
    const std::uint32_t generation = claim.slot->word.renew(true);
    if (!publish(claim, options)) [[unlikely]]
      return take_back(claim);
    return JobHandle<detail::ResultOf<Callable>>(this, options.lane, claim.index(), generation);
  }

  /// Stops: no new jobs and releases; waiting jobs run (drain) or end cancelled (cancel); joins the
  /// workers. ok when it is stopped, also when it was before. start() may follow.
  /// Lanes close one after the other, by their numbers, at the caller's priority: a lane that is
  /// not yet closed goes on with its releases, which cancel ends at once. Blocks: until stopped or
  /// `timeout`; behind another stop(). Callable from: any thread but a worker. Errors: timed_out:
  /// names the stuck worker and its job; then call it again, or _exit(). failed_precondition:
  /// called by a worker, which would wait for itself.
  Status stop(StopMode mode, Duration timeout) noexcept;

  /// Begins a stop and waits for nothing: no new jobs and releases; the workers leave when their
  /// lanes are empty. Then somebody must call stop(), which joins them. For jobs, which cannot call
  /// stop(). Does nothing when the executor does not run, or stops already.
  /// Blocks: no. Bound: O(workers). Callable from: any thread, jobs included.
  void request_stop(StopMode mode) noexcept;

  /// The executor's clock: takt::now(), or the virtual one of a ManualExecutor. Blocks: no.
  /// Callable from: any thread.
  TimePoint now() const noexcept {
    return virtual_time_ == nullptr ? takt::now() : virtual_time_->now();
  }

  /// The workers of `lane` take no more jobs until resume(); those that run end as usual, and one
  /// that a worker is about to take may still begin: wait_paused() waits for all of them. Posts are
  /// accepted and wait. Periodic tasks are not released meanwhile, timed posts wait. A stop ends
  /// it. Blocks: for others who set timers of the lane. Bound: O(workers), a system call for each
  /// that sleeps. Callable from: any thread, jobs included. Errors: invalid_argument: no such lane;
  /// failed_precondition: not started, or stopping.
  Status pause(LaneId lane) noexcept;
  /// Ends a pause(). Of each periodic task the releases that were due meanwhile are skipped and
  /// counted (TaskStats::skipped, JobContext::skipped), whatever its Overrun; it keeps its phase, a
  /// slip() task begins a new one now. What came before it, the jobs after it see. Otherwise as
  /// pause(). Bound: and O(tasks).
  Status resume(LaneId lane) noexcept;
  /// Waits until no worker of a paused lane runs a job. What their jobs did is then seen.
  /// Blocks: until then. Callable from: any thread but a worker of the lane. Errors:
  /// invalid_argument: no such lane; failed_precondition: the lane is not paused, or no longer, or
  /// called by one of its workers, or nothing is left in virtual time that could end its job.
  Status wait_paused(LaneId lane) noexcept { return wait_paused_until_steady(lane, kNever); }
  /// As wait_paused(), at most until `deadline`, of any clock. Errors: and timed_out.
  template <class OtherClock, class OtherDuration>
  Status wait_paused_until(
      LaneId lane, const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    Status status;
    detail::attempt_until(this, deadline, [&](TimePoint at) {
      status = wait_paused_until_steady(lane, at);
      return status.code() != StatusCode::timed_out;
    });
    return status;
  }
  /// As wait_paused(), at most for `timeout`.
  template <class Rep, class Period>
  Status wait_paused_for(LaneId lane, const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return wait_paused_until(lane, deadline_after(timeout));
  }
  /// Lets only the first `count` workers of `lane` (in the order of start()'s configs) take jobs, 1
  /// to worker_count(lane); at first it is all of them. The others sleep, without a place among
  /// those that posts and releases wake; what was posted to one of them waits until it is active
  /// again, or the lane closes. Otherwise as pause(); while the lane is paused it takes
  /// effect at resume(). Errors: and invalid_argument: not so many.
  Status set_active_workers(LaneId lane, std::uint32_t count) noexcept;
  /// One look of `policy` at the jobs that wait in `lane`, and set_active_workers() as it says. For
  /// a periodic task of another lane, or a thread of its own. Otherwise as set_active_workers().
  /// Bound: and O(waiting jobs).
  Status adjust_active_workers(LaneId lane, BacklogPolicy& policy) noexcept;
  /// How many workers of `lane` may take jobs; 0 while it is paused. Blocks: no. Callable from: any
  /// thread.
  std::uint32_t active_workers(LaneId lane) const noexcept;

  /// Whether jobs are accepted. Blocks: no. Callable from: any thread.
  bool running() const noexcept {
    // acquire: pairs with the release in start() and stop().
    return state_.load(std::memory_order_acquire) == State::running;
  }
  /// Whether stop(StopMode::cancel) asks running jobs to return. Blocks: no. Callable from: any
  /// thread.
  bool stop_requested() const noexcept {
    // relaxed: a request, it carries no data.
    return cancelling_.load(std::memory_order_relaxed) != 0;
  }
  /// The origin of all task grids, set by start(). Blocks: no. Callable from: any thread.
  TimePoint epoch() const noexcept {
    // acquire: pairs with the release in start().
    return from_ns(epoch_ns_.load(std::memory_order_acquire));
  }

  /// The workers of the last start(), in the order of its configs. Blocks: no. Callable from: any
  /// thread; not while another start() rewrites them.
  std::uint32_t worker_count() const noexcept {
    return worker_count_.load(std::memory_order_acquire);
  }
  /// How many workers serve `lane`; 0 when there is no such lane. Blocks: no. Callable from: any
  /// thread.
  std::uint32_t worker_count(LaneId lane) const noexcept {
    const auto number = static_cast<std::uint32_t>(lane);
    if (number >= storage_.limits.lanes) return 0;
    return storage_.lanes[number].worker_count.load(std::memory_order_relaxed);
  }
  /// ExecutorLimits::lanes. Blocks: no. Callable from: any thread.
  std::uint32_t lane_count() const noexcept { return storage_.limits.lanes; }
  /// How many jobs wait in `lane` for a worker, those of tasks and descriptors included, timed ones
  /// not; 0 when there is no such lane. A figure. Blocks: no. Bound: O(jobs). Callable from: any
  /// thread.
  std::uint32_t waiting_jobs(LaneId lane) const noexcept {
    const auto number = static_cast<std::uint32_t>(lane);
    return number < storage_.limits.lanes ? storage_.lanes[number].queue.backlog() : 0;
  }
  /// What became of posts to `lane`, which must exist, since the executor was constructed. Blocks:
  /// no. Callable from: any thread.
  const LaneStats& lane_stats(LaneId lane) const noexcept {
    TAKT_CHECK(static_cast<std::uint32_t>(lane) < storage_.limits.lanes,
               "there is no such lane (ExecutorLimits::lanes)");
    return storage_.lanes[static_cast<std::uint32_t>(lane)].stats;
  }
  /// Figures and name of a worker, below ExecutorLimits::workers. Blocks: no. Callable from: any
  /// thread; the name not while another start() rewrites it.
  const WorkerStats& worker_stats(std::uint32_t worker) const noexcept {
    return worker_slot(worker).stats;
  }
  const char* worker_name(std::uint32_t worker) const noexcept { return worker_slot(worker).name; }
  /// What the worker does at the time `at`, which is about now: as WorkerStats::activity, but that
  /// one who sleeps and has been woken, or whose release is due, is `ready`. Blocks: no. Bound:
  /// wait-free. Callable from: any thread; not while another start() rewrites it.
  WorkerActivity worker_activity(std::uint32_t worker, TimePoint at) const noexcept;
  WorkerActivity worker_activity(std::uint32_t worker) const noexcept {
    return worker_activity(worker, now());
  }
  /// The worker's events; empty without ExecutorLimits::events_per_worker. `worker` is below
  /// ExecutorLimits::workers. Blocks: no. Callable from: any thread, at any time.
  const EventRing& worker_events(std::uint32_t worker) const noexcept {
    return worker_slot(worker).events;
  }
  /// Bytes of the worker's stack that were ever used, and that there are; `worker` as above.
  /// Blocks: no. Bound: O(unused bytes). Callable from: any thread, but not beside start().
  std::size_t stack_high_water(std::uint32_t worker) const noexcept;
  std::size_t stack_bytes(std::uint32_t worker) const noexcept;

  /// The tasks added until now, in that order, but that a task takes the place of one that was
  /// removed; TaskHandle::state() tells. `number` is below ExecutorLimits::tasks. Blocks: no.
  /// Callable from: any thread.
  std::uint32_t task_count() const noexcept { return task_count_.load(std::memory_order_acquire); }
  TaskHandle task(std::uint32_t number) noexcept {
    TAKT_CHECK(number < storage_.limits.tasks, "there is no such task (ExecutorLimits::tasks)");
    // acquire: pairs with the release in add_task_with(); the lane is that generation's, or a later
    // one's, and then the handle is stale.
    const detail::TaskSlot& task = storage_.tasks[number];
    const std::uint32_t generation = task.generation.load(std::memory_order_acquire);
    return {this, number, generation, task.lane.load(std::memory_order_relaxed)};
  }

  /// The errno with which the memory lock was refused where OnDenied::degrade went on; else 0.
  /// Blocks: no. Callable from: any thread.
  int refused_memory_lock() const noexcept {
    // relaxed: a figure.
    return refused_memory_lock_.load(std::memory_order_relaxed);
  }

 protected:
  /// Out of line on purpose: not constant-initialised, a static executor stays in .bss.
  /// With `virtual_time` it has no threads.
  explicit Executor(const detail::StorageView& storage,
                    detail::VirtualTime* virtual_time = nullptr) noexcept;
  /// Aborts when it still runs, or names what a timed-out stop() left stuck. In a fork child it
  /// returns at once.
  ~Executor();

 private:
  const detail::WorkerSlot& worker_slot(std::uint32_t worker) const noexcept {
    TAKT_CHECK(worker < storage_.limits.workers,
               "there is no such worker (ExecutorLimits::workers)");
    return storage_.workers[worker];
  }

  friend class JobHandleBase;
  friend class ManualExecutorBase;
  template <class R>
  friend class JobHandle;
  friend class TaskHandle;
  friend class DescriptorHandle;
  friend bool detail::has_virtual_time(const Executor* executor) noexcept;
  friend Result<std::size_t> detail::wait_any_steady(std::span<JobHandleBase* const>,
                                                     TimePoint) noexcept;

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
  template <class Function>
  Result<std::uint32_t> broadcast_with(const Function& function, const PostOptions& options,
                                       bool all) noexcept;
  template <class R, class Function>
  Status continue_job(JobHandle<R>& job, Function&& function, const PostOptions& options) noexcept;
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
  void run_descriptor(detail::WorkerSlot& worker, detail::DescriptorSlot& slot) noexcept;
  void invoke_descriptor(detail::WorkerSlot& worker, detail::DescriptorSlot& slot) noexcept;
  /// Of one with an error or a hang-up and nothing that was asked for: it would be reported for
  /// ever. A resume() during its job is then not lost.
  static void suspend_in_trouble(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept;
  void end_descriptor(detail::LaneSlot& lane, detail::DescriptorSlot& slot) noexcept;
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

inline TimePoint JobContext::now() const noexcept { return executor->now(); }

template <class Function>
Result<std::uint32_t> Executor::broadcast_with(const Function& function, const PostOptions& options,
                                               bool all) noexcept {
  using Callable = std::decay_t<Function>;
  detail::require_callable<Callable>();
  static_assert(std::is_nothrow_copy_constructible_v<Callable>,
                "takt: each worker gets a copy of a broadcast, which must not throw");
  std::uint32_t chain = 0;
  if (Status status = claim_for_workers(options, all, chain); !status.ok()) return status;
  std::uint32_t given = 0;
  Status refused;
  while (chain != 0) {
    const Claim claim{&storage_.jobs[chain - 1], &lane_of_job(chain - 1)};
    chain = claim.slot->link;
    ::new (claim.slot->storage.bytes) Callable(function);
    claim.slot->thunk = &detail::post_thunk<Callable>;
    claim.slot->word.renew(false);
    if (publish_to(static_cast<std::uint32_t>(claim.slot->release_ns), claim, options)) {
      ++given;
    } else {
      refused = take_back(claim);
    }
  }
  if (given == 0) return refused;
  return given;
}

inline bool JobContext::stop_requested() const noexcept {
  return executor->stop_requested() || (abort != kNever && now() >= abort);
}

/// An executor with all of its memory: give it static storage.
template <ExecutorLimits kLimits>
class StaticExecutor : private detail::ExecutorStorage<kLimits>, public Executor {
 public:
  StaticExecutor() noexcept : Executor(this->view()) {}

  /// The memory of an executor with these limits besides its stacks, before the padding that puts
  /// it on pages of its own. Bytes.
  static constexpr std::size_t kStateBytes =
      detail::ExecutorStorage<kLimits>::kPartsBytes + sizeof(Executor);
};

}  // namespace takt::inline v0

#include "takt/executor/continuation.h"  // JobHandle::then(), which needs the whole Executor

#endif  // TAKT_EXECUTOR_EXECUTOR_H_
