// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_EXECUTOR_VIEW_H_
#define TAKT_MONITOR_EXECUTOR_VIEW_H_

#include <cstdint>

#include "takt/executor/stats.h"

namespace takt::inline v0 {

/// An executor as the monitor sees it: names and figures, nothing that could change it. The monitor
/// knows executor/stats.h only; whoever composes the daemon makes the view, of any kind of
/// executor. Two pointers, to be copied; the executor must outlive it. Names are read where they
/// are printed: not while start() rewrites the workers', and not beside an add_task() that takes
/// the place of a removed task.
/// Blocks: no. Bound: O(1). Callable from: any thread, as everything here.
class ExecutorView {
 public:
  template <class AnyExecutor>
  explicit constexpr ExecutorView(AnyExecutor& viewed) noexcept
      : executor_(&viewed), calls_(&kCalls<AnyExecutor>) {}

  /// The workers of the last start().
  std::uint32_t worker_count() const noexcept { return calls_->worker_count(executor_); }
  const char* worker_name(std::uint32_t worker) const noexcept {
    return calls_->worker_name(executor_, worker);
  }
  const WorkerStats& worker_stats(std::uint32_t worker) const noexcept {
    return calls_->worker_stats(executor_, worker);
  }
  const EventRing& worker_events(std::uint32_t worker) const noexcept {
    return calls_->worker_events(executor_, worker);
  }
  /// The tasks added until now, removed ones included.
  std::uint32_t task_count() const noexcept { return calls_->task_count(executor_); }
  const char* task_name(std::uint32_t task) const noexcept {
    return calls_->task_name(executor_, task);
  }
  const TaskStats& task_stats(std::uint32_t task) const noexcept {
    return calls_->task_stats(executor_, task);
  }

 private:
  struct Calls {
    std::uint32_t (*worker_count)(void* executor) noexcept;
    const char* (*worker_name)(void* executor, std::uint32_t worker) noexcept;
    const WorkerStats& (*worker_stats)(void* executor, std::uint32_t worker) noexcept;
    const EventRing& (*worker_events)(void* executor, std::uint32_t worker) noexcept;
    std::uint32_t (*task_count)(void* executor) noexcept;
    const char* (*task_name)(void* executor, std::uint32_t task) noexcept;
    const TaskStats& (*task_stats)(void* executor, std::uint32_t task) noexcept;
  };

  template <class E>
  static E& as(void* viewed) noexcept {
    return *static_cast<E*>(viewed);
  }
  template <class E>
  static constexpr Calls kCalls{
      .worker_count = [](void* e) noexcept { return as<E>(e).worker_count(); },
      .worker_name = [](void* e, std::uint32_t w) noexcept { return as<E>(e).worker_name(w); },
      .worker_stats = [](void* e, std::uint32_t w) noexcept -> const WorkerStats& {
        return as<E>(e).worker_stats(w);
      },
      .worker_events = [](void* e, std::uint32_t w) noexcept -> const EventRing& {
        return as<E>(e).worker_events(w);
      },
      .task_count = [](void* e) noexcept { return as<E>(e).task_count(); },
      .task_name = [](void* e, std::uint32_t t) noexcept { return as<E>(e).task(t).name(); },
      .task_stats = [](void* e, std::uint32_t t) noexcept -> const TaskStats& {
        return as<E>(e).task(t).stats();
      },
  };

  void* executor_;
  const Calls* calls_;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_EXECUTOR_VIEW_H_
