// SPDX-License-Identifier: Apache-2.0
#include "takt/executor/manual_event.h"

#include "takt/platform/duration_text.h"

namespace takt::inline v0 {
namespace {

/// Without a space before it where the job is the subject of the sentence.
const char* verb_of(ManualEventKind kind) noexcept {
  switch (kind) {
    case ManualEventKind::released:
      return "is released";
    case ManualEventKind::skipped:
      return "skipped";
    case ManualEventKind::begun:
      return "begins";
    case ManualEventKind::preempted:
      return "is preempted";
    case ManualEventKind::resumed:
      return "resumes";
    case ManualEventKind::ended:
      return "ends";
    case ManualEventKind::failed:
      return "throws";
    case ManualEventKind::missed:
      return "was late by ";
    case ManualEventKind::cancelled:
      return "is cancelled";
    case ManualEventKind::paused:
      return "pauses";
    case ManualEventKind::continued:
      return "goes on";
  }
  return "?";
}

void write_job(TextWriter& writer, const ManualEvent& event) noexcept {
  if (event.task[0] != '\0') {
    writer << event.task << " #" << event.index;
  } else {
    writer << "job in slot " << event.index << " of lane "
           << static_cast<std::uint32_t>(event.lane);
  }
}

}  // namespace

const char* to_string(ManualEventKind kind) noexcept {
  switch (kind) {
    case ManualEventKind::released:
      return "released";
    case ManualEventKind::skipped:
      return "skipped";
    case ManualEventKind::begun:
      return "begun";
    case ManualEventKind::preempted:
      return "preempted";
    case ManualEventKind::resumed:
      return "resumed";
    case ManualEventKind::ended:
      return "ended";
    case ManualEventKind::failed:
      return "failed";
    case ManualEventKind::missed:
      return "missed";
    case ManualEventKind::cancelled:
      return "cancelled";
    case ManualEventKind::paused:
      return "paused";
    case ManualEventKind::continued:
      return "continued";
  }
  return "?";
}

void write_event(TextWriter& writer, const ManualEvent& event, TimePoint origin) noexcept {
  write_duration(writer, event.time - origin);
  writer << ": ";
  if (event.kind == ManualEventKind::skipped) {
    writer << event.task << " skips " << event.count
           << (event.count == 1 ? " release" : " releases");
    return;
  }
  if (event.kind == ManualEventKind::paused || event.kind == ManualEventKind::continued) {
    writer << event.worker << ' ' << verb_of(event.kind);
    return;
  }
  write_job(writer, event);
  writer << ' ' << verb_of(event.kind);
  if (event.kind == ManualEventKind::missed) {
    write_duration(writer, Duration(static_cast<std::int64_t>(event.count)));
    return;
  }
  if (event.worker[0] != '\0') writer << " on " << event.worker;
  if (event.time > event.release) {
    writer << ", ";
    write_duration(writer, event.time - event.release);
    writer << " after its release";
  }
}

}  // namespace takt::inline v0
