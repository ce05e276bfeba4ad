// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_DESCRIPTOR_H_
#define TAKT_EXECUTOR_DESCRIPTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "takt/executor/callable.h"
#include "takt/executor/limits.h"
#include "takt/executor/stats.h"
#include "takt/platform/readiness.h"
#include "takt/sync/env.h"

// A watched descriptor's job is its slot itself: at most one is unfinished, because the kernel
// reports a descriptor once and then not before it is armed again.
//
//            add, arm                event: the leader's            job ended: arm
//   [rests] ----------> [armed] -----------------------> [unfinished] ------------> [armed]
//                                                              |  suspended, only trouble, removing
//                                                              '------------------> [rests]
//
// `unfinished` is one word: bit 0 kUnfinished: a job waits or runs, set by the leader; bit 1
// kAwaited: somebody sleeps on the word until it has ended, set by remove(). Both are cleared by
// the worker that ran it.
//
// The life of the slot, under the lane's descriptor mutex (free to active: the executor's task
// mutex besides):
//
//   [free] --watch--> [active] <--resume / suspend, only trouble--> [suspended]
//      ^                  |  arm refused                                 |
//      |                  '----------> [lost] ---------------------------|
//      '------- callable destroyed --- [removing] <--remove--------------'

namespace takt::inline v0 {

/// What a watched descriptor is doing.
enum class DescriptorState : std::uint32_t {
  removed = 0,    ///< gone; its handles are stale
  active = 1,     ///< its events become jobs
  suspended = 2,  ///< no jobs until resume()
  lost = 3,       ///< closed while it was watched, DescriptorStats::refused has the errno
  removing = 4,   ///< it goes when its last job has ended
};

/// What the job of a descriptor may know of itself. Valid while the job runs.
struct DescriptorContext : JobContext {
  int descriptor;
  Readiness ready;  ///< what it was ready for when the job was released
};

namespace detail {

template <class Callable>
constexpr void require_descriptor_callable() noexcept {
  static_assert(
      std::is_invocable_v<Callable&> || std::is_invocable_v<Callable&, const DescriptorContext&>,
      "takt: the job of a descriptor takes nothing or const takt::DescriptorContext&");
  require_slot<Callable>();
}

/// The job of a descriptor: runs again and again; destroyed with the watch. `context` is a
/// DescriptorContext.
template <class Callable>
bool descriptor_thunk(ThunkStep step, void* storage, const JobContext* context) {
  auto& callable = *static_cast<Callable*>(storage);
  if (step == ThunkStep::run) {
    return guarded([&] {
      if constexpr (std::is_invocable_v<Callable&, const DescriptorContext&>) {
        static_cast<void>(callable(static_cast<const DescriptorContext&>(*context)));
      } else {
        static_cast<void>(callable());
      }
    });
  }
  std::destroy_at(&callable);
  return true;
}

/// A watched descriptor, and where it is kept.
struct DescriptorSlot {
  static constexpr std::uint32_t kUnfinished = 1;
  static constexpr std::uint32_t kAwaited = 2;

  CallableStorage storage;
  Thunk thunk;
  int descriptor;
  Readiness wanted;
  Priority priority;
  std::atomic<LaneId> lane;  // relaxed: of a slot that is not removed meanwhile

  /// The head of this file has the bits.
  ThreadEnv::Word unfinished;
  // Of the unfinished job, written by the leader:
  Readiness ready;
  std::int64_t release_ns;
  std::uint64_t index;  // its number, counted by its worker

  // Under the lane's descriptor mutex:
  /// One more each time the slot is used anew. Atomic, as the state: handles look without the lock.
  std::atomic<std::uint32_t> generation;
  std::atomic<DescriptorState> state;
  bool unattended;  // nobody waits for the removal: the worker destroys the callable
  bool destroying;  // somebody has begun to

  DescriptorStats stats;
};

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_DESCRIPTOR_H_
