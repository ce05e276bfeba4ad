// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_THREAD_ID_H_
#define TAKT_PLATFORM_THREAD_ID_H_

#include <cstdint>

namespace takt::inline v0::platform {

namespace detail {

// 0: not asked yet in this thread. initial-exec: one load off the thread pointer, without the
// call (and the lazy allocation) that a shared library's thread_local would cost otherwise.
extern constinit thread_local std::int32_t cached_thread_id [[gnu::tls_model("initial-exec")]];

/// Asks the kernel and fills the cache.
std::int32_t read_thread_id() noexcept;

}  // namespace detail

/// The kernel's id of the calling thread (gettid(2)): what a PI futex word holds. In a fork child
/// it is the child's own.
/// Blocks: no. Bound: wait-free; one system call in each thread's first call, then one load.
/// Callable from: any thread. Not valid between vfork (or a bare clone) and exec.
inline std::int32_t thread_id() noexcept {
  const std::int32_t cached = detail::cached_thread_id;
  return cached != 0 ? cached : detail::read_thread_id();
}

/// How many forks lie between the first process of this program and the calling one: 0 in the
/// process that exec started, 1 in its fork child. See ForkMark for the question that mostly stands
/// behind it.
/// Blocks: no. Bound: wait-free. Callable from: any thread.
std::uint32_t fork_generation() noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_THREAD_ID_H_
