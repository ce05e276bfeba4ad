// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/phase_runner.h"

#include "takt/boards/run/load.h"
#include "takt/platform/this_thread.h"
#include "takt/platform/thread_usage.h"

namespace takt::run {
namespace {

Duration cpu_time() noexcept { return platform::thread_cpu_time().value_or(Duration::zero()); }

}  // namespace

void PhaseRunner::attach(const Workload& workload, const PlannedTask& task) noexcept {
  workload_ = &workload;
  task_ = task.description;
  stats_.histograms = &histograms_;
}

void PhaseRunner::run(TimePoint epoch, const StopSignal& stop) noexcept {
  const TimePoint first = saturating_add(epoch, task_->delay);
  expiry_.fill(first);  // rt-app's reference for every timer of the task
  cpus_ = task_->cpus;
  if (!stop.sleep_until(first)) return;
  if (!begins_with_wait()) begin_job(first);
  const auto phases = workload_->phases(*task_);
  for (std::int64_t loop = 0; loop != task_->loop && !stop.requested(); ++loop) {
    for (const PhaseDescription& phase : phases) run_phase(phase, stop);
  }
  if (stop.requested()) {
    if (in_job_) count_cpu_time();  // the job stays unfinished
  } else {
    end_job(kNever);
  }
}

void PhaseRunner::run_phase(const PhaseDescription& phase, const StopSignal& stop) noexcept {
  use_cpus(phase.cpus.empty() ? task_->cpus : phase.cpus);
  for (std::int64_t loop = 0; loop != phase.loop && !stop.requested(); ++loop) {
    for (const EventDescription& event : workload_->events(phase)) {
      if (stop.requested()) return;
      run_event(event, stop);
    }
    phase_ended_ = loaded_;
  }
}

void PhaseRunner::run_event(const EventDescription& event, const StopSignal& stop) noexcept {
  switch (event.kind) {
    case EventKind::run:
      begin_load();
      use_cpu_time(event.duration, stop);
      break;
    case EventKind::runtime:
      begin_load();
      use_wall_time(event.duration, stop);
      break;
    case EventKind::sleep:
      sleep(event.duration, stop);
      break;
    case EventKind::timer:
      wait_for_timer(event, stop);
      break;
  }
}

void PhaseRunner::sleep(Duration duration, const StopSignal& stop) noexcept {
  if (duration == Duration::zero()) return;
  end_job(kNever);
  wait_until(saturating_add(finish_, duration), stop);
}

// An expiry that has passed is not waited for. Then a relative timer counts anew from now, and an
// absolute one keeps its grid and may have passed the next time too.
void PhaseRunner::wait_for_timer(const EventDescription& event, const StopSignal& stop) noexcept {
  TimePoint& expiry = expiry_[event.timer];
  expiry = saturating_add(expiry, event.duration);
  const bool absolute = workload_->timers(*task_)[event.timer].absolute;
  if (event.duration == Duration::zero()) {  // sets the reference, and is no wait
    if (!absolute) expiry = now();
    return;
  }
  end_job(expiry);
  if (finish_ >= expiry) {
    stats_.overruns.add();
    if (!absolute) expiry = finish_;
    begin_job(expiry);
    return;
  }
  wait_until(expiry, stop);
}

void PhaseRunner::wait_until(TimePoint due, const StopSignal& stop) noexcept {
  if (stop.sleep_until(due)) begin_job(due);
}

bool PhaseRunner::begins_with_wait() const noexcept {
  const EventDescription& first = workload_->events(workload_->phases(*task_).front()).front();
  return first.duration > Duration::zero() &&
         (first.kind == EventKind::sleep || first.kind == EventKind::timer);
}

void PhaseRunner::begin_load() noexcept {
  if (phase_ended_ || !in_job_) {
    end_job(kNever);
    begin_job(finish_);
  }
  loaded_ = true;
}

void PhaseRunner::begin_job(TimePoint release) noexcept {
  in_job_ = true;
  loaded_ = false;
  phase_ended_ = false;
  release_ = release;
  cpu_at_start_ = cpu_time();
  start_ = now();
  const Duration jitter = start_ - release_;
  stats_.releases.add();
  stats_.max_release_jitter_ns.raise(static_cast<std::uint64_t>(jitter.count()));
  histograms_.release_jitter.record(jitter.count());
}

void PhaseRunner::end_job(TimePoint deadline) noexcept {
  finish_ = now();
  if (!in_job_) return;
  in_job_ = false;
  const Duration response = finish_ - release_;
  stats_.completed.add();
  stats_.execution_ns.add(static_cast<std::uint64_t>((finish_ - start_).count()));
  count_cpu_time();
  stats_.max_response_ns.raise(static_cast<std::uint64_t>(response.count()));
  histograms_.response_time.record(response.count());
  if (finish_ > deadline) stats_.deadline_misses.add();
}

void PhaseRunner::count_cpu_time() noexcept {
  cpu_ns_.add(static_cast<std::uint64_t>((cpu_time() - cpu_at_start_).count()));
}

void PhaseRunner::use_cpus(const CpuSet& cpus) noexcept {
  if (cpus == cpus_) return;
  cpus_ = cpus;
  const Status status = platform::set_affinity(cpus.empty() ? CpuSet::all() : cpus);
  if (!status.ok()) {
    refused_affinity_.set(static_cast<std::uint64_t>(status.error_number()));
  }
}

}  // namespace takt::run
