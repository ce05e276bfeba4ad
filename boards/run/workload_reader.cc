// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/workload_reader.h"

#include <algorithm>
#include <chrono>

namespace takt::run {
namespace {

using std::chrono::seconds;

static_assert(static_cast<std::size_t>(Key::mode) < 32, "Given has a slot for each key");

EventKind event_kind(Key key) noexcept {
  switch (key) {
    case Key::runtime:
      return EventKind::runtime;
    case Key::sleep:
      return EventKind::sleep;
    case Key::timer:
      return EventKind::timer;
    default:
      return EventKind::run;
  }
}

// Names end up in tables on a terminal.
bool is_printable(std::string_view name) noexcept {
  return std::none_of(name.begin(), name.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace

bool WorkloadReader::read(const JsonNode& document) noexcept {
  workload_.duration = Duration(-1);
  workload_.lock_pages = true;
  workload_.task_count = 0;
  workload_.phase_count = 0;
  workload_.event_count = 0;
  workload_.timer_count = 0;
  if (!expect(document, JsonType::object, "an object with \"tasks\"")) return false;

  Given given;
  const JsonNode* global = nullptr;
  const JsonNode* tasks = nullptr;
  for (const JsonNode* member = document.first_child; member != nullptr; member = member->next) {
    const KeyRule* rule = accept(*member, file_keys(), given);
    if (rule == nullptr || !expect(*member, JsonType::object, "an object")) continue;
    (rule->key == Key::global ? global : tasks) = member;
  }
  if (document.find("tasks") == nullptr) {
    diagnostics_.error(document.place) << "there is no \"tasks\" object: nothing to run";
  }
  // "global" first, wherever it stands: tasks take their default policy from it.
  if (global != nullptr) read_global(*global);
  if (tasks != nullptr) {
    for (const JsonNode* task = tasks->first_child; task != nullptr; task = task->next) {
      read_task(*task);
    }
    check_instances(*tasks);
    check_shared_timers();
  }
  return diagnostics_.ok();
}

void WorkloadReader::read_global(const JsonNode& object) noexcept {
  Given given;
  for (const JsonNode* member = object.first_child; member != nullptr; member = member->next) {
    const KeyRule* rule = accept(*member, global_keys(), given);
    if (rule == nullptr) continue;
    std::int64_t value = 0;
    switch (rule->key) {
      case Key::duration:
        if (!read_integer(*member, "a whole number of seconds, or -1 for no limit", -1, kLargestInt,
                          value)) {
          break;
        }
        if (value == 0) {
          mismatch(*member, "a whole number of seconds, or -1 for no limit");
        } else {
          workload_.duration = seconds(value);
        }
        break;
      case Key::default_policy:
        read_policy(*member, default_policy_);
        break;
      case Key::lock_pages:
        if (expect(*member, JsonType::boolean, "true or false")) {
          workload_.lock_pages = member->boolean;
        }
        break;
      case Key::pi_enabled:
        // Without locks, which are refused, false is what takt does.
        if (expect(*member, JsonType::boolean, "true or false") && member->boolean) {
          diagnostics_.error(member->key_place) << "\"pi_enabled\" true is not supported yet";
        }
        break;
      case Key::frag:
        // Cut "exec" of the old grammar into so many parts; 1 leaves it whole.
        if (!member->is_integer || member->integer != 1) {
          diagnostics_.error(member->key_place) << "\"frag\" other than 1 is not supported yet";
        }
        break;
      default:
        break;
    }
  }
}

void WorkloadReader::read_task(const JsonNode& object) noexcept {
  if (!expect(object, JsonType::object, "an object that describes the task")) return;
  TaskDescription* task = new_task(object);
  if (task == nullptr) return;
  const std::size_t errors_before = diagnostics_.error_count();
  Given given;
  SchedulingKeys scheduling;
  const bool has_phases = object.find("phases") != nullptr;
  const JsonNode* loop = nullptr;
  PhaseDescription* only_phase = nullptr;  // of a task that has its events in itself
  for (const JsonNode* member = object.first_child; member != nullptr; member = member->next) {
    const KeyRule* rule = accept(*member, task_keys(), given);
    if (rule == nullptr) continue;
    if (rule->event) {
      if (has_phases) {
        diagnostics_.error(member->key_place)
            << '"' << member->key << "\" stands beside \"phases\" and would never be executed; "
            << "move it into a phase";
        continue;
      }
      if (only_phase == nullptr) only_phase = new_phase(object, *task);
      if (only_phase == nullptr) return;
      read_event(*member, rule->key, *task, *only_phase);
      continue;
    }
    switch (rule->key) {
      case Key::instance:
        read_integer(*member, "a whole number, 0 or more", 0, kLargestInt, task->instances);
        break;
      case Key::loop:
        loop = member;
        break;
      case Key::phases:
        read_phases(*member, *task);
        break;
      case Key::cpus:
        read_cpus(*member, task->cpus, task->cpus_place);
        break;
      case Key::policy:
        scheduling.policy = member;
        break;
      case Key::priority:
        scheduling.priority = member;
        break;
      case Key::dl_runtime:
        scheduling.runtime = member;
        break;
      case Key::dl_period:
        scheduling.period = member;
        break;
      case Key::dl_deadline:
        scheduling.deadline = member;
        break;
      case Key::delay:
        read_microseconds(*member, task->delay);
        break;
      default:
        break;
    }
  }
  read_scheduling(scheduling, object.key_place, *task);
  // The loop of a task without phases is that of its only one, after which it ends.
  if (loop != nullptr && only_phase != nullptr) {
    task->loop = 1;
    read_loop(*loop, only_phase->loop);
  } else if (loop != nullptr) {
    read_loop(*loop, task->loop);
  }
  // After an error in this task the missing events may be an echo of it.
  const bool clean = diagnostics_.error_count() == errors_before;
  if (!has_phases && only_phase == nullptr && clean) {
    diagnostics_.error(object.key_place)
        << "task \"" << object.key << "\" has no events; expected run, runtime, sleep or timer";
  }
}

void WorkloadReader::read_phases(const JsonNode& object, TaskDescription& task) noexcept {
  if (!expect(object, JsonType::object, "an object of phases")) return;
  for (const JsonNode* phase = object.first_child; phase != nullptr; phase = phase->next) {
    read_phase(*phase, task);
  }
  if (object.size == 0) diagnostics_.error(object.key_place) << "\"phases\" is empty";
}

void WorkloadReader::read_phase(const JsonNode& object, TaskDescription& task) noexcept {
  if (!expect(object, JsonType::object, "an object that describes the phase")) return;
  PhaseDescription* phase = new_phase(object, task);
  if (phase == nullptr) return;
  const std::size_t errors_before = diagnostics_.error_count();
  Given given;
  for (const JsonNode* member = object.first_child; member != nullptr; member = member->next) {
    const KeyRule* rule = accept(*member, phase_keys(), given);
    if (rule == nullptr) continue;
    if (rule->key == Key::loop) {
      read_loop(*member, phase->loop);
    } else if (rule->key == Key::cpus) {
      read_cpus(*member, phase->cpus, phase->cpus_place);
    } else {
      read_event(*member, rule->key, task, *phase);
    }
  }
  if (phase->event_count == 0 && diagnostics_.error_count() == errors_before) {
    diagnostics_.error(object.key_place)
        << "phase \"" << object.key << "\" has no events; expected run, runtime, sleep or timer";
  }
}

void WorkloadReader::read_event(const JsonNode& node, Key key, TaskDescription& task,
                                PhaseDescription& phase) noexcept {
  if (workload_.event_count == Workload::kMaxEvents) {
    diagnostics_.error(node.key_place) << "more than " << Workload::kMaxEvents << " events";
    return;
  }
  EventDescription& event = workload_.event_storage[workload_.event_count++];
  event = {.kind = event_kind(key), .timer = 0, .duration = {}, .place = node.key_place};
  ++phase.event_count;
  if (event.kind == EventKind::timer) {
    read_timer(node, task, event);
  } else {
    read_microseconds(node, event.duration);
  }
}

void WorkloadReader::read_timer(const JsonNode& object, TaskDescription& task,
                                EventDescription& event) noexcept {
  if (!expect(object, JsonType::object,
              "an object like { \"ref\": \"unique\", \"period\": 1000 }")) {
    return;
  }
  Given given;
  std::string_view ref = "unknown";  // rt-app's default
  Place ref_place = object.key_place;
  bool absolute = false;
  for (const JsonNode* member = object.first_child; member != nullptr; member = member->next) {
    const KeyRule* rule = accept(*member, timer_keys(), given);
    if (rule == nullptr) continue;
    if (rule->key == Key::period) {
      read_microseconds(*member, event.duration);
    } else if (rule->key == Key::ref) {
      if (!expect(*member, JsonType::string, "the timer's name, a string")) continue;
      ref = member->text;
      ref_place = member->place;
    } else if (member->type == JsonType::string &&
               (member->text == "absolute" || member->text == "relative")) {
      absolute = member->text == "absolute";
    } else {
      mismatch(*member, "\"relative\" or \"absolute\"");
    }
  }
  event.timer = timer_index(ref, ref_place, absolute, task).value_or(0);
}

std::optional<std::uint32_t> WorkloadReader::timer_index(std::string_view ref, Place place,
                                                         bool absolute,
                                                         TaskDescription& task) noexcept {
  const auto timers = std::span(workload_.timer_storage).subspan(task.first_timer);
  for (std::size_t i = 0; i < task.timer_count; ++i) {
    if (timers[i].ref != ref) continue;
    timers[i].absolute =
        timers[i].absolute || absolute;  // the mode is the timer's, not the event's
    return static_cast<std::uint32_t>(i);
  }
  if (task.timer_count == Workload::kMaxTimersOfTask) {
    diagnostics_.error(place) << "more than " << Workload::kMaxTimersOfTask
                              << " timers in one task";
    return std::nullopt;
  }
  if (workload_.timer_count == Workload::kMaxTimers) {
    diagnostics_.error(place) << "more than " << Workload::kMaxTimers << " timers";
    return std::nullopt;
  }
  ++workload_.timer_count;
  timers[task.timer_count] = {
      .ref = ref, .place = place, .unique = ref.starts_with("unique"), .absolute = absolute};
  return static_cast<std::uint32_t>(task.timer_count++);
}

// rt-app lets all threads move the expiry of a timer that does not begin with "unique", without
// a lock. What that executes cannot be told in advance, so it is refused.
void WorkloadReader::check_shared_timers() noexcept {
  const auto tasks = workload_.tasks();
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    for (const TimerDescription& timer : workload_.timers(tasks[i])) {
      if (timer.unique) continue;
      bool shared = tasks[i].instances > 1;
      for (const TaskDescription& other : tasks.first(i)) {
        for (const TimerDescription& earlier : workload_.timers(other)) {
          shared = shared || earlier.ref == timer.ref;
        }
      }
      if (!shared) continue;
      diagnostics_.error(timer.place)
          << "timer \"" << timer.ref << "\" is shared by several threads, which is not supported "
          << "yet; a name that begins with \"unique\" gives each its own";
    }
  }
}

void WorkloadReader::check_instances(const JsonNode& tasks) noexcept {
  std::int64_t instances = 0;
  for (const TaskDescription& task : workload_.tasks()) instances += task.instances;
  if (instances > static_cast<std::int64_t>(Workload::kMaxInstances)) {
    diagnostics_.error(tasks.key_place)
        << instances << " task instances; at most " << Workload::kMaxInstances << " are supported";
  } else if (instances == 0 && diagnostics_.ok()) {
    diagnostics_.error(tasks.key_place) << "no task has an instance: nothing to run";
  }
}

TaskDescription* WorkloadReader::new_task(const JsonNode& object) noexcept {
  if (object.key.empty() || !is_printable(object.key)) {
    diagnostics_.error(object.key_place) << "a task needs a name of printable characters";
    return nullptr;
  }
  if (workload_.task_count == Workload::kMaxTasks) {
    diagnostics_.error(object.key_place) << "more than " << Workload::kMaxTasks << " tasks";
    return nullptr;
  }
  if (object.key.size() > Workload::kShownName) {
    diagnostics_.notice(object.key_place)
        << "of this name the report shows the first " << Workload::kShownName << " bytes";
  }
  TaskDescription& task = workload_.task_storage[workload_.task_count++];
  task = TaskDescription{};
  task.name = object.key;
  task.place = object.key_place;
  task.first_phase = workload_.phase_count;
  task.first_timer = workload_.timer_count;
  return &task;
}

PhaseDescription* WorkloadReader::new_phase(const JsonNode& object,
                                            TaskDescription& task) noexcept {
  if (workload_.phase_count == Workload::kMaxPhases) {
    diagnostics_.error(object.key_place) << "more than " << Workload::kMaxPhases << " phases";
    return nullptr;
  }
  PhaseDescription& phase = workload_.phase_storage[workload_.phase_count++];
  ++task.phase_count;
  phase = PhaseDescription{};
  phase.name = object.key;
  phase.place = object.key_place;
  phase.first_event = workload_.event_count;
  return &phase;
}

}  // namespace takt::run
