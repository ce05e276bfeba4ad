// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/plan.h"

#include <algorithm>
#include <string_view>

#include "takt/platform/text.h"

namespace takt::run {
namespace {

bool is_wait(const EventDescription& event) noexcept {
  return event.kind == EventKind::timer ||
         (event.kind == EventKind::sleep && event.duration > Duration::zero());
}

Form form_of(const Workload& workload, const TaskDescription& task) noexcept {
  if (task.scheduling.policy() == SchedulingPolicy::deadline) return Form::deadline_policy;
  const auto phases = workload.phases(task);
  if (phases.size() > 1) return Form::several_phases;
  const PhaseDescription& phase = phases.front();
  if (!phase.cpus.empty()) return Form::changes_cpus;
  if (task.loop != kForever && phase.loop != kForever) return Form::finite_loop;
  const auto events = workload.events(phase);
  const EventDescription* timer = nullptr;
  for (const EventDescription& event : events) {
    if (!is_wait(event)) continue;
    if (event.kind == EventKind::sleep) return Form::sleeps;
    if (timer != nullptr) return Form::several_timers;
    timer = &event;
  }
  if (timer == nullptr) return Form::no_timer;
  if (timer->duration == Duration::zero()) return Form::timer_without_period;
  // A timer between two loads cuts the first job short: it is not periodic from its beginning.
  const bool at_an_end = timer == &events.front() || timer == &events.back();
  return at_an_end ? Form::periodic : Form::timer_in_the_middle;
}

bool check_cpus(const CpuSet& cpus, Place place, const CpuSet& available,
                const TaskDescription& task, Diagnostics& diagnostics) noexcept {
  if (cpus.empty()) return true;
  if (task.scheduling.policy() == SchedulingPolicy::deadline) {
    diagnostics.error(place) << "\"cpus\" with SCHED_DEADLINE: the kernel refuses it without an "
                                "exclusive cpuset; leave \"cpus\" out";
    return false;
  }
  if (available.contains(cpus)) return true;
  const CpuSet missing = cpus - available;
  diagnostics.error(place) << "\"cpus\": there "
                           << (missing.count() == 1 ? "is no CPU " : "are no CPUs ") << missing
                           << "; this process may use " << available;
  return false;
}

void write_lane_name(const PlannedLane& lane, TextWriter& name) noexcept {
  switch (lane.scheduling.policy()) {
    case SchedulingPolicy::fifo:
      name << "fifo" << lane.scheduling.priority();
      break;
    case SchedulingPolicy::round_robin:
      name << "rr" << lane.scheduling.priority();
      break;
    case SchedulingPolicy::batch:
      name << "batch";
      break;
    case SchedulingPolicy::idle:
      name << "idle";
      break;
    default:
      name << "other";
      if (lane.scheduling.nice() != 0) name << lane.scheduling.nice();
      break;
  }
  if (!lane.cpus.empty()) name << '@' << lane.cpus;
}

class Planner {
 public:
  Planner(const Workload& workload, const CpuSet& available, Plan& plan) noexcept
      : workload_(workload), available_(available), plan_(plan) {
    plan_.task_count = 0;
    plan_.lane_count = 0;
  }

  void add(const TaskDescription& description) noexcept {
    const Form form = form_of(workload_, description);
    const bool several = description.instances > 1;
    const std::string_view shown = description.name.substr(0, Workload::kShownName);
    const std::size_t suffix = free_suffix(description);
    for (std::int64_t instance = 0; instance < description.instances; ++instance) {
      PlannedTask& task = plan_.task_storage[plan_.task_count++];
      task = PlannedTask{};
      task.description = &description;
      task.form = form;
      TextWriter name(task.name, sizeof task.name);
      name << shown;
      if (suffix > 0) name << suffix;  // as rt-app's workgen keeps keys apart
      if (several) name << '-' << instance;
      if (task.is_periodic()) {
        describe_period(task);
        task.lane = shared_lane(description);
      } else {
        task.lane = dedicated_lane(description, name.view());
      }
      ++plan_.lane_storage[task.lane].tasks;
    }
  }

  void count_workers() noexcept {
    for (std::size_t i = 0; i < plan_.lane_count; ++i) {
      PlannedLane& lane = plan_.lane_storage[i];
      const CpuSet& cpus = lane.cpus.empty() ? available_ : lane.cpus;
      const std::size_t wanted = std::min(lane.tasks, Plan::kMaxWorkersPerLane);
      lane.workers = lane.dedicated ? 1 : std::clamp<std::size_t>(cpus.count(), 1, wanted);
    }
  }

