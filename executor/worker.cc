// SPDX-License-Identifier: Apache-2.0
// What a worker does: settle, then serve its lane until it closes.
#include "takt/executor/worker.h"

#include <utility>

#include "takt/executor/executor.h"
#include "takt/platform/text.h"
#include "takt/platform/this_thread.h"
#include "takt/platform/thread_usage.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {
namespace {

// initial-exec: no call and no lazy allocation on first touch.
constinit thread_local detail::WorkerSlot* current_worker [[gnu::tls_model("initial-exec")]] =
    nullptr;

}  // namespace

detail::WorkerSlot* ExecutorBase::act_as(detail::WorkerSlot* worker) noexcept {
  return std::exchange(current_worker, worker);
}

bool ExecutorBase::is_worker(const detail::LaneSlot* lane) const noexcept {
  return current_worker != nullptr && current_worker->executor == this &&
         (lane == nullptr || current_worker->lane == lane);
}

void ExecutorBase::worker_main(void* argument) noexcept {
  auto& worker = *static_cast<detail::WorkerSlot*>(argument);
  Executor& executor = *worker.executor;
  act_as(&worker);
  const Status status = executor.settle(worker);
  if (!status.ok()) {
    Text<Status::kTextBytes> text;
    text << "worker '" << worker.name << "': " << status.text();
    executor.note_launch_failure({status.code(), text.view(), status.error_number()});
  }
  executor.settled_.count_down();
  executor.go_.wait();
  // relaxed: go_ orders it.
  if (executor.state_.load(std::memory_order_relaxed) != State::stopped) {
    worker.stats.activity.set(WorkerPhase::ready);
    executor.serve(worker);
  }
  worker.stats.activity.set(status.ok() ? WorkerPhase::stopped : WorkerPhase::error);
}

Status ExecutorBase::settle(detail::WorkerSlot& worker) noexcept {
  worker.stats.thread_id.set(static_cast<std::uint64_t>(platform::thread_id()));
  // The kernel may delay timed waits of threads that share time by 50 µs to save power.
  platform::set_timer_slack(Duration(1));
  const WorkerConfig& config = *worker.config;
  const auto degrade = [&config](const Status& status, Counter& refused) {
    if (config.on_denied != OnDenied::degrade || status.code() != StatusCode::permission_denied) {
      return status;
    }
    refused.set(static_cast<std::uint64_t>(status.error_number()));
    return Status();
  };
  if (!config.cpus.empty()) {
    if (config.scheduling.policy() == SchedulingPolicy::deadline) {
      // The kernel lets such a thread run only on all CPUs of its cpuset (sched(7)).
      const Result<CpuSet> allowed = platform::affinity();
      if (!allowed.ok() || *allowed != config.cpus) {
        return {StatusCode::invalid_argument,
                "cpus with SCHED_DEADLINE need an exclusive cpuset of just these"};
      }
    } else if (Status status = platform::set_affinity(config.cpus); !status.ok()) {
      status = degrade(status, worker.stats.refused_affinity);
      if (!status.ok()) return status;
    }
  }
  if (config.scheduling == Scheduling(Other{})) {
    // Time sharing at the nice value of the process: raising it to 0 would need a privilege.
    const Result<Scheduling> inherited = platform::scheduling();
    if (inherited.ok() && inherited->policy() == SchedulingPolicy::other) return {};
  }
  const Status status = platform::set_scheduling(config.scheduling);
  return status.ok() ? status : degrade(status, worker.stats.refused_scheduling);
}

