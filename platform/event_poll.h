// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_EVENT_POLL_H_
#define TAKT_PLATFORM_EVENT_POLL_H_

#include <cstdint>

#include "takt/platform/fork_mark.h"
#include "takt/platform/readiness.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::inline v0::platform {

/// Waits for many descriptors and for a wake: an epoll instance (epoll(7)) with an eventfd in it.
/// Each descriptor is reported once and then rests until it is armed again (EPOLLONESHOT); what it
/// is ready for then is reported at once (level-triggered). All bits zero: closed.
class EventPoll {
 public:
  /// What one wait found.
  struct Event {
    std::uint64_t token;  ///< as given to add() or arm()
    Readiness ready;
  };
  struct Events {
    static constexpr std::uint32_t kCapacity = 8;
    Event items[kCapacity];  // the first `count`; the others are unwritten
    std::uint32_t count = 0;
  };
  /// Not to be used by callers.
  static constexpr std::uint64_t kWakeToken = ~std::uint64_t{0};

  constexpr EventPoll() noexcept = default;
  /// Closes nothing: an executor's destructor does, and not in a fork child.
  ~EventPoll() = default;
  EventPoll(const EventPoll&) = delete;
  EventPoll& operator=(const EventPoll&) = delete;

  /// Makes epoll instance and eventfd, both closed on exec. In a fork child it drops the parent's
  /// first. Blocks: no. Callable from: one thread, before others use it.
  /// Errors: resource_exhausted: EMFILE, ENFILE, ENOMEM; unsupported.
  Status open() noexcept;
  /// Closes both. Blocks: no. Callable from: one thread, after all others.
  void close() noexcept;
  /// Whether open() was called in this process. Blocks: no. Callable from: any thread.
  bool is_open() const noexcept { return epoll_ != 0 && mark_.is_here(); }

  /// Watches `descriptor` for `wanted`, errors and hang-ups besides, armed.
  /// Blocks: no. Bound: O(log descriptors). Callable from: any thread, as arm() and remove().
  /// Errors: invalid_argument: EBADF, EINVAL, ELOOP; unsupported: EPERM, a file that is always
  /// ready; failed_precondition: EEXIST; resource_exhausted: ENOSPC, ENOMEM.
  Status add(int descriptor, Readiness wanted, std::uint64_t token) noexcept;
  /// Arms it anew. Errors: invalid_argument: EBADF; not_found: ENOENT: it was closed meanwhile.
  Status arm(int descriptor, Readiness wanted, std::uint64_t token) noexcept;
  /// Forgets it. Errors: as arm().
  Status remove(int descriptor) noexcept;

  /// Ends a wait() that is under way, or the next one. Blocks: no. Bound: one system call.
  /// Callable from: any thread. Aborts when the eventfd is gone: a wake would be lost.
  void wake() const noexcept;

  /// Waits until a descriptor is ready, for wake(), or for `deadline`; may return early, with
  /// nothing. A deadline that has passed only looks. One caller at a time: it takes the wakes.
  /// The kernel takes a relative time, so a caller that is preempted between reading the clock and
  /// the call sleeps longer by that; nanoseconds otherwise, for threads that share time and 0.1 %
  /// of the wait (select(2)'s slack).
  /// Blocks: as said. Bound: one system call, two on kernels before 5.11. Aborts when the kernel
  /// refuses: it would not sleep at all.
  void wait(Events& events, TimePoint deadline) const noexcept;

 private:
  Status control(int operation, int descriptor, Readiness wanted, std::uint64_t token) noexcept;

  // Descriptors plus one: a static one lies in .bss.
  int epoll_ = 0;
  int wake_ = 0;
  ForkMark mark_;
};

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_EVENT_POLL_H_