 private:
  /// The first task of a name has no suffix, each further one the next number with which no other
  /// task is called already.
  std::size_t free_suffix(const TaskDescription& description) const noexcept {
    std::size_t suffix = 0;
    for (const TaskDescription& task : workload_.tasks()) {
      if (&task == &description) break;
      if (task.name != description.name) continue;
      do ++suffix;
      while (is_name(description.name, suffix));
    }
    return suffix;
  }

  bool is_name(std::string_view stem, std::size_t suffix) const noexcept {
    Text<Workload::kShownName + 24> name;
    name << stem.substr(0, Workload::kShownName) << suffix;
    const auto tasks = workload_.tasks();
    return std::any_of(tasks.begin(), tasks.end(),
                       [&](const TaskDescription& task) { return task.name == name.view(); });
  }

  void describe_period(PlannedTask& task) const noexcept {
    const auto events = workload_.events(workload_.phases(*task.description).front());
    const auto timer = std::find_if(events.begin(), events.end(), is_wait);
    task.period = timer->duration;
    task.offset = task.description->delay;
    // A timer before the loads delays the first job by one period; alone, it is both.
    if (timer == events.begin() && events.size() > 1) task.offset += task.period;
  }

  // All CPUs and no restriction are the same, so that they share a lane.
  CpuSet restriction(const TaskDescription& task) const noexcept {
    return task.cpus == available_ ? CpuSet() : task.cpus;
  }

  std::size_t shared_lane(const TaskDescription& task) noexcept {
    const CpuSet cpus = restriction(task);
    for (std::size_t i = 0; i < plan_.lane_count; ++i) {
      const PlannedLane& lane = plan_.lane_storage[i];
      if (!lane.dedicated && lane.scheduling == task.scheduling && lane.cpus == cpus) return i;
    }
    PlannedLane& lane = new_lane(task);
    TextWriter name(lane.name, sizeof lane.name);
    write_lane_name(lane, name);
    return plan_.lane_count - 1;
  }

  std::size_t dedicated_lane(const TaskDescription& task, std::string_view name) noexcept {
    PlannedLane& lane = new_lane(task);
    lane.dedicated = true;
    TextWriter(lane.name, sizeof lane.name) << name;
    return plan_.lane_count - 1;
  }

  PlannedLane& new_lane(const TaskDescription& task) noexcept {
    PlannedLane& lane = plan_.lane_storage[plan_.lane_count++];
    lane = PlannedLane{};
    lane.scheduling = task.scheduling;
    lane.cpus = restriction(task);
    return lane;
  }

  const Workload& workload_;
  const CpuSet& available_;
  Plan& plan_;
};

}  // namespace

const char* to_string(Form form) noexcept {
  switch (form) {
    case Form::periodic:
      return "timer loop";
    case Form::several_phases:
      return "several phases";
    case Form::finite_loop:
      return "a finite loop";
    case Form::sleeps:
      return "sleeps";
    case Form::no_timer:
      return "no timer";
    case Form::several_timers:
      return "several timers";
    case Form::timer_without_period:
      return "a timer without period";
    case Form::timer_in_the_middle:
      return "a timer between loads";
    case Form::deadline_policy:
      return "SCHED_DEADLINE";
    case Form::changes_cpus:
      return "a phase with cpus";
  }
  return "unknown";
}

std::size_t Plan::worker_count() const noexcept {
  std::size_t count = 0;
  for (const PlannedLane& lane : lanes()) count += lane.workers;
  return count;
}

std::size_t Plan::periodic_count() const noexcept {
  return static_cast<std::size_t>(std::count_if(
      tasks().begin(), tasks().end(), [](const PlannedTask& task) { return task.is_periodic(); }));
}

bool Plan::has_real_time() const noexcept {
  return std::any_of(lanes().begin(), lanes().end(),
                     [](const PlannedLane& lane) { return lane.scheduling.is_real_time(); });
}

bool make_plan(const Workload& workload, const CpuSet& available, Plan& plan,
               Diagnostics& diagnostics) noexcept {
  bool cpus_fit = true;
  for (const TaskDescription& task : workload.tasks()) {
    cpus_fit = check_cpus(task.cpus, task.cpus_place, available, task, diagnostics) && cpus_fit;
    for (const PhaseDescription& phase : workload.phases(task)) {
      cpus_fit = check_cpus(phase.cpus, phase.cpus_place, available, task, diagnostics) && cpus_fit;
    }
  }
  if (!cpus_fit) return false;
  Planner planner(workload, available, plan);
  for (const TaskDescription& task : workload.tasks()) planner.add(task);
  planner.count_workers();
  return true;
}

}  // namespace takt::run
