// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/watchdog.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "takt/platform/memory.h"
#include "takt/platform/text.h"

namespace takt::inline v0 {
namespace {

constexpr Duration kZero = Duration::zero();

/// Whether a mode's window is too short to be looked at.
template <class Expectation>
bool is_too_short(const ByMode<Expectation>& expected, Duration period) noexcept {
  for (const WatchMode mode : {WatchMode::startup, WatchMode::normal, WatchMode::degraded}) {
    if (expected[mode].active && expected[mode].alive.window < period) return true;
  }
  return false;
}

/// Half of the time after which it acts: with the reset, or before it with the pretimeout.
Duration interval_of(const platform::WatchdogDevice& device) noexcept {
  return (device.timeout() - device.pretimeout()) / 2;
}

template <class Expectation>
bool is_active(const ByMode<Expectation>& expected) noexcept {
  return expected.startup.active || expected.normal.active || expected.degraded.active;
}

constexpr const char* kNeverActive = "it is active in no mode: set .active";

Status refusal(const char* name, const char* what) noexcept {
  Text<Status::kTextBytes> text;
  text << "watchdog: '" << name << "': " << what;
  return {StatusCode::invalid_argument, text.view()};
}

}  // namespace

Status Watchdog::check_new(const char* name, std::size_t used, std::size_t room,
                           const char* limit) const noexcept {
  if (thread_.running()) {
    return {StatusCode::failed_precondition, "watchdog: it runs; supervise() comes before"};
  }
  const std::size_t length = name == nullptr ? 0 : ::strnlen(name, SupervisedEntity::kNameBytes);
  if (length == 0 || length == SupervisedEntity::kNameBytes) {
    return {StatusCode::invalid_argument, "watchdog: a name has 1 to 15 characters"};
  }
  if (used < room) return {};
  Text<Status::kTextBytes> text;
  text << "watchdog: no room for '" << name << "': raise WatchdogLimits::" << limit;
  return {StatusCode::resource_exhausted, text.view()};
}

Status Watchdog::supervise(SupervisedEntity& entity, const EntityConfig& config) noexcept {
  Status status = check_new(config.name, entity_count_, storage_.entities.size(), "entities");
  if (status.ok() && !is_active(config.expected)) return refusal(config.name, kNeverActive);
  if (status.ok()) status = entity.configure(config);
  if (status.ok()) storage_.entities[entity_count_++] = &entity;
  return status;
}

Status Watchdog::supervise_task(const char* name, const TaskStats& stats,
                                const ByMode<TaskExpectation>& expected) noexcept {
  Status status = check_new(name, task_count_, storage_.tasks.size(), "tasks");
  if (!status.ok()) return status;
  if (!is_active(expected)) return refusal(name, kNeverActive);
  for (const WatchMode mode : {WatchMode::startup, WatchMode::normal, WatchMode::degraded}) {
    const AliveExpectation& alive = expected[mode].alive;
    if (!expected[mode].active) continue;
    if (alive.window <= kZero) return refusal(name, "a mode has no window");
    if (alive.min > alive.max) return refusal(name, "min is above max");
  }
  SupervisedTask& task = storage_.tasks[task_count_++];
  TextWriter(task.name_, sizeof task.name_) << name;
  task.stats_ = &stats;
  task.expected_ = expected;
  return {};
}

Status Watchdog::supervise_worker(const char* name, const WorkerSource& source,
                                  std::uint32_t worker,
                                  const ByMode<WorkerExpectation>& expected) noexcept {
  Status status = check_new(name, worker_count_, storage_.workers.size(), "workers");
  if (!status.ok()) return status;
  if (!source.valid()) return refusal(name, "its source is empty");
  if (!is_active(expected)) return refusal(name, kNeverActive);
  for (const WatchMode mode : {WatchMode::startup, WatchMode::normal, WatchMode::degraded}) {
    const WorkerExpectation& limits = expected[mode];
    if (!limits.active) continue;
    if (std::min(limits.longest_job, limits.longest_wait) < kZero) {
      return refusal(name, "longest_job or longest_wait is negative");
    }
    if (std::max(limits.longest_job, limits.longest_wait) == kZero) {
      return refusal(name, "a mode has neither longest_job nor longest_wait");
    }
  }
  SupervisedWorker& slot = storage_.workers[worker_count_++];
  TextWriter(slot.name_, sizeof slot.name_) << name;
  slot.source_ = source;
  slot.number_ = worker;
  slot.expected_ = expected;
  return {};
}

Status Watchdog::check_windows(const WatchdogConfig& config) const noexcept {
  constexpr const char* kShort = "a window is shorter than the watchdog's period";
  for (const SupervisedEntity* entity : storage_.entities.first(entity_count_)) {
    if (is_too_short(entity->expected_, config.period)) return refusal(entity->name_, kShort);
  }
  for (const SupervisedTask& task : storage_.tasks.first(task_count_)) {
    if (is_too_short(task.expected_, config.period)) return refusal(task.name_, kShort);
  }
  return {};
}

Status Watchdog::check(const WatchdogConfig& config) const noexcept {
  if (thread_.running()) return {StatusCode::failed_precondition, "watchdog: it runs already"};
  if (config.period <= kZero) {
    return {StatusCode::invalid_argument, "watchdog: its period is not positive"};
  }
  if (config.device != nullptr) {
    if (!config.device->is_open()) {
      return {StatusCode::failed_precondition, "watchdog: its device is not open"};
    }
    if (interval_of(*config.device) < config.period) {
      return refusal("device", "it acts before two periods are over");
    }
  }
  if (config.service_manager != nullptr) {
    if (!config.service_manager->is_open()) {
      return {StatusCode::failed_precondition, "watchdog: its service manager is not open"};
    }
    const Duration timeout = config.service_manager->watchdog_timeout();
    if (timeout != kZero && timeout / 2 < config.period) {
      return refusal("service manager", "WATCHDOG_USEC is shorter than two periods");
    }
  }
  return check_windows(config);
}

Status Watchdog::begin(const WatchdogConfig& config, TimePoint at) noexcept {
  if (Status status = check(config); !status.ok()) return status;
  look(at);
  start_over(config, {at, at});
  return {};
}

void Watchdog::start_over(const WatchdogConfig& config, const Look& look) noexcept {
  config_ = config;
  if (config_.lateness_tolerance <= kZero) config_.lateness_tolerance = config.period / 2;
  if (config_.settling_time <= kZero) config_.settling_time = config.period * 10;
  next_step_ = saturating_add(look.end, config.period);
  last_look_ = look.end;
  settled_at_ = look.end;
  forgivable_at_ = look.end;
  last_was_forgiven_ = false;
  late_surplus_ = 0;
  expired_glances_ = 0;
  self_.begin(true);
  device_ = {};
  if (config.device != nullptr) device_.interval = interval_of(*config.device);
  service_manager_ = {};
  triggered_ = false;
  if (config.service_manager != nullptr) {
    service_manager_.interval = config.service_manager->watchdog_timeout() / 2;
  }
  // Due at the first glance: they may have waited for long already.
  device_.last = look.end - device_.interval;
  service_manager_.last = look.end - service_manager_.interval;
  // release: pairs with state().
  global_.store(GlobalState::ok, std::memory_order_release);
  requests_.forget();
  // It waits on, for a start() behind this one when the system refuses the thread; the first glance
  // finds it kept.
  change_mode(requests_.wanted_mode().value_or(config.mode), look, true);
}

template <class Act>
void Watchdog::for_each(const Act& act) noexcept {
  for (SupervisedEntity* entity : storage_.entities.first(entity_count_)) act(*entity);
  for (SupervisedTask& task : storage_.tasks.first(task_count_)) act(task);
  for (SupervisedWorker& worker : storage_.workers.first(worker_count_)) act(worker);
}

void Watchdog::look(TimePoint at) noexcept {
  for (SupervisedEntity* entity : storage_.entities.first(entity_count_)) entity->look();
  for (SupervisedTask& task : storage_.tasks.first(task_count_)) task.look();
  for (SupervisedWorker& worker : storage_.workers.first(worker_count_)) worker.look(at);
}

void Watchdog::change_mode(WatchMode mode, const Look& look, bool everybody) noexcept {
  // release: pairs with mode().
  mode_.store(mode, std::memory_order_release);
  for_each([&](auto& subject) {
    if (everybody || subject.local_.state() != LocalState::expired) subject.begin(mode, look);
  });
}

/// Whether this glance came in time, and took not too long.
bool Watchdog::note_lateness(const Look& look) noexcept {
  const Duration lateness = std::max(look.begin - next_step_, look.end - look.begin);
  if (lateness > kZero) greatest_lateness_.raise(static_cast<std::uint64_t>(lateness.count()));
  glances_.add();
  if (lateness <= config_.lateness_tolerance) {
    if (late_surplus_ != 0) --late_surplus_;
    last_was_forgiven_ = false;
    // On the grid, without drift.
    next_step_ = saturating_add(std::max(next_step_, look.begin - config_.lateness_tolerance),
                                config_.period);
    return true;
  }
  late_glances_.add();
  next_step_ = saturating_add(look.end, config_.period);
  exclude({last_look_, look.end});
  if (++late_surplus_ > config_.late_glances_tolerated &&
      self_.fail(Supervision::alive, {}, look.end)) {
    record({SubjectKind::watchdog, 0, "itself"},
           {.fault = Fault::monitor_late, .count = late_surplus_, .measured = lateness},
           LocalState::expired, look.end);
  }
  return false;
}

void Watchdog::exclude(const Disturbance& disturbance) noexcept {
  // Late again and again is one disturbance; late now and then are several, and a system that they
  // make miss its deadlines is to be found.
  const bool forgiven = last_was_forgiven_ || disturbance.end >= forgivable_at_;
  last_was_forgiven_ = forgiven;
  if (forgiven) {
    settled_at_ = saturating_add(disturbance.end, config_.settling_time);
    forgivable_at_ = saturating_add(settled_at_, config_.settling_time);
  }
  const bool deadlines = forgiven || disturbance.end < settled_at_;
  for (SupervisedEntity* entity : storage_.entities.first(entity_count_)) {
    entity->exclude(disturbance, deadlines);
  }
  for (SupervisedTask& task : storage_.tasks.first(task_count_)) {
    task.exclude(disturbance, deadlines);
  }
  for (SupervisedWorker& worker : storage_.workers.first(worker_count_)) {
    worker.exclude(disturbance);
  }
}

void Watchdog::judge(const Look& look) noexcept {
  const std::optional<WatchMode> wanted = requests_.take_mode();
  if (wanted.has_value() && *wanted != mode()) change_mode(*wanted, look, false);
  reinstate_who_was_restarted(look);
  if (note_lateness(look)) judge_all(look);
  last_look_ = look.end;
  update_global(look);
  feed(look);
}

void Watchdog::reinstate(const Verdict& verdict) noexcept {
  LocalSupervision* const local = local_of(verdict.kind, verdict.number);
  if (local != nullptr) local->reinstate(verdict.at);
}

LocalSupervision* Watchdog::local_of(SubjectKind kind, std::uint32_t number) noexcept {
  switch (kind) {
    case SubjectKind::entity:
      return number < entity_count_ ? &storage_.entities[number]->local_ : nullptr;
    case SubjectKind::task:
      return number < task_count_ ? &storage_.tasks[number].local_ : nullptr;
    case SubjectKind::worker:
      return number < worker_count_ ? &storage_.workers[number].local_ : nullptr;
    case SubjectKind::watchdog:
      return &self_;
    default:
      return nullptr;  // they are fed
  }
}

void Watchdog::reinstate_who_was_restarted(const Look& look) noexcept {
  const bool everybody = requests_.take_reinstate();
  if (state() == GlobalState::stopped) return;
  for_each([&](auto& subject) {
    if (subject.local_.is_reinstated(everybody)) subject.begin(mode(), look);
  });
  if (self_.is_reinstated(everybody)) {
    self_.begin(true);
    late_surplus_ = 0;
  }
}

void Watchdog::judge_all(const Look& look) noexcept {
  const bool settling = look.begin < settled_at_;
  const auto is_judged = [](const LocalSupervision& local) {
    return local.state() == LocalState::ok || local.state() == LocalState::failed;
  };
  for (std::uint32_t number = 0; number < entity_count_; ++number) {
    SupervisedEntity& entity = *storage_.entities[number];
    if (!is_judged(entity.local_)) continue;
    Findings findings;
    entity.judge(look, settling, findings);
    settle({SubjectKind::entity, number, entity.name_}, entity.local_, entity.expected().tolerance,
           findings, look);
  }
  for (std::uint32_t number = 0; number < task_count_; ++number) {
    SupervisedTask& task = storage_.tasks[number];
    if (!is_judged(task.local_)) continue;
    Findings findings;
    task.judge(look, settling, findings);
    settle({SubjectKind::task, number, task.name_}, task.local_, task.expected().tolerance,
           findings, look);
  }
  for (std::uint32_t number = 0; number < worker_count_; ++number) {
    SupervisedWorker& worker = storage_.workers[number];
    if (!is_judged(worker.local_)) continue;
    Findings findings;
    worker.judge(look, findings);
    settle({SubjectKind::worker, number, worker.name_}, worker.local_, worker.tolerance(), findings,
           look);
  }
}

void Watchdog::settle(const Subject& subject, LocalSupervision& local, const Tolerance& tolerance,
                      const Findings& findings, const Look& look) noexcept {
  for (const Finding& finding : std::span(findings.items, findings.count)) {
    if (!local.fail(finding.kind, tolerance, look.end)) continue;
    record(subject, finding, local.state(), look.end);
  }
  if (findings.cycle_ended) local.end_cycle();
}

void Watchdog::update_global(const Look& look) noexcept {
  if (state() == GlobalState::stopped) return trigger(look);
  bool failed = false;
  bool expired = self_.state() == LocalState::expired;
  for_each([&](const auto& subject) {
    failed = failed || subject.state() == LocalState::failed;
    expired = expired || subject.state() == LocalState::expired;
  });
  expired_glances_ = expired ? expired_glances_ + 1 : 0;
  GlobalState next = failed ? GlobalState::failed : GlobalState::ok;
  if (expired) {
    next =
        expired_glances_ > config_.expired_tolerance ? GlobalState::stopped : GlobalState::expired;
  }
  // release: pairs with state().
  global_.store(next, std::memory_order_release);
  if (next == GlobalState::stopped) trigger(look);
}

void Watchdog::trigger(const Look& look) noexcept {
  if (triggered_ || config_.service_manager == nullptr || !config_.trigger_service_manager ||
      service_manager_.interval == kZero) {
    return;
  }
  const Status status = config_.service_manager->trigger();
  triggered_ = status.ok();  // else again at the next glance
  note_feeding(service_manager_, SubjectKind::service_manager, status, look.end);
}

void Watchdog::record(const Subject& subject, const Finding& finding, LocalState state,
                      TimePoint at) noexcept {
  Verdict verdict{.at = at,
                  .kind = subject.kind,
                  .number = subject.number,
                  .finding = finding,
                  .state = state,
                  .global = this->state()};
  TextWriter(verdict.name, sizeof verdict.name) << subject.name;
  const std::uint64_t number = verdict_count_.get();
  if (!storage_.verdicts.empty()) {
    storage_.verdicts[static_cast<std::size_t>(number % storage_.verdicts.size())].store(verdict);
  }
  verdict_count_.add();
  verdicts_of_[static_cast<std::uint32_t>(finding.fault)].add();
  if (config_.service_manager != nullptr && subject.kind != SubjectKind::service_manager) {
    Text<160> line;
    write_verdict(line, verdict);
    // For people: what cannot be told is in the record all the same.
    static_cast<void>(config_.service_manager->status(line.view()));
  }
  if (config_.on_verdict != nullptr) config_.on_verdict(config_.context, verdict);
}

std::optional<Verdict> Watchdog::verdict(std::uint64_t number) const noexcept {
  const std::uint64_t count = verdict_count_.get();
  const std::size_t room = storage_.verdicts.size();
  if (number >= count || count - number > room) return std::nullopt;
  constexpr unsigned kAttempts = 4;
  const SeqLock<Verdict>& slot = storage_.verdicts[static_cast<std::size_t>(number % room)];
  const std::uint64_t version = number / room + 1;
  // Not yet seen here, though counted: what is in the slot is an older one.
  if (slot.version() != version) return std::nullopt;
  const std::optional<Verdict> found = slot.try_load(kAttempts);
  // Overwritten meanwhile: that is another one.
  return slot.version() == version ? found : std::nullopt;
}

bool Watchdog::due(const Feeding& feeding, TimePoint at) const noexcept {
  // The next glance would be too late.
  return feeding.interval != kZero && at - feeding.last + config_.period > feeding.interval;
}

void Watchdog::note_feeding(Feeding& feeding, SubjectKind kind, const Status& status,
                            TimePoint at) noexcept {
  if (!status.ok() && !feeding.refused) {
    record({kind, 0, "feeding"},
           {.fault = Fault::feeding_refused,
            .count = static_cast<std::uint64_t>(status.error_number())},
           LocalState::failed, at);
  }
  feeding.refused = !status.ok();
  if (status.ok()) feeding.last = at;  // else it is due again at the next glance
}

void Watchdog::feed(const Look& look) noexcept {
  if (state() != GlobalState::ok && state() != GlobalState::failed) return;
  if (due(device_, look.end)) {
    const Status status = config_.device->feed();
    device_feeds_.add(status);
    note_feeding(device_, SubjectKind::device, status, look.end);
  }
  if (due(service_manager_, look.end)) {
    const Status status = config_.service_manager->feed();
    manager_feeds_.add(status);
    note_feeding(service_manager_, SubjectKind::service_manager, status, look.end);
  }
}

TimePoint Watchdog::glance(void* self, TimePoint at) noexcept {
  auto& watchdog = *static_cast<Watchdog*>(self);
  if (at >= watchdog.next_step_) {
    watchdog.look(at);
    watchdog.judge({at, now()});
  }
  return watchdog.next_step_;
}

Status Watchdog::start(const WatchdogConfig& config) noexcept {
  Status status = check(config);
  if (!status.ok()) return status;
  if (config.lock_memory) {
    status = platform::lock_memory(storage_.all);
    memory_locked_ = status.ok();
    if (!status.ok()) {
      Text<Status::kTextBytes> text;
      text << "watchdog: " << status.text();
      return {status.code(), text.view(), status.error_number()};
    }
  }
  const TimePoint at = now();
  look(at);
  start_over(config, {at, now()});
  status = thread_.start({.name = "watchdog", .cpus = config.cpus, .scheduling = config.scheduling},
                         storage_.stack, &glance, this);
  if (!status.ok()) unlock_memory();
  return status;
}

void Watchdog::unlock_memory() noexcept {
  // What the process has locked by itself stays so: locks do not nest. Nothing is refused here.
  if (std::exchange(memory_locked_, false)) {
    static_cast<void>(platform::unlock_memory(storage_.all));
  }
}

Status Watchdog::stop(Duration timeout) noexcept {
  if (!thread_.running()) return {};
  if (Status status = thread_.stop(timeout); !status.ok()) return status;
  static_cast<void>(requests_.take_mode());  // was wanted of what has ended
  unlock_memory();
  if (config_.service_manager != nullptr && state() != GlobalState::stopped) {
    return config_.service_manager->stopping();
  }
  return {};
}

}  // namespace takt::inline v0
