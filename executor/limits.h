// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_LIMITS_H_
#define TAKT_EXECUTOR_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "takt/platform/default_stack.h"

namespace takt::inline v0 {

/// Bytes that a callable (and a job's result) may take. A larger one does not compile.
inline constexpr std::size_t kCallableBytes = 48;
/// Bytes of a name, its terminating null included: the kernel's limit for a thread's name.
inline constexpr std::size_t kNameBytes = 16;

/// How much a StaticExecutor holds. All of it is reserved at compile time.
struct ExecutorLimits {
  std::uint32_t workers = 1;         ///< static threads, 1 to 1,024; at most 31 of one lane
  std::uint32_t lanes = 1;           ///< ready queues, 1 to 1,024
  std::uint32_t jobs_per_lane = 16;  ///< posted and submitted jobs of one lane at a time
  std::uint32_t tasks = 4;           ///< recurring tasks in all lanes; each owns its slot
  std::uint32_t timers = 0;          ///< jobs of one lane that wait for their time (post_at)
  std::uint32_t descriptors = 0;     ///< watched in all lanes (watch); each owns its slot
  /// The stack of one worker, without its guard page. start() refuses less than
  /// platform::minimum_stack_bytes(), about 24 KiB on x86-64 and 140 KiB on arm64. What jobs may
  /// use of the rest: Executor::stack_high_water() tells afterwards. A function whose frame is
  /// larger than the guard page can step over it: compile such code with -fstack-clash-protection,
  /// which touches each page in turn.
  std::size_t stack_bytes = kDefaultStackBytes;
  std::uint32_t histograms = 0;  ///< tasks that record release jitter and response time
  /// The last events of each worker that are kept (EventRing), rounded up to a power of two; with
  /// any, StartOptions::time_stamps cannot be switched off. 0: none, nothing is noted.
  std::uint32_t events_per_worker = 0;
};

/// The number of a lane, 0 to ExecutorLimits::lanes - 1.
enum class LaneId : std::uint32_t {};

/// The number of a worker, in the order of the configs that the last start() got.
enum class WorkerId : std::uint32_t {};

/// The order in which waiting jobs of one lane start; first in, first out within a level. A running
/// job is not preempted by a waiting one: that takes another lane, whose workers have a higher
/// priority in the kernel.
enum class Priority : std::uint32_t { critical = 0, high = 1, normal = 2, low = 3 };
inline constexpr std::uint32_t kPriorityLevels = 4;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_LIMITS_H_
