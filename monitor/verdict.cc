// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/verdict.h"

#include "takt/platform/duration_text.h"

namespace takt::inline v0 {
namespace {

const char* to_string(SubjectKind kind) noexcept {
  switch (kind) {
    case SubjectKind::entity:
      return "entity";
    case SubjectKind::task:
      return "task";
    case SubjectKind::worker:
      return "worker";
    case SubjectKind::watchdog:
      return "watchdog";
    case SubjectKind::device:
      return "device";
    case SubjectKind::service_manager:
      return "service manager";
  }
  return "unknown";
}

void write_checkpoint(TextWriter& writer, std::uint32_t number) noexcept {
  // 31: where a round begins, see logical_supervision.h.
  if (number >= 31) {
    writer << "begin";
  } else {
    writer << number;
  }
}

}  // namespace

void write_verdict(TextWriter& writer, const Verdict& verdict) noexcept {
  const Finding& finding = verdict.finding;
  writer << to_string(verdict.kind) << " '" << verdict.name << "': " << to_string(finding.fault);
  switch (finding.fault) {
    case Fault::too_few_indications:
    case Fault::too_many_indications:
      writer << ", " << finding.count << " in ";
      write_rounded_duration(writer, finding.measured);
      break;
    case Fault::checkpoint_early:
    case Fault::checkpoint_late:
    case Fault::wrong_order:
      writer << ", ";
      write_checkpoint(writer, finding.from);
      writer << " to ";
      write_checkpoint(writer, finding.to);
      break;
    case Fault::deadline_missed:
      writer << ", " << finding.count << " times";
      break;
    case Fault::stuck_in_job:
      writer << (finding.is_task ? ", task " : ", job ") << finding.to;
      break;
    default:
      break;
  }
  if (finding.fault != Fault::too_few_indications && finding.fault != Fault::too_many_indications &&
      finding.measured != Duration::zero()) {
    writer << ", ";
    write_rounded_duration(writer, finding.measured);
  }
  writer << ": " << to_string(verdict.state);
}

}  // namespace takt::inline v0
