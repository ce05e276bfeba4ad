// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_OPTIONS_H_
#define TAKT_EXECUTOR_OPTIONS_H_

#include <cstdint>

#include "takt/executor/limits.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// What start() does when the system refuses a privilege.
enum class OnDenied : std::uint32_t {
  fail,     ///< start() fails and says which worker, which call, which errno
  degrade,  ///< goes on without it; the statistics show what was refused
};

/// One static thread. The name is copied.
struct WorkerConfig {
  const char* name = nullptr;  ///< 1 to 15 characters; the thread's name in the kernel too
  LaneId lane{0};              ///< the lane that it serves
  /// Where it may run; empty: where the caller of start() may. With Deadline only all CPUs of its
  /// cpuset, for fewer than the machine has an exclusive one: others are refused
  /// (invalid_argument).
  CpuSet cpus{};
  /// Policy and priority in the kernel; Other{}: time sharing at the nice value of the process.
  Scheduling scheduling = Other{};
  Duration spin{0};  ///< looks for work that long before it sleeps
  OnDenied on_denied = OnDenied::fail;
};

struct StartOptions {
  /// Locks the executor's storage and stacks into memory (mlock) until it is destroyed: needs a
  /// RLIMIT_MEMLOCK of so many bytes, or CAP_IPC_LOCK; refused, start() says how many. A process
  /// that has called mlockall() needs it not.
  bool lock_memory = true;
  /// What a refused memory lock does.
  OnDenied on_denied = OnDenied::fail;
  /// Reads the clock when a job is posted, starts and ends: JobContext::release and start of posted
  /// jobs, and the workers' busy time. Off, posting and running save three clock reads; an executor
  /// with ExecutorLimits::events_per_worker takes them all the same.
  bool time_stamps = true;
};

/// What happens when a release comes while the task's previous job is unfinished (an overrun). Each
/// is counted in TaskStats::overruns, those that get no job in TaskStats::skipped.
class Overrun {
 public:
  enum class Kind : std::uint32_t { skip, catch_up, slip, abort };

  /// The release is skipped; the task keeps its phase.
  static constexpr Overrun skip() noexcept { return {Kind::skip, 0}; }
  /// The release waits until the job has ended; at most `pending` (1 or more) of them wait, then
  /// the oldest is skipped. The task keeps its phase.
  static constexpr Overrun catch_up(std::uint32_t pending) noexcept {
    return {Kind::catch_up, pending};
  }
  /// The release waits until the job has ended, and the next ones count from there: a new phase.
  static constexpr Overrun slip() noexcept { return {Kind::slip, 1}; }
  /// From then on JobContext::stop_requested() asks the job to return. The newest release waits
  /// until it does, others are skipped. The task keeps its phase.
  static constexpr Overrun abort() noexcept { return {Kind::abort, 1}; }

  constexpr Overrun() noexcept = default;  ///< skip()

  constexpr Kind kind() const noexcept { return kind_; }
  /// How many releases may wait.
  constexpr std::uint32_t pending() const noexcept { return pending_; }

 private:
  constexpr Overrun(Kind kind, std::uint32_t pending) noexcept : kind_(kind), pending_(pending) {}

  Kind kind_ = Kind::skip;
  std::uint32_t pending_ = 0;
};

/// What a task's on_miss learns.
struct DeadlineMiss {
  const char* task;     ///< its name
  std::uint64_t index;  ///< the job's number
  TimePoint release;    ///< of the job
  TimePoint deadline;   ///< absolute
  TimePoint finish;     ///< after the deadline
  void* argument;       ///< as configured
};

/// Called by the worker right after a job that ended late; part of that worker's time.
using MissHandler = void (*)(const DeadlineMiss& miss) noexcept;

/// A periodic task. Strings are copied.
struct TaskConfig {
  const char* name = nullptr;            ///< 1 to 15 characters
  LaneId lane{0};                        ///< where its jobs run
  Priority priority = Priority::normal;  ///< among the waiting jobs of the lane
  Duration period{0};                    ///< at least 1 microsecond, at most 73 years
  Duration offset{0};                    ///< of release 0 after the executor's epoch, not negative
  Duration deadline{0};                  ///< after each release; 0: the period
  Duration wcet{0};  ///< worst-case execution time, for analysis only; not negative
  /// CPU time that a job may use; 0: no limit. Read when the job ends (two system calls a job), an
  /// excess is counted in TaskStats::budget_overruns.
  Duration budget{0};
  Overrun overrun = Overrun::skip();
  MissHandler on_miss = nullptr;  ///< called after a job that ended late
  void* miss_argument = nullptr;  ///< for on_miss
  bool histograms = false;        ///< records release jitter and response time
};

/// How many releases of a sporadic task may wait.
inline constexpr std::uint32_t kMaxPendingReleases = 4;

/// A sporadic task: its jobs are released by TaskHandle::release(), never closer together than
/// `min_interarrival`. Strings are copied.
struct SporadicConfig {
  const char* name = nullptr;            ///< 1 to 15 characters
  LaneId lane{0};                        ///< where its jobs run
  Priority priority = Priority::normal;  ///< among the waiting jobs of the lane
  Duration min_interarrival{0};          ///< at least 1 microsecond, at most 73 years
  /// How many releases may wait, for min_interarrival or for the job before: 0 to
  /// kMaxPendingReleases. A further one is refused.
  std::uint32_t pending = 1;
  Duration deadline{0};           ///< after each release; 0: min_interarrival
  Duration wcet{0};               ///< as TaskConfig's
  Duration budget{0};             ///< as TaskConfig's
  MissHandler on_miss = nullptr;  ///< as TaskConfig's
  void* miss_argument = nullptr;  ///< for on_miss
  bool histograms = false;        ///< as TaskConfig's
};

/// What a post does when all job slots of the lane are in use. Looked at only then: a value that is
/// none of these is refused (invalid_argument) where the lane is full, and costs nobody a look
/// where it is not.
enum class WhenFull : std::uint32_t {
  reject,  ///< the post fails: resource_exhausted
  /// The post waits for a slot until PostOptions::wait_until, or until the executor stops. Called
  /// by a worker of the lane itself, which could wait for itself, it fails: failed_precondition. A
  /// job that is over keeps its slot as long as its handle: who has the handles of all slots waits
  /// for itself, and no error says so.
  wait,
  /// The oldest job of the lowest priority that waits in the lane ends `dropped` and makes room; a
  /// job of a higher priority than the new one never does. Jobs that run, that wait for their time
  /// or for one certain worker are not dropped, nor those of a level whose oldest job is a task's.
  /// With nothing to drop the post fails: resource_exhausted. The poster destroys what it drops.
  drop_oldest,
};

struct PostOptions {
  LaneId lane{0};
  Priority priority = Priority::normal;
  TimePoint deadline = kNever;  ///< absolute; a later end is counted
  WhenFull when_full = WhenFull::reject;
  TimePoint wait_until = kNever;  ///< absolute; for WhenFull::wait
};

/// What stop() does with jobs that wait.
enum class StopMode : std::uint32_t {
  drain,   ///< accepted jobs run; no new releases
  cancel,  ///< waiting jobs end cancelled; running ones see stop_requested()
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_OPTIONS_H_
