// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_ALLOCATION_GUARD_H_
#define TAKT_TESTS_SUPPORT_ALLOCATION_GUARD_H_

#include <cstddef>
#include <cstdint>

namespace takt::test {

/// While an AllocationGuard is armed, any thread of the process that allocates or frees memory ends
/// the process: it prints which call, which thread, its stack, and aborts.
///
///   ASSERT_OK(executor.start(workers));
///   {
///     const AllocationGuard guard;
///     ...
///   }
///
/// Watched are malloc, calloc, realloc, reallocarray, aligned_alloc, memalign, posix_memalign,
/// valloc, pvalloc, operator new and delete, free of non-null, whatever reaches one of them
/// (strdup, asprintf, a thread_local's registration), and the system calls mmap, mremap and brk.
/// munmap is not: glibc makes it with all signals blocked, where a trap kills the process even when
/// disarmed.
///
/// Under a sanitizer its own hooks are used: all of malloc, new, free, delete, without their names
/// and without the system calls, which its runtime makes itself. There, and under qemu-user, which
/// has no seccomp, arm() says on stderr once that the system calls are not watched.
///
/// The system-call filter stays for the life of the process, here: of the case. See
/// system_call_filter.h for what that means for programs that it executes.
class AllocationGuard {
 public:
  AllocationGuard() noexcept { arm(); }
  ~AllocationGuard() { disarm(); }
  AllocationGuard(const AllocationGuard&) = delete;
  AllocationGuard& operator=(const AllocationGuard&) = delete;

  /// Process-wide, not counted: the first disarm() disarms. Callable from: any thread.
  static void arm() noexcept;
  static void disarm() noexcept;
  [[nodiscard]] static bool armed() noexcept;

  /// What arm() does the first time, without arming: allocates what reports need and installs the
  /// system-call filter. Call it before another filter is installed.
  static void prepare() noexcept;

  /// Whether mmap, mremap and brk are watched here; prepare() has been called.
  [[nodiscard]] static bool watches_system_calls() noexcept;

  /// The calling thread may allocate while one of these lives: for glibc's own per-thread block
  /// inside pthread_create and pthread_join. Nests.
  class Exempt {
   public:
    Exempt() noexcept;
    ~Exempt();
    Exempt(const Exempt&) = delete;
    Exempt& operator=(const Exempt&) = delete;
  };

  /// For the replaced functions: aborts, naming `call`, if armed and the thread is not exempt.
  static void check(const char* call, std::size_t size = kNoSize) noexcept;

 private:
  static constexpr std::size_t kNoSize = SIZE_MAX;

  static void judge_system_call(long number) noexcept;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_ALLOCATION_GUARD_H_
