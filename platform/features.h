// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_FEATURES_H_
#define TAKT_PLATFORM_FEATURES_H_

#include <cstdint>
#include <string_view>

namespace takt::inline v0::platform {

/// What the running kernel offers beyond the oldest one that takt works on.
struct Features {
  /// "6.1.0-28-arm64", null-terminated; empty when the kernel did not tell.
  char kernel_release[65] = {};
  std::uint32_t kernel_major = 0;
  std::uint32_t kernel_minor = 0;
  /// FUTEX_LOCK_PI2 (5.14): timed PI locks go by the monotonic clock. Without it they go by the
  /// wall clock, and setting that clock back prolongs a wait by as much.
  bool lock_pi2 = false;
  /// PI futexes at all; a few old 32-bit kernels lack them (ENOSYS).
  bool pi_futex = false;
  /// Futex and sleep calls with 64-bit time: 5.1 on 32-bit machines, always on 64-bit ones.
  bool time64 = false;
  /// membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) (4.14).
  bool membarrier = false;
};

/// Asks the kernel anew. Allocates nothing. Blocks: no. Callable from: any thread.
Features probe_features() noexcept;

/// The answers of the first call, which probes; later ones only read.
/// Blocks: the first call, and calls during it, until the probe is done (a few microseconds).
/// Callable from: any thread. Call it once before the system calls are restricted.
const Features& features() noexcept;

/// Reads "MAJOR.MINOR" at the head of a kernel release; false, and nothing written, when there is
/// none. Blocks: no. Callable from: anywhere.
bool parse_kernel_release(std::string_view release, std::uint32_t& major,
                          std::uint32_t& minor) noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_FEATURES_H_
