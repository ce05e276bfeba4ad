// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_WATCHDOG_H_
#define TAKT_MONITOR_WATCHDOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "takt/executor/stats.h"
#include "takt/monitor/metric_visit.h"
#include "takt/monitor/monitor_thread.h"
#include "takt/monitor/supervised_entity.h"
#include "takt/monitor/supervised_task.h"
#include "takt/monitor/supervised_worker.h"
#include "takt/monitor/supervision.h"
#include "takt/monitor/verdict.h"
#include "takt/monitor/watch_requests.h"
#include "takt/monitor/worker_source.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/service_manager.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"
#include "takt/platform/watchdog_device.h"
#include "takt/sync/seq_lock.h"

// The global state:
//
//           somebody failed            somebody expired             for longer than
//                                                                   expired_tolerance
//     [ok] -----------------> [failed] ------------------> [expired] --------------> [stopped]
//      ^  <-----------------           <------------------     |
//      |   all are ok again             reinstated             | fed no more
//      '-------------------------------------------------------'
//
// Fed while ok or failed. Whoever has expired and was brought back to life by a callback can be
// reinstated, as long as the device's own time-out has not passed and the state is not `stopped`.

namespace takt::inline v0 {

/// How much a StaticWatchdog holds.
struct WatchdogLimits {
  std::uint32_t entities = 4;
  std::uint32_t tasks = 8;
  std::uint32_t workers = 4;
  std::uint32_t verdicts = 16;  ///< the last ones that are kept
};

/// How a watchdog works.
struct WatchdogConfig {
  /// From one glance to the next. A verdict comes at most this much after its window.
  Duration period = std::chrono::milliseconds(10);
  /// A glance that comes or lasts longer than this beyond its time says nothing of others: the
  /// watchdog itself was starved, and perhaps everybody. The time since the glance before counts
  /// for no window and no limit. 0: half a period.
  Duration lateness_tolerance{};
  /// So long after such a glance late checkpoints and missed deadlines are forgiven: they may stem
  /// from the same disturbance. Forgiven again only when as long has passed since: who is disturbed
  /// more often is judged. Longer than the longest response time. 0: ten periods.
  Duration settling_time{};
  /// So many more late glances than glances in time are borne (the difference, never below 0); one
  /// more, and the watchdog accuses itself.
  std::uint32_t late_glances_tolerated = 10;
  /// For so many glances after the first `expired` it can still be reinstated.
  std::uint32_t expired_tolerance = 0;
  WatchMode mode = WatchMode::startup;

  /// Fed at half of their time-outs, a device with a pretimeout at half of what comes before that;
  /// who refuses it is fed again at the next glance. Opened by the caller, else start() refuses
  /// them; null: none. They outlive the watchdog. Each verdict becomes the service manager's
  /// STATUS=, in place of a text of yours; after reinstate() say status() again.
  platform::WatchdogDevice* device = nullptr;
  platform::ServiceManager* service_manager = nullptr;
  /// Whether the service manager is told to act at once when the state becomes `stopped`.
  bool trigger_service_manager = true;

  /// Called after each verdict, on the watchdog's thread, before the next glance: it must be short.
  void (*on_verdict)(void* context, const Verdict& verdict) noexcept = nullptr;
  void* context = nullptr;

  // Of its thread; start() fails where they are refused.
  Scheduling scheduling = Other{};  ///< above the workers' that it shall see starve
  CpuSet cpus{};                    ///< where it may run; empty: where the caller of start() may
  bool lock_memory = true;
};

namespace detail {

/// The memory of a watchdog.
struct WatchdogStorage {
  std::span<SupervisedEntity*> entities;
  std::span<SupervisedTask> tasks;
  std::span<SupervisedWorker> workers;
  std::span<SeqLock<Verdict>> verdicts;
  std::span<std::byte> stack;
  std::span<const std::byte> all;  // of this, the stack and the Watchdog itself included
};

}  // namespace detail

/// Supervises entities, tasks and workers on a thread of its own, and feeds the watchdog device and
/// the service manager only while each of them is well. Decisions depend on the times that they are
/// given and on nothing else, so that all of it also runs in virtual time: begin() and step().
/// It allocates nothing and blocks nobody.
class Watchdog {
 public:
  explicit Watchdog(const detail::WatchdogStorage& storage) noexcept : storage_(storage) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  /// Aborts when it runs.
  ~Watchdog() = default;

  /// Takes somebody under supervision, from the next start() or begin() on. `entity`, `stats` and
  /// what `source` refers to outlive the watchdog; `worker` is one that it has, which nobody checks
  /// (of an executor: below ExecutorLimits::workers). The name is copied. Nobody reports to
  /// `entity` meanwhile: supervise it before the executor that runs its reporter is started.
  /// Blocks: no. Bound: O(entities). Callable from: the owner, not while it runs.
  /// Errors: failed_precondition it runs; invalid_argument name, checkpoints or limits, or
  /// active in no mode; resource_exhausted as many as the WatchdogLimits say.
  Status supervise(SupervisedEntity& entity, const EntityConfig& config) noexcept;
  Status supervise_task(const char* name, const TaskStats& stats,
                        const ByMode<TaskExpectation>& expected) noexcept;
  Status supervise_worker(const char* name, const WorkerSource& source, std::uint32_t worker,
                          const ByMode<WorkerExpectation>& expected) noexcept;

