// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_EMULATION_H_
#define TAKT_TESTS_PLATFORM_EMULATION_H_

#include <sys/prctl.h>

namespace takt::test {

/// True under qemu-user, which has no seccomp, not even the question for it. It also keeps signal
/// masks to itself, takes page faults of its own and turns most of madvise into nothing.
inline bool is_emulated() noexcept { return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0; }

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_EMULATION_H_
