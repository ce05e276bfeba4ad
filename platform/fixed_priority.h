// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_FIXED_PRIORITY_H_
#define TAKT_PLATFORM_FIXED_PRIORITY_H_

#include <cstdint>

#include "takt/platform/scheduling.h"

namespace takt::inline v0::platform {

namespace detail {

inline constexpr std::int32_t kPriorityUnknown = -1;

// initial-exec: as cached_thread_id.
extern constinit thread_local std::int32_t cached_fixed_priority [[gnu::tls_model("initial-exec")]];

constexpr std::int32_t fixed_priority_of(const Scheduling& scheduling) noexcept {
  return scheduling.policy() == SchedulingPolicy::deadline ? 100 : scheduling.priority();
}

/// Asks the kernel and fills the cache.
std::int32_t read_fixed_priority() noexcept;

}  // namespace detail

/// Where the calling thread stands among those that want the same thing: 0 shares time, 1 to 99 as
/// SCHED_FIFO and SCHED_RR have it, 100 SCHED_DEADLINE. What set_scheduling() gave the thread, else
/// the kernel's answer to the first call: a change that another thread or program made later goes
/// unseen, and so does inheritance.
/// Blocks: no. Bound: wait-free; a system call in the first call of a thread that never called
/// set_scheduling(), then one load. Callable from: any thread.
inline std::int32_t fixed_priority() noexcept {
  const std::int32_t cached = detail::cached_fixed_priority;
  return cached != detail::kPriorityUnknown ? cached : detail::read_fixed_priority();
}

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_FIXED_PRIORITY_H_
