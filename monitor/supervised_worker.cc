// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/supervised_worker.h"

#include <algorithm>

#include "takt/platform/proc_reader.h"
#include "takt/platform/thread_usage.h"

namespace takt::inline v0 {

ThreadUse thread_use(std::int32_t thread_id) noexcept {
  const Result<Duration> cpu_time = platform::thread_cpu_time_of(thread_id);
  const Result<platform::ThreadStat> stat = platform::read_thread_stat(thread_id);
  if (!cpu_time.ok() || !stat.ok()) return {};
  return {.known = true, .wants_cpu = stat->state == 'R', .cpu_time = *cpu_time};
}

void SupervisedWorker::begin(WatchMode mode, const Look& look) noexcept {
  mode_ = mode;
  local_.begin(expected().active);
  note_change(look.end);
  cycle_begin_ = look.end;
}

void SupervisedWorker::exclude(const Disturbance& disturbance) noexcept {
  cycle_begin_ = disturbance.moved(cycle_begin_);
  if (seen_ != activity_) return note_change(disturbance.end);
  unchanged_since_ = disturbance.moved(unchanged_since_);
  use_at_ = disturbance.moved(use_at_);
}

void SupervisedWorker::note_change(TimePoint at) noexcept {
  activity_ = seen_;
  unchanged_since_ = at;
  use_ = {};
}

Duration SupervisedWorker::cycle() const noexcept {
  return std::max(expected().longest_job, expected().longest_wait);
}

bool SupervisedWorker::gets_no_cpu(Duration measured_over) const noexcept {
  const ThreadUse use = source_.use(number_);
  // Not known: then it is called stuck, which it looks like.
  if (!use_.known || !use.known || !use.wants_cpu) return false;
  return (use.cpu_time - use_.cpu_time) * 10 < measured_over;
}

void SupervisedWorker::judge_unchanged(const Look& look, Findings& findings) noexcept {
  const WorkerPhase phase = seen_.phase();
  if (phase == WorkerPhase::idle || phase == WorkerPhase::paused) return;
  const bool in_job = phase == WorkerPhase::in_job;
  const bool runs = in_job || phase == WorkerPhase::ready;
  const Duration limit = in_job ? expected().longest_job : runs ? expected().longest_wait : cycle();
  const Duration certainly = look.begin - unchanged_since_;
  if (limit <= Duration::zero()) return;
  if (certainly < limit) {
    if (in_job && !use_.known && certainly >= limit / 2) {
      use_ = source_.use(number_);
      use_at_ = look.end;
    }
    return;
  }
  if (!runs) return findings.add({.fault = Fault::not_running, .measured = certainly});
  const bool starved = !in_job || gets_no_cpu(look.begin - use_at_);
  findings.add({.fault = starved ? Fault::starved : Fault::stuck_in_job,
                .kind = Supervision::alive,
                .to = seen_.number(),
                .is_task = seen_.is_task(),
                .measured = certainly});
}

void SupervisedWorker::judge(const Look& look, Findings& findings) noexcept {
  if (seen_ == activity_) {
    judge_unchanged(look, findings);
  } else {
    note_change(look.end);
  }
  if (look.begin - cycle_begin_ >= cycle()) {
    findings.cycle_ended = true;
    cycle_begin_ = look.end;
  }
}

}  // namespace takt::inline v0
