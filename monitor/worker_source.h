// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_WORKER_SOURCE_H_
#define TAKT_MONITOR_WORKER_SOURCE_H_

#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// What the kernel knows of a thread.
struct ThreadUse {
  bool known = false;
  bool wants_cpu = false;  ///< it runs or waits for a CPU; false: it is blocked
  Duration cpu_time{};
};

/// Of a thread of this process by the kernel's id. Blocks: until /proc was read, microseconds.
/// Callable from: any thread. Errors: `known` is false.
ThreadUse thread_use(std::int32_t thread_id) noexcept;

/// Where the watchdog looks at the workers of an executor: its activity words, which know of
/// wake-ups, and their threads. Two functions, so that monitor/ need not know the executor and
/// tests can play one. The executor must outlive it.
class WorkerSource {
 public:
  using Activity = WorkerActivity (*)(const void* context, std::uint32_t worker,
                                      TimePoint at) noexcept;
  using Use = ThreadUse (*)(const void* context, std::uint32_t worker) noexcept;

  constexpr WorkerSource() noexcept = default;
  constexpr WorkerSource(const void* context, Activity read_activity, Use read_use) noexcept
      : context_(context), activity_(read_activity), use_(read_use) {}

  /// The workers of any kind of executor. Blocks: no. Callable from: any thread.
  template <class AnyExecutor>
  static constexpr WorkerSource of(const AnyExecutor& watched) noexcept {
    return {&watched,
            [](const void* context, std::uint32_t worker, TimePoint at) noexcept {
              return static_cast<const AnyExecutor*>(context)->worker_activity(worker, at);
            },
            [](const void* context, std::uint32_t worker) noexcept {
              const WorkerStats& stats =
                  static_cast<const AnyExecutor*>(context)->worker_stats(worker);
              return thread_use(static_cast<std::int32_t>(stats.thread_id.get()));
            }};
  }

  bool valid() const noexcept { return activity_ != nullptr && use_ != nullptr; }
  WorkerActivity activity(std::uint32_t worker, TimePoint at) const noexcept {
    return activity_(context_, worker, at);
  }
  ThreadUse use(std::uint32_t worker) const noexcept { return use_(context_, worker); }

 private:
  const void* context_ = nullptr;
  Activity activity_ = nullptr;
  Use use_ = nullptr;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_WORKER_SOURCE_H_
