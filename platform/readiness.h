// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_READINESS_H_
#define TAKT_PLATFORM_READINESS_H_

#include <cstdint>

#include "takt/platform/version.h"

namespace takt::inline v0 {

/// What a descriptor can be ready for; combined with |. The bits are those of epoll(7).
enum class Readiness : std::uint32_t {
  none = 0,
  readable = 0x1,  ///< bytes or a frame to read, a connection to accept; also the end of the stream
  urgent = 0x2,    ///< out-of-band data; an edge of a GPIO in sysfs
  writable = 0x4,  ///< room to write
  error = 0x8,     ///< an error is pending; reported always, need not be asked for
  hang_up = 0x10,  ///< the other end is gone; reported always, need not be asked for
  peer_closed = 0x2000,  ///< a stream's other end writes no more
};

/// Blocks: no. Bound: O(1). Callable from: anywhere, as the others here.
constexpr Readiness operator|(Readiness left, Readiness right) noexcept {
  return static_cast<Readiness>(static_cast<std::uint32_t>(left) |
                                static_cast<std::uint32_t>(right));
}
constexpr Readiness operator&(Readiness left, Readiness right) noexcept {
  return static_cast<Readiness>(static_cast<std::uint32_t>(left) &
                                static_cast<std::uint32_t>(right));
}
/// All there are.
inline constexpr Readiness kAllReadiness = Readiness::readable | Readiness::urgent |
                                           Readiness::writable | Readiness::error |
                                           Readiness::hang_up | Readiness::peer_closed;
/// Whether any bit of `wanted` is in `ready`.
constexpr bool has(Readiness ready, Readiness wanted) noexcept {
  return (ready & wanted) != Readiness::none;
}

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_READINESS_H_
