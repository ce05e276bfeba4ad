// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_THREAD_H_
#define TAKT_PLATFORM_THREAD_H_

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/platform/check.h"
#include "takt/platform/fork_mark.h"
#include "takt/platform/futex.h"
#include "takt/platform/status.h"
#include "takt/platform/this_thread.h"
#include "takt/platform/thread_id.h"
#include "takt/platform/time.h"

namespace takt::inline v0::platform {

/// What a thread runs. It must return: pthread_exit and cancellation end in std::terminate.
using ThreadEntry = void (*)(void* argument) noexcept;

/// A POSIX thread on a stack of the caller's (platform/stack.h), with a signal mask that leaves
/// signals to the process's other threads: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS and
/// glibc's own two stay open, all others are blocked before the thread's first instruction. It
/// starts with the policy, affinity and nice value of its creator.
///
///     empty --start--> joinable --join_until--> empty
///
/// The new thread first waits at a gate, until start has kept its stack from fork children:
///
///     closed --start--> open     the entry runs
///     closed --start--> barred   a failure: the thread ends without having run it
///
/// Owned by one thread at a time, which calls start and join_until. The object stays where it is
/// while joinable: the new thread reads its entry and name from it.
class Thread {
 public:
  Thread() noexcept = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  /// Checks that the thread was joined, and does nothing else. In a fork child it does nothing at
  /// all: there is no thread there, and perhaps not even this memory.
  ~Thread() { TAKT_CHECK(mark_.in_child() || !joinable_, "a Thread must be joined"); }

  /// Starts a thread named `name` (copied, cut to 15 characters) that runs `entry(argument)`.
  /// `stack` is what prepare_stack was given, guard included. Fork children do not get a copy of
  /// it, but for the highest page or two (see stack.h).
  /// Blocks: no. Allocates: only glibc's own per-thread block. Callable from: the owner.
  /// Errors: failed_precondition it is joinable; invalid_argument the stack is too small or not
  /// whole pages; resource_exhausted (EAGAIN) a limit on threads, or the caller runs with Deadline;
  /// resource_exhausted (ENOMEM) too many mappings, vm.max_map_count.
  Status start(const char* name, std::span<std::byte> stack, ThreadEntry entry,
               void* argument) noexcept;

  /// Waits for the thread to end and releases it; its stack may be used anew then.
  /// Blocks: until the thread ended or `deadline`. Callable from: the owner.
  /// Errors: timed_out (it stays joinable); failed_precondition not joinable, or called by itself.
  Status join_until(TimePoint deadline) noexcept;

  /// True from a successful start to a successful join_until.
  /// Blocks: no. Callable from: the owner.
  bool joinable() const noexcept { return joinable_; }

  /// For calls that platform/ does not wrap; valid while joinable.
  /// Blocks: no. Callable from: the owner.
  pthread_t native_handle() const noexcept { return handle_; }

 private:
  static constexpr std::size_t kNameBytes = 16;  // the kernel's TASK_COMM_LEN

  static constexpr std::uint32_t kClosed = 0;
  static constexpr std::uint32_t kOpen = 1;
  static constexpr std::uint32_t kBarred = 2;

  static void* run(void* self) noexcept;
  std::uint32_t wait_at_gate() const noexcept;
  void set_gate(std::uint32_t state) noexcept;
  int create(std::span<std::byte> usable) noexcept;
  int create_masked(std::span<std::byte> usable) noexcept;

  ThreadEntry entry_ = nullptr;
  void* argument_ = nullptr;
  pthread_t handle_ = {};
  FutexWord gate_{kClosed};
  bool joinable_ = false;
  ForkMark mark_;  // of the process in which the thread runs
  char name_[kNameBytes] = {};
};

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_THREAD_H_
