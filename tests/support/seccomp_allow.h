// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_SECCOMP_ALLOW_H_
#define TAKT_TESTS_SUPPORT_SECCOMP_ALLOW_H_

#include <span>

#include "takt/tests/support/system_call_filter.h"

namespace takt::test {

/// While one lives, only the given system calls may be made: any other names itself, its thread and
/// its stack, and aborts. Always allowed besides: rt_sigreturn, exit, exit_group, and what the
/// harness itself writes.
///
///   const SeccompAllow allow(kSystemCallsAfterStart);
///
/// The filter stays until the case's process ends; after the object's death the calls that it traps
/// are repeated by the handler, slowly. Not repeatable are clone, clone3, fork and vfork, which
/// return into a stack that the handler does not have: a later one aborts. With the allocation
/// guard: call AllocationGuard::prepare() before. One object at a time.
class SeccompAllow {
 public:
  using Scope = SystemCallFilter::Scope;

  /// `calling_thread` binds the threads that it creates later, too; `process` also all others.
  explicit SeccompAllow(std::span<const long> allowed, Scope scope = Scope::process) noexcept;
  ~SeccompAllow();
  SeccompAllow(const SeccompAllow&) = delete;
  SeccompAllow& operator=(const SeccompAllow&) = delete;

  /// False under qemu-user, which has no seccomp, and under a sanitizer, whose runtime makes calls
  /// of its own; a line on stderr has said so. A test then says SKIP.
  [[nodiscard]] bool enforced() const noexcept { return enforced_; }

 private:
  bool enforced_ = false;
};

/// What a started executor may call on lanes that watch no descriptors.
extern const std::span<const long> kSystemCallsAfterStart;

/// The same on lanes that watch some.
extern const std::span<const long> kSystemCallsOfWatchingLanes;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_SECCOMP_ALLOW_H_
