// SPDX-License-Identifier: Apache-2.0
// The schedulability analysis in words.
#include "takt/executor/analysis.h"

#include "takt/executor/duration_text.h"

namespace takt::inline v0 {
namespace {

using detail::write_duration;

/// Millionths as per cent: "97.14 %".
void write_percent(TextWriter& writer, std::uint64_t millionths) noexcept {
  const std::uint64_t hundredths = millionths / 100;
  writer << hundredths / 100 << '.' << (hundredths % 100 < 10 ? "0" : "") << hundredths % 100
         << " %";
}

void write_task(TextWriter& writer, const Deployment& deployment, std::size_t index) noexcept {
  const char* const name = deployment.tasks[index].name;
  if (name != nullptr) {
    writer << name;
  } else {
    writer << "task " << index;
  }
}

void write_bound(TextWriter& writer, const TaskAnalysis& analysis) noexcept {
  writer << "ends within ";
  write_duration(writer, analysis.response);
  writer << " of ";
  write_duration(writer, analysis.deadline);
  if (analysis.lateness <= Duration::zero()) return;
  writer << ", ";
  write_duration(writer, analysis.lateness);
  writer << " too late";
  if (analysis.busy_period == Duration::zero()) return;
  writer << " (job " << analysis.job << " of a busy period of ";
  write_duration(writer, analysis.busy_period);
  writer << ')';
}

void write_analysis(TextWriter& writer, const TaskAnalysis& analysis) noexcept {
  if (analysis.response != Duration::max()) {
    write_bound(writer, analysis);
    return;
  }
  writer << to_string(analysis.reason);
  if (analysis.lateness != Duration::max()) {
    writer << ", by ";
    write_duration(writer, analysis.lateness);
  }
  if (analysis.utilisation_millionths != 0) {
    writer << " (load ";
    write_percent(writer, analysis.utilisation_millionths);
    writer << ')';
  }
}

}  // namespace

const char* to_string(Schedulability schedulability) noexcept {
  switch (schedulability) {
    case Schedulability::schedulable:
      return "schedulable";
    case Schedulability::unschedulable:
      return "unschedulable";
    case Schedulability::undecided:
      return "undecided";
    case Schedulability::unsupported:
      return "unsupported";
    case Schedulability::invalid:
      return "invalid";
  }
  return "schedulability ?";
}

const char* to_string(AnalysisReason reason) noexcept {
  switch (reason) {
    case AnalysisReason::none:
      return "meets its deadline";
    case AnalysisReason::deadline_missed:
      return "can end after its deadline";
    case AnalysisReason::overload:
      return "more work than its CPU can do";
    case AnalysisReason::demand_too_high:
      return "workers under SCHED_DEADLINE demand more than their CPU has";
    case AnalysisReason::runtime_too_small:
      return "its wcet exceeds the runtime of its SCHED_DEADLINE worker";
    case AnalysisReason::four_levels_too_few:
      return "four levels of one lane do not suffice";
    case AnalysisReason::lanes_too_few:
      return "no order of priorities in so many lanes was found";
    case AnalysisReason::too_long:
      return "the busy period is too long to follow";
    case AnalysisReason::too_many_tasks:
      return "more tasks than the analysis has room for";
    case AnalysisReason::several_workers:
      return "several workers serve its lane";
    case AnalysisReason::several_cpus:
      return "its worker may run on several CPUs";
    case AnalysisReason::any_cpu:
      return "its worker is not pinned to a CPU";
    case AnalysisReason::time_sharing:
      return "its worker shares time with all other programs";
    case AnalysisReason::shared_deadline_lane:
      return "its SCHED_DEADLINE worker serves several tasks";
    case AnalysisReason::too_frequent_for_deadline:
      return "releases can be closer than the period of its SCHED_DEADLINE worker";
    case AnalysisReason::blocked_deadline_worker:
      return "its SCHED_DEADLINE worker may have to wait for a mutex";
    case AnalysisReason::spinning_worker:
      return "a worker on its CPU spins before it sleeps";
    case AnalysisReason::no_worker:
      return "no worker serves its lane";
    case AnalysisReason::bad_period:
      return "its period is not positive";
    case AnalysisReason::bad_deadline:
      return "its deadline is negative";
    case AnalysisReason::bad_wcet:
      return "its wcet is not positive";
    case AnalysisReason::bad_release_jitter:
      return "its release jitter is negative";
    case AnalysisReason::bad_blocking:
      return "its blocking is negative";
    case AnalysisReason::bad_level:
      return "its level is none of the four";
    case AnalysisReason::bad_worker_priority:
      return "its worker's priority is not 1 to 99";
    case AnalysisReason::bad_deadline_parameters:
      return "a SCHED_DEADLINE worker without 0 < runtime <= deadline <= period";
  }
  return "reason ?";
}

void explain(TextWriter& writer, const Deployment& deployment) noexcept {
  const DeploymentAnalysis analysis = analyse(deployment);
  writer << to_string(analysis.verdict) << ": ";
  detail::PlacedTasks placed;
  if (const detail::Finding finding = detail::place(deployment, placed); !finding.ok()) {
    write_task(writer, deployment, finding.task);
    writer << ": " << to_string(finding.reason) << '\n';
    return;
  }
  if (analysis.failing == 0) {
    writer << "each of " << analysis.tasks << " tasks meets its deadline\n";
  } else {
    writer << analysis.failing << " of " << analysis.tasks << " tasks without a guarantee\n";
  }
  for (std::size_t task = 0; task < analysis.tasks; ++task) {
    writer << "  ";
    write_task(writer, deployment, task);
    writer << ": ";
    write_analysis(writer, detail::analyse_placed(deployment, placed, task));
    writer << '\n';
  }
}

}  // namespace takt::inline v0
