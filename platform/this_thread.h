// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_THIS_THREAD_H_
#define TAKT_PLATFORM_THIS_THREAD_H_

#include "takt/platform/cpu_set.h"
#include "takt/platform/result.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

/// What a thread asks the kernel for on its own behalf. A refusal changes nothing and its Status
/// keeps the errno and says what to grant, in 70 characters, so that a caller can put a name before
/// it. One system call or a few; none of them is meant for a job's steady state.
namespace takt::inline v0::platform {

/// Names the calling thread, as /proc and debuggers show it; cut to 15 characters.
/// Blocks: no. Callable from: any thread. Errors: none, the call cannot be refused.
void set_thread_name(const char* name) noexcept;

/// Whether the values are in their ranges, whatever the rights are. Blocks: no. Callable from:
/// anywhere. Errors: the invalid_argument of set_scheduling().
Status check_scheduling(const Scheduling& scheduling) noexcept;

/// Makes the kernel schedule the calling thread so. Other also sets the nice value.
/// Children do inherit it: a thread with Deadline cannot create threads at all (EAGAIN).
/// Blocks: no. Callable from: any thread.
/// Errors: permission_denied (EPERM, EACCES) the right is missing; invalid_argument a priority
/// outside 1 to 99, a nice value outside -20 to 19, or for Deadline not 1024 ns <= runtime <=
/// deadline <= period; unavailable (EBUSY) the CPUs have no bandwidth left for this Deadline.
Status set_scheduling(const Scheduling& scheduling) noexcept;

/// How the kernel schedules the calling thread. A Deadline comes back with its period filled in.
/// Blocks: no. Callable from: any thread. Errors: those of sched_getattr(2).
Result<Scheduling> scheduling() noexcept;

/// Restricts the calling thread to `cpus`, all of them: where the kernel would silently leave out
/// those that are offline or outside the cpuset, this fails and restores what was. CpuSet::all()
/// means: wherever the cpuset allows.
/// Blocks: until the thread runs on one of them. Callable from: any thread.
/// Errors: invalid_argument an empty set or a CPU that cannot be had; permission_denied (EPERM) or
/// unavailable (EBUSY) a thread with Deadline outside an exclusive cpuset.
Status set_affinity(const CpuSet& cpus) noexcept;

/// The CPUs on which the calling thread may run now.
/// Blocks: no. Callable from: any thread. Errors: invalid_argument (EINVAL) the kernel was built
/// for more than CpuSet::kCapacity CPUs.
Result<CpuSet> affinity() noexcept;

/// By how much the kernel may delay the timed waits of the calling thread to coalesce them; at
/// least 1 ns. Without effect on a real-time policy, whose slack is 0.
/// Blocks: no. Callable from: any thread. Errors: none, the call cannot be refused.
void set_timer_slack(Duration slack) noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_THIS_THREAD_H_
