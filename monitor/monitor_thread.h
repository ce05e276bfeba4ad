// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_MONITOR_THREAD_H_
#define TAKT_MONITOR_MONITOR_THREAD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/platform/cpu_set.h"
#include "takt/platform/default_stack.h"
#include "takt/platform/memory.h"
#include "takt/platform/scheduling.h"
#include "takt/platform/status.h"
#include "takt/platform/thread.h"
#include "takt/platform/time.h"
#include "takt/sync/semaphore.h"

//             start()             it is as configured
//   [stopped] --------> [settling] --------------------> [running]
//       ^                   | refused: start() says why      |
//       '-------------------'                                |
//       '------------------- stop(): it has ended -----------'

namespace takt::inline v0 {

struct MonitorThreadConfig {
  const char* name = "monitor";     ///< 1 to 15 characters; its name in the kernel
  CpuSet cpus{};                    ///< where it may run; empty: where the caller of start() may
  Scheduling scheduling = Other{};  ///< Other{}: as the caller of start()
};

/// A thread of the monitor's own, beside all lanes: calls `step(argument, now)` at once and then at
/// each time that the last call returned. The step decides everything; a test that calls it with
/// times of its own sees what the thread would do. Owned by one thread at a time.
class MonitorThread {
 public:
  using Step = TimePoint (*)(void* argument, TimePoint now) noexcept;

  MonitorThread() noexcept = default;
  MonitorThread(const MonitorThread&) = delete;
  MonitorThread& operator=(const MonitorThread&) = delete;
  /// Aborts when it runs.
  ~MonitorThread() = default;

  /// Starts it on `stack` (platform/stack.h), which is its own until stop() has succeeded, and
  /// returns when it has its policy and its CPUs.
  /// Blocks: until then. Callable from: the owner. Errors: failed_precondition: it runs;
  /// permission_denied and others: which call the system refused, and then nothing runs.
  Status start(const MonitorThreadConfig& config, std::span<std::byte> stack, Step step,
               void* argument) noexcept;

  /// Ends it after the step that it is in. ok also when it does not run.
  /// Blocks: until it has ended, or `timeout`. Callable from: the owner.
  /// Errors: timed_out: a step lasts; call it again. failed_precondition: called from a step, a
  /// callback for example; then it goes on.
  Status stop(Duration timeout) noexcept;

  /// Whether it runs. Blocks: no. Callable from: any thread.
  bool running() const noexcept {
    // relaxed: a figure; the owner is ordered by start() and stop().
    return running_.load(std::memory_order_relaxed) != 0;
  }

 private:
  static void run(void* self) noexcept;
  Status settle() const noexcept;
  void steps() noexcept;

  platform::Thread thread_;
  Semaphore settled_{0};
  Semaphore stop_{0};  // a permit: it shall end
  std::atomic<std::uint32_t> running_{0};
  std::atomic<std::int32_t> thread_id_{0};  // its own, while it runs
  Status status_;                           // of settling; written before settled_ has its permit
  const MonitorThreadConfig* config_ = nullptr;  // the caller's, until start() returns
  std::span<std::byte> stack_;
  Step step_ = nullptr;
  void* argument_ = nullptr;
};

/// The stack of a MonitorThread, its guard page included.
template <std::size_t kStackBytes = kDefaultStackBytes>
class MonitorStack {
 public:
  std::span<std::byte> memory() noexcept { return bytes_; }

 private:
  static constexpr std::size_t kPage = platform::kLargestPage;
  alignas(kPage) std::byte bytes_[(kStackBytes + kPage - 1) / kPage * kPage + kPage];
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_MONITOR_THREAD_H_
