// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_WORKLOAD_H_
#define TAKT_BOARDS_RUN_WORKLOAD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "takt/boards/run/diagnostics.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/time.h"

/// A described task set, as the file says it: the model of rt-app's grammar, as far as `run`
/// executes it. Texts point into the arena of the document that it was read from.
namespace takt::run {

/// A loop without end.
inline constexpr std::int64_t kForever = -1;

enum class EventKind : std::uint8_t {
  run,      ///< use `duration` of CPU time
  runtime,  ///< use the CPU until `duration` of wall time is over
  sleep,    ///< suspend for `duration`
  timer,    ///< suspend until the timer's next expiry, `duration` after the one before
};

struct EventDescription {
  EventKind kind = EventKind::run;
  std::uint32_t timer = 0;  ///< index among the task's timers
  Duration duration{};
  Place place;
};

struct TimerDescription {
  std::string_view ref;
  Place place;
  bool unique = false;    ///< the name begins with "unique": one timer for each instance
  bool absolute = false;  ///< a late expiry does not move the ones after it
};

struct PhaseDescription {
  std::string_view name;
  Place place;
  std::int64_t loop = 1;
  CpuSet cpus;  ///< empty: those of the task
  Place cpus_place;
  std::size_t first_event = 0;
  std::size_t event_count = 0;
};

struct TaskDescription {
  std::string_view name;
  Place place;
  std::int64_t instances = 1;
  std::int64_t loop = kForever;
  Scheduling scheduling;
  CpuSet cpus;  ///< empty: all of the process's
  Place cpus_place;
  Duration delay{};
  std::size_t first_phase = 0;
  std::size_t phase_count = 0;
  std::size_t first_timer = 0;
  std::size_t timer_count = 0;
};

struct Workload {
  static constexpr std::size_t kMaxTasks = 64;
  static constexpr std::size_t kShownName = 36;     // bytes of a task's name that the report shows
  static constexpr std::size_t kMaxInstances = 64;  ///< of all tasks together
  static constexpr std::size_t kMaxPhases = 256;
  static constexpr std::size_t kMaxEvents = 2048;
  static constexpr std::size_t kMaxTimers = 128;
  static constexpr std::size_t kMaxTimersOfTask = 16;

  Duration duration{-1};  ///< negative: until all tasks have ended
  bool lock_pages = true;
  std::size_t task_count = 0;
  std::size_t phase_count = 0;
  std::size_t event_count = 0;
  std::size_t timer_count = 0;
  std::array<TaskDescription, kMaxTasks> task_storage;
  std::array<PhaseDescription, kMaxPhases> phase_storage;
  std::array<EventDescription, kMaxEvents> event_storage;
  std::array<TimerDescription, kMaxTimers> timer_storage;

  std::span<const TaskDescription> tasks() const noexcept {
    return std::span(task_storage).first(task_count);
  }
  std::span<const PhaseDescription> phases(const TaskDescription& task) const noexcept {
    return std::span(phase_storage).subspan(task.first_phase, task.phase_count);
  }
  std::span<const EventDescription> events(const PhaseDescription& phase) const noexcept {
    return std::span(event_storage).subspan(phase.first_event, phase.event_count);
  }
  std::span<const TimerDescription> timers(const TaskDescription& task) const noexcept {
    return std::span(timer_storage).subspan(task.first_timer, task.timer_count);
  }
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_WORKLOAD_H_
