// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/runner.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "takt/boards/run/load.h"
#include "takt/platform/text.h"
#include "takt/platform/thread_usage.h"

namespace takt::run {
namespace {

LaneId lane_id(std::size_t lane) noexcept { return LaneId{static_cast<std::uint32_t>(lane)}; }

}  // namespace

Runner::~Runner() {
  if (all_ended_ >= 0) ::close(all_ended_);
}

Status Runner::start(Executor& executor) noexcept {
  executor_ = &executor;
  all_ended_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (all_ended_ < 0) return Status::from_errno(errno, "eventfd");
  for (std::size_t i = 0; i < plan_.task_count; ++i) {
    if (!plan_.task_storage[i].is_periodic()) continue;
    if (Status status = add_periodic_task(i); !status.ok()) return status;
  }
  if (Status status = start_workers(); !status.ok()) return status;
  for (std::uint32_t i = 0; i < executor_->worker_count(); ++i) {
    threads_at_start_[i] =
        ThreadFigures::of(static_cast<std::int32_t>(executor_->worker_stats(i).thread_id.get()));
  }
  // relaxed: the post below orders it before the jobs.
  unfinished_.store(static_cast<std::uint32_t>(plan_.task_count), std::memory_order_relaxed);
  for (std::size_t i = 0; i < plan_.task_count; ++i) {
    if (plan_.task_storage[i].is_periodic()) continue;
    if (Status status = post_phases(i); !status.ok()) return status;
  }
  return {};
}

Status Runner::observe(Sampler& sampler) noexcept {
  Status status = sampler.observe(*executor_);
  for (std::size_t i = 0; status.ok() && i < plan_.task_count; ++i) {
    const PlannedTask& planned = plan_.task_storage[i];
    if (planned.is_periodic()) continue;
    Text<kNameBytes> name;
    name << planned.name;
    status = sampler.add_task(name.c_str(), tasks_[i].phases.stats()).status();
  }
  return status;
}

Status Runner::add_periodic_task(std::size_t index) noexcept {
  const PlannedTask& planned = plan_.task_storage[index];
  TaskState& task = tasks_[index];
  task.events = workload_.events(workload_.phases(*planned.description).front());
  Text<kNameBytes> name;
  name << planned.name;
  const TaskConfig config{.name = name.c_str(),
                          .lane = lane_id(planned.lane),
                          .period = planned.period,
                          .offset = planned.offset,
                          .overrun = Overrun::skip(),
                          .histograms = true};
  task.period = planned.period;
  Result<TaskHandle> handle =
      executor_->add_task(config, [this, &task](const JobContext& job) { run_job(task, job); });
  if (!handle.ok()) return handle.status();
  task.handle = *handle;
  return {};
}

Status Runner::start_workers() noexcept {
  static WorkerConfig configs[Plan::kMaxWorkers];
  static char names[Plan::kMaxWorkers][kNameBytes];
  std::size_t count = 0;
  for (std::size_t lane = 0; lane < plan_.lane_count; ++lane) {
    const PlannedLane& planned = plan_.lane_storage[lane];
    for (std::size_t worker = 0; worker < planned.workers; ++worker, ++count) {
      Text<8> number;
      if (planned.workers > 1) number << '.' << worker;
      TextWriter name(names[count], sizeof names[count]);
      name << std::string_view(planned.name).substr(0, kNameBytes - 1 - number.size());
      name << number.view();
      configs[count] = {.name = names[count],
                        .lane = lane_id(lane),
                        .cpus = planned.cpus,
                        .scheduling = planned.scheduling,
                        .on_denied = OnDenied::degrade};
    }
  }
  const StartOptions options{.lock_memory = locks_memory(), .on_denied = OnDenied::degrade};
  return executor_->start(std::span(configs).first(count), options);
}

// rt-app's rule: only tasks with a real-time policy lock pages.
bool Runner::locks_memory() const noexcept { return workload_.lock_pages && plan_.has_real_time(); }

Status Runner::post_phases(std::size_t index) noexcept {
  const PlannedTask& planned = plan_.task_storage[index];
  TaskState& task = tasks_[index];
  task.phases.attach(workload_, planned);
  return executor_->post([this, &task] { run_phases(task); }, {.lane = lane_id(planned.lane)});
}

void Runner::run_job(TaskState& task, const JobContext& job) noexcept {
  task.period_deviation.note_start(job.start, task.period);
  const Duration before = platform::thread_cpu_time().value_or(Duration::zero());
  for (const EventDescription& event : task.events) {
    if (event.kind == EventKind::run) {
      use_cpu_time(event.duration, abandon_);
    } else if (event.kind == EventKind::runtime) {
      use_wall_time(event.duration, abandon_);
    }
  }
  const Duration after = platform::thread_cpu_time().value_or(Duration::zero());
  task.cpu_ns.add(static_cast<std::uint64_t>((after - before).count()));
}

void Runner::run_phases(TaskState& task) noexcept {
  task.phases.run(executor_->epoch(), end_);
  // acq_rel: the last one to end sees the others' ends.
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    constexpr std::uint64_t kOne = 1;
    [[maybe_unused]] const ssize_t written = ::write(all_ended_, &kOne, sizeof kOne);
  }
}

