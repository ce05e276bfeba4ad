// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_KERNEL_COUNT_H_
#define TAKT_PLATFORM_KERNEL_COUNT_H_

#include <concepts>
#include <cstdint>
#include <type_traits>

/// Private to platform/.
namespace takt::inline v0::platform::detail {

/// A count of getrusage(2). The kernel's is unsigned and as wide as a long: where that has 32 bits
/// the call shows its upper half as negative. So it begins anew at 2^32 there, and is never below
/// 0.
template <std::signed_integral Shown>
constexpr std::uint64_t kernel_count(Shown count) noexcept {
  return static_cast<std::make_unsigned_t<Shown>>(count);
}

}  // namespace takt::inline v0::platform::detail

#endif  // TAKT_PLATFORM_KERNEL_COUNT_H_
