// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_DESCRIPTOR_COUNT_H_
#define TAKT_PLATFORM_DESCRIPTOR_COUNT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "takt/platform/result.h"

namespace takt::inline v0::platform {

/// The open descriptors of this process.
struct DescriptorCount {
  std::uint32_t open = 0;     ///< all of them, but the one that counts
  std::uint32_t sockets = 0;  ///< of these
};

/// Further descriptors are not counted: what a call costs has a bound.
inline constexpr std::uint32_t kMaxCountedDescriptors = 4096;

/// Counts the entries of `proc_root`/self/fd; those that come and go meanwhile count or do not.
/// Blocks: until the kernel listed them. Bound: two system calls a descriptor, at most
/// kMaxCountedDescriptors of them. Needs up to 2 KiB of stack. Callable from: any thread.
/// Errors: those of open(2), getdents64(2) (not_found: no such directory), and resource_exhausted
/// (EMFILE) where no descriptor is left to count with.
Result<DescriptorCount> count_descriptors(const char* proc_root = "/proc") noexcept;

/// Takes the name of the first entry off what getdents64(2) wrote: false at the end, and at an
/// entry that does not fit into the rest. Blocks: no. Bound: O(length of the name). Callable from:
/// anywhere.
bool take_directory_entry(std::span<const std::byte>& entries, std::string_view& name) noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_DESCRIPTOR_COUNT_H_
