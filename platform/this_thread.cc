// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/this_thread.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "takt/platform/fault.h"
#include "takt/platform/fixed_priority.h"
#include "takt/platform/raw_call.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

using StatusText = Text<Status::kTextBytes>;

/// The kernel's sched_attr in its first published size; glibc 2.36 does not declare it.
struct KernelSchedulingAttributes {
  std::uint32_t size = sizeof(KernelSchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
static_assert(sizeof(KernelSchedulingAttributes) == 48);

std::uint64_t unsigned_ns(Duration duration) noexcept {
  return static_cast<std::uint64_t>(duration.count());
}
Duration from_unsigned_ns(std::uint64_t nanoseconds) noexcept {
  return Duration(static_cast<std::int64_t>(nanoseconds));
}

/// What is wrong with the values whatever the rights are; nullptr when nothing is.
const char* invalid_value(const Scheduling& scheduling) noexcept {
  constexpr Duration kShortestRuntime{1024};  // the kernel's own limit
  switch (scheduling.policy()) {
    case SchedulingPolicy::fifo:
    case SchedulingPolicy::round_robin:
      return scheduling.priority() < 1 || scheduling.priority() > 99 ? "priorities go from 1 to 99"
                                                                     : nullptr;
    case SchedulingPolicy::other:
      return scheduling.nice() < -20 || scheduling.nice() > 19 ? "nice goes from -20 to 19"
                                                               : nullptr;
    case SchedulingPolicy::deadline:
      return scheduling.runtime() < kShortestRuntime ||
                     scheduling.runtime() > scheduling.deadline() ||
                     scheduling.deadline() > scheduling.period()
                 ? "needs 1024ns <= runtime <= deadline <= period"
                 : nullptr;
    case SchedulingPolicy::batch:
    case SchedulingPolicy::idle:
      return nullptr;
  }
  return "no such policy";
}

/// What the reader can do about a refusal.
const char* remedy(const Scheduling& scheduling, int error) noexcept {
  const bool denied = error == EPERM || error == EACCES;
  if (scheduling.policy() == SchedulingPolicy::deadline) {
    if (denied) return " denied: needs CAP_SYS_NICE and no pinning";
    if (error == EBUSY) return " refused: no bandwidth left on these CPUs";
    return " refused";
  }
  if (!denied) return " refused";
  return scheduling.is_real_time() ? " denied: grant CAP_SYS_NICE or raise RLIMIT_RTPRIO"
                                   : " denied: grant CAP_SYS_NICE or raise RLIMIT_NICE";
}

Status refusal(const Scheduling& scheduling, int error) noexcept {
  StatusText text;
  text << scheduling << remedy(scheduling, error);
  return Status::from_errno(error, text.view());
}

int apply_deadline(const Scheduling& scheduling) noexcept {
  if (const int error = injected_fault(SystemCall::sched_setattr)) return error;
  KernelSchedulingAttributes attributes;
  attributes.policy = static_cast<std::uint32_t>(SchedulingPolicy::deadline);
  attributes.runtime_ns = unsigned_ns(scheduling.runtime());
  attributes.deadline_ns = unsigned_ns(scheduling.deadline());
  attributes.period_ns = unsigned_ns(scheduling.period());
  return detail::raw_call(SYS_sched_setattr, 0, &attributes, 0).error;
}

int apply_policy(const Scheduling& scheduling) noexcept {
  if (const int error = injected_fault(SystemCall::sched_setscheduler)) return error;
  sched_param parameters{};
  parameters.sched_priority = scheduling.priority();
  const int policy = static_cast<int>(scheduling.policy());
  return ::sched_setscheduler(0, policy, &parameters) == 0 ? 0 : errno;
}

int apply_nice(int nice) noexcept {
  if (const int error = injected_fault(SystemCall::setpriority)) return error;
  // On Linux, 0 is the calling thread, not its process.
  return ::setpriority(PRIO_PROCESS, 0, nice) == 0 ? 0 : errno;
}

int apply(const Scheduling& scheduling) noexcept {
  if (scheduling.policy() == SchedulingPolicy::deadline) return apply_deadline(scheduling);
  if (const int error = apply_policy(scheduling)) return error;
  return scheduling.policy() == SchedulingPolicy::other ? apply_nice(scheduling.nice()) : 0;
}

int read_mask(CpuSet& cpus) noexcept {
  if (const int error = injected_fault(SystemCall::sched_getaffinity)) return error;
  auto* mask = reinterpret_cast<cpu_set_t*>(cpus.kernel_mask());
  return ::sched_getaffinity(0, CpuSet::kBytes, mask) == 0 ? 0 : errno;
}

int write_mask(const CpuSet& cpus) noexcept {
  if (const int error = injected_fault(SystemCall::sched_setaffinity)) return error;
  const auto* mask = reinterpret_cast<const cpu_set_t*>(cpus.kernel_mask());
  return ::sched_setaffinity(0, CpuSet::kBytes, mask) == 0 ? 0 : errno;
}

Status affinity_refusal(const CpuSet& cpus, int error) noexcept {
  StatusText text;
  text << "CPUs " << cpus;
  if (error == EPERM || error == EBUSY) {
    text << " refused: SCHED_DEADLINE needs an exclusive cpuset";
  } else {
    text << " refused: offline or outside the cpuset";
  }
  return Status::from_errno(error, text.view());
}

}  // namespace

void set_thread_name(const char* name) noexcept {
  if (injected_fault(SystemCall::prctl) != 0) return;
  ::prctl(PR_SET_NAME, name, 0, 0, 0);
}

Status check_scheduling(const Scheduling& scheduling) noexcept {
  const char* const problem = invalid_value(scheduling);
  if (problem == nullptr) return {};
  StatusText text;
  text << scheduling << ": " << problem;
  return {StatusCode::invalid_argument, text.view()};
}

Status set_scheduling(const Scheduling& scheduling) noexcept {
  if (Status valid = check_scheduling(scheduling); !valid.ok()) return valid;
  if (const int error = apply(scheduling)) {
    // A refused nice value comes after the policy. Asked now, since later only futex may be called.
    static_cast<void>(detail::read_fixed_priority());
    return refusal(scheduling, error);
  }
  detail::cached_fixed_priority = detail::fixed_priority_of(scheduling);
  return {};
}

Result<Scheduling> scheduling() noexcept {
  KernelSchedulingAttributes attributes;
  int error = injected_fault(SystemCall::sched_getattr);
  if (error == 0) {
    error = detail::raw_call(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0).error;
  }
  if (error != 0) return Status::from_errno(error, "the thread's scheduling cannot be read");
  switch (static_cast<SchedulingPolicy>(attributes.policy)) {
    case SchedulingPolicy::other:
      return Scheduling(Other{.nice = attributes.nice});
    case SchedulingPolicy::fifo:
      return Scheduling(Fifo{.priority = static_cast<int>(attributes.priority)});
    case SchedulingPolicy::round_robin:
      return Scheduling(RoundRobin{.priority = static_cast<int>(attributes.priority)});
    case SchedulingPolicy::batch:
      return Scheduling(Batch{});
    case SchedulingPolicy::idle:
      return Scheduling(Idle{});
    case SchedulingPolicy::deadline:
      return Scheduling(Deadline{.runtime = from_unsigned_ns(attributes.runtime_ns),
                                 .deadline = from_unsigned_ns(attributes.deadline_ns),
                                 .period = from_unsigned_ns(attributes.period_ns)});
  }
  StatusText text;
  text << "scheduling policy " << attributes.policy << " is unknown to takt";
  return Status(StatusCode::unsupported, text.view());
}

Status set_affinity(const CpuSet& cpus) noexcept {
  if (cpus.empty()) return {StatusCode::invalid_argument, "an affinity of no CPU at all"};
  CpuSet before;
  if (const int error = read_mask(before)) return affinity_refusal(cpus, error);
  if (const int error = write_mask(cpus)) return affinity_refusal(cpus, error);
  if (cpus == CpuSet::all()) return {};

  CpuSet after;
  if (const int error = read_mask(after)) return affinity_refusal(cpus, error);
  if (after.contains(cpus)) return {};
  // Half a wish granted is a refusal. The old set was granted before; if it cannot be had again,
  // the thread stays on the CPUs that were granted now, and the Status below is just as true.
  static_cast<void>(write_mask(before));
  return affinity_refusal(cpus - after, EINVAL);
}

Result<CpuSet> affinity() noexcept {
  CpuSet cpus;
  if (const int error = read_mask(cpus)) {
    return Status::from_errno(error, "the thread's affinity cannot be read");
  }
  return cpus;
}

void set_timer_slack(Duration slack) noexcept {
  if (injected_fault(SystemCall::prctl) != 0) return;
  // 0 would mean the default. Slack beyond a long's range of nanoseconds (2 s on 32 bits) is held.
  const std::int64_t bounded = std::clamp<std::int64_t>(slack.count(), 1, LONG_MAX);
  ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(bounded), 0, 0, 0);
}

}  // namespace takt::inline v0::platform