void ExecutorBase::serve(detail::WorkerSlot& worker) noexcept {
  Lane& queue = worker.lane->queue;
  queue.arrive(worker.number_in_lane);
  for (;;) {
    if (!queue.is_active(worker.number_in_lane)) {
      sit_out(worker);
      continue;
    }
    std::uint32_t index = find_work(worker);
    if (index == Lane::kNone && queue.closed()) {
      const std::uint32_t promised = worker.lane->promises.look();
      // A job that was published before the lane closed is seen now at the latest.
      index = take_next(worker);
      if (index == Lane::kNone) {
        if (Promises::is_open(promised)) {
          // This look is the one that is ordered with tell().
          if (queue.inbox(worker.number_in_lane).empty()) worker.lane->promises.wait(promised);
        } else if (queue.inbox(worker.number_in_lane).shut()) {
          return cancel_timed_jobs(worker);
        }
        continue;
      }
    }
    if (index == Lane::kNone) {
      worker.stats.sleeps.add();
      platform::EventPoll::Events events;
      begin_sleep(worker, WorkerPhase::idle, EventKind::park);
      queue.park(worker.number_in_lane, &events);
      end_sleep(worker, EventKind::wake);
      worker.looked = events.count != 0;
      if (worker.looked) release_ready(*worker.lane, events);
      continue;
    }
    queue.step_down(worker.number_in_lane);
    queue.pass_on();
    run(worker, index);
  }
}

void ExecutorBase::begin_sleep(detail::WorkerSlot& worker, WorkerPhase phase,
                               EventKind kind) noexcept {
  worker.subject = WorkerEvent::worker_of(lane_number(worker));
  worker.note_now(kind);
  worker.stats.activity.set(phase);
}

void ExecutorBase::end_sleep(detail::WorkerSlot& worker, EventKind kind) noexcept {
  worker.stats.activity.set(WorkerPhase::ready);
  worker.note_now(kind);
}

WorkerEvent::Subject ExecutorBase::subject_of(const detail::WorkerSlot& worker, bool is_task,
                                              std::uint32_t number) const noexcept {
  const std::uint64_t index =
      is_task ? storage_.tasks[number].index : worker.lane->jobs[number].word.use_number();
  return WorkerEvent::job_of(lane_number(worker), is_task, number, index);
}

void ExecutorBase::note_overrun(std::uint32_t task, std::uint64_t index) noexcept {
  if (storage_.event_capacity == 0 || !is_worker(nullptr)) return;
  current_worker->events.record(
      {EventKind::overrun, to_ns(now()),
       WorkerEvent::job_of(lane_number(*current_worker), true, task, index)});
}

std::uint32_t ExecutorBase::find_work(detail::WorkerSlot& worker) noexcept {
  detail::LaneSlot& lane = *worker.lane;
  std::int64_t spin_until = 0;
  for (;;) {
    std::int64_t next_release = lane.queue.next_release();
    std::int64_t now_ns = 0;
    if (next_release != to_ns(kNever) || worker.spin_ns != 0) now_ns = to_ns(now());
    if (now_ns >= next_release) {
      if (const std::uint32_t taken = release_due(worker, now_ns); taken != Lane::kNone) {
        return taken;
      }
    }
    if (lane.queue.watched()) [[unlikely]]
      look_at_descriptors(worker);
    const std::uint32_t index = take_next(worker);
    if (index != Lane::kNone || worker.spin_ns == 0 || lane.queue.closed()) return index;
    if (!lane.queue.is_active(worker.number_in_lane)) return Lane::kNone;
    if (spin_until == 0) {
      spin_until = to_ns(saturating_add(from_ns(now_ns), Duration(worker.spin_ns)));
    }
    if (now_ns >= spin_until) return Lane::kNone;
    worker.stats.activity.set(WorkerPhase::ready);  // another word: it spins, it does not starve
    ThreadEnv::pause();
  }
}

std::uint32_t ExecutorBase::take_next(detail::WorkerSlot& worker) noexcept {
  detail::LaneSlot& lane = *worker.lane;
  for (;;) {
    if (const std::uint32_t newest = lane.queue.inbox(worker.number_in_lane).take_all();
        newest != 0) {
      worker.directed.add(storage_.jobs, newest);
    }
    const std::uint32_t level = worker.directed.level();
    const std::uint32_t index = lane.queue.take(level);
    if (index != Lane::kNone || level == kPriorityLevels) return index;
    const std::uint32_t number = worker.directed.take(storage_.jobs, level);
    detail::JobSlot& job = storage_.jobs[number];
    if (&lane_of_job(number) == &lane) return static_cast<std::uint32_t>(&job - lane.jobs);
    // Its post began before a stop and ended after a start that gave the worker another lane.
    discard({&job, &lane_of_job(number)});
    worker.stats.cancelled.add();
  }
}

