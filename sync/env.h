// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_ENV_H_
#define TAKT_SYNC_ENV_H_

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/fixed_priority.h"
#include "takt/platform/futex.h"
#include "takt/platform/thread.h"
#include "takt/platform/time.h"

/// The environment under which each primitive of sync/ runs: its atomics, its futex and the
/// identity of the calling thread. Every primitive is a template `BasicX<…, Env>` over one Env, so
/// that the very source that ships is what the model checker explores under an Env of its own.
///
/// An Env supplies
///   Atomic<T>                          std::atomic<T>'s operations, T of 32 or 64 bits
///   wait, wake, requeue, *_pi          the futex calls of platform/futex.h, scope chosen
///   thread_id()                        the kernel's id of the calling thread, never 0
///   fixed_priority()                   where it stands among waiters, more is first
///   now()                              the monotonic clock
///   pause()                            one step of an explicit spin
namespace takt::inline v0 {

template <platform::FutexScope kScope>
struct FutexEnv {
  template <class T>
  using Atomic = std::atomic<T>;
  using Word = Atomic<std::uint32_t>;

  static int wait(const Word& word, std::uint32_t expected, TimePoint deadline) noexcept {
    const int error = platform::futex_wait(word, expected, deadline, kScope);
    // Whoever waits would look again at once, for ever: refused by a filter, or a misplaced word.
    TAKT_CHECK(error == 0 || error == EAGAIN || error == EINTR || error == ETIMEDOUT,
               "a futex wait was refused (is the object aligned?)");
    return error;
  }
  static int wake(const Word& word, int count) noexcept {
    return platform::futex_wake(word, count, kScope);
  }
  static int requeue(const Word& from, std::uint32_t expected, int wake, const Word& to,
                     int move) noexcept {
    return platform::futex_requeue(from, expected, wake, to, move, kScope);
  }
  static int lock_pi(Word& word, TimePoint deadline) noexcept {
    return platform::futex_lock_pi(word, deadline, kScope);
  }
  static int try_lock_pi(Word& word) noexcept { return platform::futex_try_lock_pi(word, kScope); }
  static int unlock_pi(Word& word) noexcept { return platform::futex_unlock_pi(word, kScope); }
  static int wait_requeue_pi(const Word& word, std::uint32_t expected, TimePoint deadline,
                             Word& mutex) noexcept {
    return platform::futex_wait_requeue_pi(word, expected, deadline, mutex, kScope);
  }
  static int requeue_pi(const Word& from, std::uint32_t expected, int move, Word& mutex) noexcept {
    return platform::futex_requeue_pi(from, expected, move, mutex, kScope);
  }
  static std::uint32_t thread_id() noexcept {
    return static_cast<std::uint32_t>(platform::thread_id());
  }
  static std::int32_t fixed_priority() noexcept { return platform::fixed_priority(); }
  static TimePoint now() noexcept { return takt::now(); }
  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield" ::: "memory");
#elif defined(__riscv)
    // The pause hint of Zihintpause; a fence without effect on cores that lack it.
    asm volatile(".insn i 0x0F, 0, x0, x0, 0x010" ::: "memory");
#endif
  }
};

/// Threads of one process.
using ThreadEnv = FutexEnv<platform::FutexScope::process_private>;
/// Processes that map the same memory.
using ProcessEnv = FutexEnv<platform::FutexScope::shared>;

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_ENV_H_
