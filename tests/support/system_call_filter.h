// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_SYSTEM_CALL_FILTER_H_
#define TAKT_TESTS_SUPPORT_SYSTEM_CALL_FILTER_H_

#include <cstdint>
#include <span>

namespace takt::test {

/// A seccomp filter that turns system calls into SIGSYS, and the handler behind it:
///
///   system call --(filter: trap)--> SIGSYS handler --(judge returns)--> repeated through the gate
///               `-(filter: let through, the gate always)--> kernel  `-(judge aborts)
///
/// A filter cannot be removed; a judge that always returns takes the place of removal. The filter
/// is inherited by threads and fork children. A program that is executed inherits it too and dies
/// of its first trapped call, and so does a thread that blocks SIGSYS.
class SystemCallFilter {
 public:
  /// Which filter a trapped call comes from; where two would trap it, the one installed last.
  enum class Owner : std::uint16_t { allocation_guard = 1, allow_list = 2 };
  enum class Listed : std::uint8_t { are_trapped, are_let_through };
  enum class Scope : std::uint8_t { calling_thread, process };

  /// Decides in the signal handler, on the calling thread: returns if the call may be made.
  using Judge = void (*)(long number);

  /// Returns 0, or the errno with which the kernel refused: there is no seccomp under qemu-user.
  /// `process`: threads that have installed a filter of their own make it fail with ESRCH.
  /// Callable from: any thread, outside signal handlers. Sets no_new_privs.
  static int install(Owner owner, Listed listed, std::span<const long> numbers, Scope scope,
                     Judge judge) noexcept;

  /// From now on no judge is asked: every trapped call is repeated. For the last words of a
  /// process.
  static void stand_down() noexcept;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_SYSTEM_CALL_FILTER_H_