void ExecutorBase::run(detail::WorkerSlot& worker, std::uint32_t index) noexcept {
  if (detail::DescriptorSlot* const slot = descriptor_of(index); slot != nullptr) {
    if (begin_descriptor(worker, *slot)) finish_descriptor(worker, *slot);
  } else if (begin(worker, index)) {
    finish(worker, index);
  }
}

bool ExecutorBase::begin(detail::WorkerSlot& worker, std::uint32_t index) noexcept {
  const std::uint32_t jobs = storage_.limits.jobs_per_lane;
  const bool is_task = index >= jobs;
  const std::uint32_t number = is_task ? index - jobs : index;
  worker.stats.activity.set(WorkerPhase::in_job, is_task, number);
  if (worker.events.enabled()) worker.subject = subject_of(worker, is_task, number);
  const bool begun =
      is_task ? begin_task(worker, storage_.tasks[number]) : begin_job(worker, index);
  if (!begun) worker.stats.activity.set(WorkerPhase::ready);
  return begun;
}

void ExecutorBase::finish(detail::WorkerSlot& worker, std::uint32_t index) noexcept {
  const std::uint32_t jobs = storage_.limits.jobs_per_lane;
  if (index >= jobs) {
    finish_task(worker, storage_.tasks[index - jobs]);
  } else {
    finish_job(worker, index);
  }
  worker.stats.activity.set(WorkerPhase::ready);
}

bool ExecutorBase::begin_job(detail::WorkerSlot& worker, std::uint32_t index) noexcept {
  detail::JobSlot& job = worker.lane->jobs[index];
  if (job.word.is_submitted() && !job.word.begin()) {  // its handle cancelled it
    worker.note_now(EventKind::cancelled);
    if (job.word.retire()) worker.lane->queue.release_slot(index);
    return false;
  }
  if (stop_requested()) {
    job.thunk(detail::ThunkStep::destroy_callable, job.storage.bytes, nullptr);
    worker.stats.cancelled.add();
    worker.note_now(EventKind::cancelled);
    end_job(worker, index, JobState::cancelled);
    return false;
  }
  worker.start_ns = takes_time_stamps() ? to_ns(now()) : 0;
  worker.note(EventKind::release, job.release_ns);
  worker.note(EventKind::start, worker.start_ns);
  return true;
}

void ExecutorBase::finish_job(detail::WorkerSlot& worker, std::uint32_t index) noexcept {
  const bool completed = invoke_job(worker, worker.lane->jobs[index]);
  end_job(worker, index, completed ? JobState::completed : JobState::failed);
}

void ExecutorBase::end_job(detail::WorkerSlot& worker, std::uint32_t index, JobState end) noexcept {
  detail::JobSlot& job = worker.lane->jobs[index];
  if (job.word.is_submitted()) {
    const std::uint32_t before = job.word.finish(end);
    tell_of_end(job, before);
    if ((before & JobWord::kHandled) != 0) return;
    if (end == JobState::completed) {
      job.thunk(detail::ThunkStep::destroy_result, job.storage.bytes, nullptr);
    }
  }
  worker.lane->queue.release_slot(index);
}

void ExecutorBase::tell_of_end(const detail::JobSlot& job, std::uint32_t before) noexcept {
  if ((before & JobWord::kWatched) != 0) tell_watchers();
  // The job that waits has the handle: until it is published, this slot stays as it is.
  if ((before & JobWord::kContinued) != 0) publish_promised(job.link - 1);
}

void ExecutorBase::tell_watchers() noexcept {
  // release: pairs with the acquire in wait_any(), though the job's own word hands its result over.
  ended_watched_.fetch_add(1, std::memory_order_release);
  ThreadEnv::wake(ended_watched_, kEverybody);
}