  /// Starts the thread, and takes everybody as new, also who had expired and was not restarted:
  /// what it left open is dropped. Blocks: until the thread has its policy. Callable from: the
  /// owner. Errors: as begin(); those of MonitorThread::start() and platform::lock_memory().
  Status start(const WatchdogConfig& config) noexcept;
  /// Ends the thread. The service manager hears STOPPING=1 unless the state is `stopped`: for it
  /// the service ends then, and a later start() takes nothing back. What is to be supervised later
  /// is therefore added before start(), in modes in which it is not active yet. The device goes on
  /// and is to be disarmed. ok also when it does not run. Blocks, errors: as MonitorThread::stop();
  /// those of ServiceManager::stopping(). Callable from: the owner.
  Status stop(Duration timeout) noexcept;

  /// The virtual-time form: begins at `at`, without thread. Blocks: no. Callable from: the owner.
  /// Errors: failed_precondition it runs, or its device is not open; invalid_argument a period of
  /// 0, a window shorter than it, or a time-out (less the pretimeout) shorter than two periods.
  Status begin(const WatchdogConfig& config, TimePoint at) noexcept;
  /// One glance at `at` and what follows from it. Due at next_step().
  /// Blocks: as long as feeding and callback. Callable from: the owner, after begin().
  void step(TimePoint at) noexcept {
    look(at);
    judge({at, at});
  }
  /// When the next glance is due. Callable from: as step().
  TimePoint next_step() const noexcept { return next_step_; }

  /// From the next glance on other expectations hold, and everybody starts over but who has
  /// expired: that stays until reinstate(). Before start() or begin(): they begin with it, whatever
  /// WatchdogConfig::mode says, also when a start() before was refused. One that stop() overtakes
  /// is forgotten. Blocks: no. Callable from: any thread, jobs included.
  void set_mode(WatchMode mode) noexcept { requests_.want(mode); }
  /// From the next glance on, whom the verdict is about starts over, unless the state is `stopped`.
  /// For a callback that has restarted it, or whoever does so later: of an entity's spans those
  /// that were open when it expired are dropped, those begun since have their whole time from that
  /// glance on, and its next checkpoint may be any. Nothing happens when it has not expired with
  /// this verdict, or has started over since. Say it of nobody who may still hang: what it left
  /// open is watched no more, and only where signs of life are expected is its silence found.
  /// Blocks: no. Bound: wait-free. Callable from: any thread, but not beside supervise() and its
  /// like.
  void reinstate(const Verdict& verdict) noexcept;
  /// The same of everybody who has expired, also of those whose verdicts come before the next
  /// glance: say it only when all of them have been restarted, else the hang of one who was not is
  /// forgotten. Blocks: no. Callable from: any thread.
  void reinstate() noexcept { requests_.reinstate(); }

  /// Blocks: no. Callable from: any thread, as all below.
  // acquire, both: pair with the releases of update_global(), begin() and change_mode().
  GlobalState state() const noexcept { return global_.load(std::memory_order_acquire); }
  WatchMode mode() const noexcept { return mode_.load(std::memory_order_acquire); }
  /// How many verdicts there were; the last WatchdogLimits::verdicts of them can be read.
  std::uint64_t verdict_count() const noexcept { return verdict_count_.get(); }
  /// How many of them were of this fault; of Fault::none there are none.
  std::uint64_t verdict_count(Fault fault) const noexcept {
    const auto number = static_cast<std::uint32_t>(fault);
    TAKT_CHECK(number < kFaults, "there is no such fault");
    return verdicts_of_[number].get();
  }
  /// The verdict of this number, from 0; nothing when it is no longer, or not yet, there.
  /// Bound: O(1), wait-free.
  std::optional<Verdict> verdict(std::uint64_t number) const noexcept;
  /// Of the watchdog itself.
  Duration greatest_lateness() const noexcept {
    return Duration(static_cast<std::int64_t>(greatest_lateness_.get()));
  }
  std::uint64_t glances() const noexcept { return glances_.get(); }
  std::uint64_t late_glances() const noexcept { return late_glances_.get(); }
  /// Calls `visitor` for what is exposed: states of the whole and of each supervised thing,
  /// verdicts by fault, what was fed, how late it was itself; those of one name one after the
  /// other. Two watchdogs of a process give the same names: tell them apart by
  /// Exposition::set_labels(), in texts of their own. Callable from: any thread, but not beside
  /// supervise(), supervise_task() or supervise_worker(). Bound: O(supervised) calls; takes no
  /// lock.
  void visit(MetricVisitor visitor, void* argument) const noexcept;
  const SupervisedTask& task(std::uint32_t number) const noexcept { return storage_.tasks[number]; }
  const SupervisedWorker& worker(std::uint32_t number) const noexcept {
    return storage_.workers[number];
  }