const TaskStats& Runner::stats_of(std::size_t index) const noexcept {
  const TaskState& task = tasks_[index];
  return task.handle.valid() ? task.handle.stats() : task.phases.stats();
}

Runner::Progress Runner::progress() const noexcept {
  Progress progress;
  progress.elapsed = now() - executor_->epoch();
  for (std::size_t i = 0; i < plan_.task_count; ++i) {
    const TaskStats& stats = stats_of(i);
    progress.releases += stats.releases.get();
    progress.deadline_misses += stats.deadline_misses.get();
    progress.overruns += stats.overruns.get();
  }
  return progress;
}

void Runner::read_refusals(RunFigures& figures) const noexcept {
  figures.plan = &plan_;
  figures.lock_pages = locks_memory();
  figures.refused_memory_lock = executor_->refused_memory_lock();
  figures.worker_count = executor_->worker_count();
  std::size_t worker = 0;
  for (std::size_t lane = 0; lane < plan_.lane_count; ++lane) {
    for (std::size_t i = 0; i < plan_.lane_storage[lane].workers; ++i, ++worker) {
      const auto number = static_cast<std::uint32_t>(worker);
      const WorkerStats& stats = executor_->worker_stats(number);
      WorkerFigures& figure = figures.worker_storage[worker];
      TextWriter(figure.name, sizeof figure.name) << executor_->worker_name(number);
      figure.lane = lane;
      figure.refused_scheduling = static_cast<int>(stats.refused_scheduling.get());
      figure.refused_affinity = static_cast<int>(stats.refused_affinity.get());
    }
  }
  for (std::size_t i = 0; i < plan_.task_count; ++i) {
    const auto refused = static_cast<int>(tasks_[i].phases.refused_affinity().get());
    if (refused == 0) continue;
    for (WorkerFigures& figure : std::span(figures.worker_storage).first(figures.worker_count)) {
      if (figure.lane == plan_.task_storage[i].lane) figure.refused_affinity = refused;
    }
  }
}

void Runner::finish(RunFigures& figures) noexcept {
  figures.elapsed = now() - executor_->epoch();
  for (std::uint32_t i = 0; i < executor_->worker_count(); ++i) {
    const auto thread = static_cast<std::int32_t>(executor_->worker_stats(i).thread_id.get());
    figures.worker_storage[i].thread = ThreadFigures::of(thread) - threads_at_start_[i];
  }
  end_.request();
}

Status Runner::stop(Duration grace, RunFigures& figures) noexcept {
  Status status = executor_->stop(StopMode::drain, grace);
  if (status.code() == StatusCode::timed_out) {
    abandon_.request();
    status = executor_->stop(StopMode::cancel, grace);
  }
  read_refusals(figures);
  for (std::uint32_t i = 0; i < executor_->worker_count(); ++i) {
    WorkerFigures& figure = figures.worker_storage[i];
    figure.jobs = executor_->worker_stats(i).jobs.get();
    figure.stack_used = executor_->stack_high_water(i);
    figure.stack_bytes = executor_->stack_bytes(i);
  }
  for (std::size_t i = 0; i < plan_.task_count; ++i) {
    const TaskState& task = tasks_[i];
    const Counter& cpu_ns = task.handle.valid() ? task.cpu_ns : task.phases.cpu_ns();
    figures.task_storage[i] = TaskFigures::of(stats_of(i), cpu_ns.get());
    figures.task_storage[i].period_deviation = Distribution::of(task.period_deviation.counts());
  }
  return status;
}

}  // namespace takt::run
