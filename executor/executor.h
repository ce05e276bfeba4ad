// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_EXECUTOR_H_
#define TAKT_EXECUTOR_EXECUTOR_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "takt/executor/backlog_policy.h"
#include "takt/executor/callable.h"
#include "takt/executor/descriptor_handle.h"
#include "takt/executor/executor_base.h"
#include "takt/executor/job_context.h"
#include "takt/executor/job_handle.h"
#include "takt/executor/limits.h"
#include "takt/executor/options.h"
#include "takt/executor/stats.h"
#include "takt/executor/storage.h"
#include "takt/executor/task_handle.h"
#include "takt/executor/virtual_time.h"
#include "takt/platform/check.h"
#include "takt/platform/result.h"
#include "takt/platform/status.h"

namespace takt::inline v0 {

/// Runs jobs on static threads with fixed memory. The storage is a StaticExecutor's
/// (static_executor.h); a module that only uses an executor takes `Executor&` and need not know its
/// limits.
class Executor : private ExecutorBase {
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
  /// is always ready; failed_precondition: the lane watches it already, or has no worker while the
  /// executor runs; resource_exhausted: ExecutorLimits::descriptors, or the system's.
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
  /// are copied. ok even when a request_stop() beside it has stopped the executor by now.
  /// Errors: invalid_argument: a config, named; failed_precondition: it runs already, or a lane has
  /// tasks and no worker; permission_denied and others: which worker, which call, which errno.
  Status start(std::span<const WorkerConfig> workers, const StartOptions& options = {}) noexcept;

  /// Makes `function` a job: it runs once on a worker of `options.lane`, its result is dropped.
  /// Blocks: no, or for room as WhenFull::wait says. Bound: lock-free; a system call only if a
  /// worker sleeps, or somebody waits for room. Callable from: any thread, jobs included. Errors:
  /// resource_exhausted: all job slots of the lane are in use (the callable is destroyed);
  /// timed_out: with WhenFull::wait, no slot came free; failed_precondition: not started, or
  /// stopping, or a worker would wait for room in its own lane; invalid_argument: no such lane or
  /// priority.
  template <class Function>
  Status post(Function&& function, const PostOptions& options = {}) noexcept {
    using Callable = std::decay_t<Function>;
    detail::require_callable<Callable>();
    const Claim claim = claim_slot(options);
    if (claim.slot == nullptr) [[unlikely]]
      return refusal(options);
    fill<Callable>(claim, &detail::post_thunk<Callable>, false, std::forward<Function>(function));
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
    fill<Callable>(claim, &detail::post_thunk<Callable>, false, std::forward<Function>(function));
    if (publish_to(address, claim, own)) [[likely]]
      return {};
    return take_back(claim);
  }

  /// Has each worker of `options.lane` run a copy of `function` once, as post_to() does: all of
  /// them, or none where a job slot is missing. Returns how many got one: fewer than there are only
  /// where the executor is stopping; those that sit out run it when they may again, or at the stop.
  /// With WhenFull::drop_oldest each slot that it lacks costs a job that waits; one that is refused
  /// in the end, as another slot was missing, gives its slots back and not the jobs that it
  /// dropped. Blocks: no. Bound: O(workers), a system call for each that sleeps. Callable from: any
  /// thread, jobs included. Errors: as post(), and invalid_argument: WhenFull::wait, as two who
  /// wait with some of the slots would wait for each other.
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
    fill<Callable>(claim, &detail::post_thunk<Callable>, false, std::forward<Function>(function));
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
    const std::uint32_t generation = fill<Callable>(claim, &detail::submit_thunk<Callable>, true,
                                                    std::forward<Function>(function));
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
  /// stop(). Does nothing when the executor does not run, or stops already. Beside a start() it
  /// comes before, and does nothing, or after: that run then begins to stop as soon as it has
  /// begun. After it certainly comes a call from who has had a post accepted. Blocks: no. Bound:
  /// O(workers). Callable from: any thread, jobs included.
  void request_stop(StopMode mode) noexcept;

  /// The executor's clock: takt::now(), or the virtual one of a ManualExecutor. Blocks: no.
  /// Callable from: any thread.
  TimePoint now() const noexcept { return ExecutorBase::now(); }

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
  bool running() const noexcept { return ExecutorBase::running(); }
  /// Whether stop(StopMode::cancel) asks running jobs to return. Blocks: no. Callable from: any
  /// thread.
  bool stop_requested() const noexcept { return ExecutorBase::stop_requested(); }
  /// The origin of all task grids, set by start(). Blocks: no. Callable from: any thread.
  TimePoint epoch() const noexcept { return ExecutorBase::epoch(); }

  /// The workers of the last start(), in the order of its configs. Blocks: no. Callable from: any
  /// thread; not while another start() rewrites them.
  std::uint32_t worker_count() const noexcept { return ExecutorBase::worker_count(); }
  /// How many workers serve `lane`; 0 when there is no such lane. Blocks: no. Callable from: any
  /// thread.
  std::uint32_t worker_count(LaneId lane) const noexcept {
    return ExecutorBase::worker_count(lane);
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
  /// one who sleeps and has been woken, whose release is due or who may take jobs again is `ready`.
  /// Blocks: no. Bound:
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
  std::uint32_t task_count() const noexcept { return ExecutorBase::task_count(); }
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
  /// With `virtual_time` it has no threads.
  explicit Executor(const detail::StorageView& storage,
                    detail::VirtualTime* virtual_time = nullptr) noexcept
      : ExecutorBase(storage, virtual_time) {}
  /// Aborts when it still runs, or names what a timed-out stop() left stuck. In a fork child it
  /// returns at once.
  ~Executor() = default;

 private:
  friend class ExecutorBase;  // self()
  friend class JobHandleBase;
  friend class ManualExecutorBase;
  template <class R>
  friend class JobHandle;
  friend class TaskHandle;
  friend class DescriptorHandle;
  friend bool detail::has_virtual_time(const Executor* executor) noexcept;
  friend Result<std::size_t> detail::wait_any_steady(std::span<JobHandleBase* const>,
                                                     TimePoint) noexcept;

  template <class Function>
  Result<std::uint32_t> broadcast_with(const Function& function, const PostOptions& options,
                                       bool all) noexcept;
  template <class R, class Function>
  Status continue_job(JobHandle<R>& job, Function&& function, const PostOptions& options) noexcept;
};

static_assert(sizeof(Executor) == sizeof(ExecutorBase), "ExecutorBase::own_memory()");

inline Executor* ExecutorBase::self() noexcept { return static_cast<Executor*>(this); }
inline const Executor* ExecutorBase::self() const noexcept {
  return static_cast<const Executor*>(this);
}

inline TimePoint JobContext::now() const noexcept { return executor->now(); }

inline bool JobContext::stop_requested() const noexcept {
  return executor->stop_requested() || (abort != kNever && now() >= abort);
}

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
    fill<Callable>(claim, &detail::post_thunk<Callable>, false, function);
    if (publish_to(static_cast<std::uint32_t>(claim.slot->release_ns), claim, options)) {
      ++given;
    } else {
      refused = take_back(claim);
    }
  }
  if (given == 0) return refused;
  return given;
}

}  // namespace takt::inline v0

// What needs the whole Executor.
#include "takt/executor/continuation.h"
#include "takt/executor/static_executor.h"

#endif  // TAKT_EXECUTOR_EXECUTOR_H_