 private:
  /// Somebody to feed.
  struct Feeding {
    Duration interval{};  // half of the time after which it acts; 0: need not be fed
    TimePoint last{};     // when it has taken it
    bool refused = false;
  };

  /// Whom a verdict is about.
  struct Subject {
    SubjectKind kind;
    std::uint32_t number;
    const char* name;
  };

  /// What became of feeding it, since the watchdog was made.
  struct FeedCounts {
    Counter taken;
    Counter refused;

    void add(const Status& status) noexcept { (status.ok() ? taken : refused).add(); }
  };

  Status check(const WatchdogConfig& config) const noexcept;
  Status check_windows(const WatchdogConfig& config) const noexcept;
  Status check_new(const char* name, std::size_t used, std::size_t room,
                   const char* limit) const noexcept;
  /// Undoes what start() has locked.
  void unlock_memory() noexcept;
  /// Begins, with everybody as this look has shown them.
  void start_over(const WatchdogConfig& config, const Look& look) noexcept;
  /// What its thread does.
  static TimePoint glance(void* self, TimePoint at) noexcept;

  /// Reads all that is judged, at `at` or later.
  void look(TimePoint at) noexcept;
  void judge(const Look& look) noexcept;
  /// Has all start over in `mode`; who has expired only with `everybody`.
  void change_mode(WatchMode mode, const Look& look, bool everybody) noexcept;
  bool note_lateness(const Look& look) noexcept;
  /// What follows from a late glance.
  void exclude(const Disturbance& disturbance) noexcept;
  template <class Act>
  void for_each(const Act& act) noexcept;
  /// Of this kind and number, null when there is none.
  LocalSupervision* local_of(SubjectKind kind, std::uint32_t number) noexcept;
  /// Has those start over who were restarted.
  void reinstate_who_was_restarted(const Look& look) noexcept;
  void judge_all(const Look& look) noexcept;
  void settle(const Subject& subject, LocalSupervision& local, const Tolerance& tolerance,
              const Findings& findings, const Look& look) noexcept;
  void update_global(const Look& look) noexcept;
  /// Tells the service manager that it is over, until it has taken it.
  void trigger(const Look& look) noexcept;
  void record(const Subject& subject, const Finding& finding, LocalState state,
              TimePoint at) noexcept;
  void feed(const Look& look) noexcept;
  bool due(const Feeding& feeding, TimePoint at) const noexcept;
  // Exposition, watchdog_visit.cc
  void visit_itself(detail::MetricVisit& visit) const noexcept;
  void visit_subjects(detail::MetricVisit& visit) const noexcept;
  void note_feeding(Feeding& feeding, SubjectKind kind, const Status& status,
                    TimePoint at) noexcept;

  const detail::WatchdogStorage storage_;
  WatchdogConfig config_;
  std::uint32_t entity_count_ = 0;
  std::uint32_t task_count_ = 0;
  std::uint32_t worker_count_ = 0;

  std::atomic<WatchMode> mode_{WatchMode::startup};
  detail::WatchRequests requests_;
  std::atomic<GlobalState> global_{GlobalState::ok};
  TimePoint next_step_{};
  TimePoint last_look_{};      // its end
  TimePoint settled_at_{};     // until then late checkpoints and missed deadlines are forgiven
  TimePoint forgivable_at_{};  // from then on they are forgiven again
  bool last_was_forgiven_ = false;
  std::uint32_t late_surplus_ = 0;  // late glances less glances in time, not below 0
  std::uint32_t expired_glances_ = 0;
  LocalSupervision self_;
  Feeding device_;
  Feeding service_manager_;
  bool triggered_ = false;

  Counter verdict_count_;
  Counter verdicts_of_[kFaults];
  FeedCounts device_feeds_;
  FeedCounts manager_feeds_;
  Counter glances_;
  Counter late_glances_;
  Counter greatest_lateness_;

  bool memory_locked_ = false;
  MonitorThread thread_;
};

namespace detail {

/// What a watchdog of these limits refers to.
template <WatchdogLimits kLimits>
class WatchdogMemory {
 protected:
  /// `all`: of the watchdog, this included.
  WatchdogStorage view(std::span<const std::byte> all) noexcept {
    return {.entities = entities_,
            .tasks = tasks_,
            .workers = workers_,
            .verdicts = verdicts_,
            .stack = stack_.memory(),
            .all = all};
  }

 private:
  template <class T, std::size_t kCount>
  using Array = T[kCount == 0 ? 1 : kCount];

  Array<SupervisedEntity*, kLimits.entities> entities_ = {};
  Array<SupervisedTask, kLimits.tasks> tasks_;
  Array<SupervisedWorker, kLimits.workers> workers_;
  Array<SeqLock<Verdict>, kLimits.verdicts> verdicts_;
  MonitorStack<> stack_;
};

}  // namespace detail

/// A watchdog with all of its memory: give it static storage.
template <WatchdogLimits kLimits>
class StaticWatchdog : private detail::WatchdogMemory<kLimits>, public Watchdog {
 public:
  StaticWatchdog() noexcept
      : Watchdog(this->view({reinterpret_cast<const std::byte*>(this), sizeof *this})) {}
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_WATCHDOG_H_
