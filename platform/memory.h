// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_MEMORY_H_
#define TAKT_PLATFORM_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/platform/status.h"

/// Keeping memory where a deadline needs it: present, and not shared with a fork child.
namespace takt::inline v0::platform {

/// The largest page that kernels of this architecture use. What is locked, guarded or kept from
/// fork children is aligned to it, so that one binary runs on each of them.
#if defined(__aarch64__) || defined(__powerpc64__)
inline constexpr std::size_t kLargestPage = 64 * 1024;
#elif defined(__mips__) || defined(__loongarch__)
inline constexpr std::size_t kLargestPage = 16 * 1024;
#else
inline constexpr std::size_t kLargestPage = 4 * 1024;
#endif

/// The running kernel's page, in bytes. Blocks: no. Callable from: any thread.
std::size_t page_bytes() noexcept;

/// Brings the pages of `memory` in and keeps them until unlock_memory or the end of the process
/// (a fork child does not inherit the lock). Pages without access must not be among them
/// (ENOMEM).
/// Blocks: until every page is there. Bound: O(pages). Callable from: any thread.
/// Errors: resource_exhausted (ENOMEM) beyond RLIMIT_MEMLOCK, or memory that is not accessible;
/// permission_denied (EPERM) that limit is 0; resource_exhausted (EAGAIN) the system could not
/// bring some pages in. Some pages may be locked then.
Status lock_memory(std::span<const std::byte> memory) noexcept;

/// How many bytes the process may lock in all: RLIMIT_MEMLOCK; UINT64_MAX: as many as it likes, or
/// the limit cannot be read. Blocks: no. Callable from: any thread.
std::uint64_t memory_lock_limit() noexcept;

/// Undoes lock_memory; locks do not add up. Blocks: no. Bound: O(pages). Callable from: any thread.
/// Errors: resource_exhausted (ENOMEM) memory that is not mapped.
Status unlock_memory(std::span<const std::byte> memory) noexcept;

/// Locks everything that the process has mapped and will map.
/// Blocks: until every page is there. Callable from: any thread. Errors: as lock_memory.
Status lock_all_memory() noexcept;

/// Makes each page of `memory` present and writable by writing the value that is there, with an
/// atomic operation: other threads may use the memory meanwhile.
/// Blocks: until every page is there. Bound: O(pages). Callable from: any thread.
void prefault(std::span<std::byte> memory) noexcept;

/// A fork child gets no copy of these pages and faults when it touches them. Without it, the parent
/// faults on every locked page that it writes after a fork. `memory` consists of whole pages.
/// Blocks: no. Callable from: any thread. Errors: invalid_argument not whole pages; not mapped.
Status exclude_from_fork(std::span<std::byte> memory) noexcept;

/// Undoes exclude_from_fork, for memory that will be used for something else.
/// Blocks: no. Callable from: any thread. Errors: as there.
Status include_in_fork(std::span<std::byte> memory) noexcept;

/// False when there is no memory at `address`, as in a fork child where exclude_from_fork left it
/// out. Does not touch it. Blocks: no. Callable from: any thread.
bool is_mapped(const void* address) noexcept;

namespace detail {

/// Begins and ends on a page boundary of the running kernel.
bool is_whole_pages(std::span<const std::byte> memory) noexcept;
/// madvise(2); 0 or the errno.
int advise(std::span<std::byte> memory, int advice) noexcept;

}  // namespace detail

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_MEMORY_H_