bool ExecutorBase::invoke_job(detail::WorkerSlot& worker, detail::JobSlot& job) noexcept {
  const bool time_stamps = takes_time_stamps();
  const std::int64_t start = worker.start_ns;
  const JobContext context{.release = from_ns(job.release_ns),
                           .start = from_ns(start),
                           .deadline = from_ns(job.deadline_ns),
                           .index = 0,
                           .skipped = 0,
                           .executor = self()};
  const bool completed = job.thunk(detail::ThunkStep::run, job.storage.bytes, &context);
  worker.stats.jobs.add();
  if (!completed) worker.stats.failed.add();
  if (time_stamps || context.deadline != kNever) {
    const std::int64_t finish = to_ns(now());
    if (time_stamps) worker.stats.busy_ns.add(static_cast<std::uint64_t>(finish - start));
    worker.note(completed ? EventKind::completed : EventKind::failed, finish);
    if (finish > to_ns(context.deadline)) {
      worker.stats.deadline_misses.add();
      worker.note(EventKind::deadline_miss, finish);
    }
  }
  return completed;
}

bool ExecutorBase::begin_task(detail::WorkerSlot& worker, detail::TaskSlot& task) noexcept {
  if (stop_requested()) {
    task.stats.cancelled.add();
    worker.stats.cancelled.add();
    const std::int64_t finish = to_ns(now());
    worker.note(EventKind::cancelled, finish);
    end_task(task, finish);
    return false;
  }
  if (task.budget_ns != 0) worker.cpu_start_ns = cpu_time_ns(worker);
  worker.start_ns = to_ns(now());
  worker.note(EventKind::release, task.release_ns);
  worker.note(EventKind::start, worker.start_ns);
  return true;
}

std::int64_t ExecutorBase::cpu_time_ns(const detail::WorkerSlot& worker) const noexcept {
  if (virtual_time_ != nullptr) return worker.virtual_cpu_ns;
  const Result<Duration> used = platform::thread_cpu_time();
  return used.ok() ? used->count() : 0;
}

void ExecutorBase::finish_task(detail::WorkerSlot& worker, detail::TaskSlot& task) noexcept {
  const std::int64_t start = worker.start_ns;
  const JobContext context{
      .release = from_ns(task.release_ns),
      .start = from_ns(start),
      .deadline = saturating_add(from_ns(task.release_ns), Duration(task.deadline_ns)),
      .index = task.index,
      .skipped = task.skipped,
      .executor = self(),
      .abort = from_ns(task.abort_ns)};
  const bool completed = task.thunk(detail::ThunkStep::run, task.storage.bytes, &context);
  const std::int64_t finish = to_ns(now());
  worker.note(completed ? EventKind::completed : EventKind::failed, finish);
  if (task.budget_ns != 0 && cpu_time_ns(worker) - worker.cpu_start_ns > task.budget_ns) {
    task.stats.budget_overruns.add();
    worker.note(EventKind::budget_overrun, finish);
  }
  if (finish > to_ns(context.deadline)) worker.note(EventKind::deadline_miss, finish);
  note_task(task, start, finish, completed);
  worker.stats.jobs.add();
  if (!completed) worker.stats.failed.add();
  worker.stats.busy_ns.add(static_cast<std::uint64_t>(finish - start));
  if (finish > to_ns(context.deadline) && task.on_miss != nullptr) note_miss(task, finish);
  end_task(task, finish);
}

void ExecutorBase::note_task(detail::TaskSlot& task, std::int64_t start, std::int64_t finish,
                             bool completed) noexcept {
  const std::int64_t jitter = start - task.release_ns;
  const std::int64_t response = finish - task.release_ns;
  (completed ? task.stats.completed : task.stats.failed).add();
  task.stats.execution_ns.add(static_cast<std::uint64_t>(finish - start));
  task.stats.max_release_jitter_ns.raise(static_cast<std::uint64_t>(jitter));
  task.stats.max_response_ns.raise(static_cast<std::uint64_t>(response));
  if (response > task.deadline_ns) task.stats.deadline_misses.add();
  if (task.histograms != nullptr) {
    task.histograms->release_jitter.record(jitter);
    task.histograms->response_time.record(response);
  }
}

void ExecutorBase::note_miss(const detail::TaskSlot& task, std::int64_t finish) noexcept {
  const TimePoint release = from_ns(task.release_ns);
  task.on_miss({.task = task.name,
                .index = task.index,
                .release = release,
                .deadline = saturating_add(release, Duration(task.deadline_ns)),
                .finish = from_ns(finish),
                .argument = task.miss_argument});
}

}  // namespace takt::inline v0
