// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_STACK_H_
#define TAKT_PLATFORM_STACK_H_

#include <cstddef>
#include <span>

#include "takt/platform/memory.h"
#include "takt/platform/status.h"

/// A thread's stack in static memory. The memory given to each function is the same whole span,
/// aligned to kLargestPage, a multiple of it long, of which the lowest page becomes the guard:
///
///     low                                                                              high
///     | guard: read only | painted, never touched | touched at some time, now or earlier |
///     |<- page_bytes() ->|                        |<-------- stack_high_water() -------->|
///
/// The highest bytes are glibc's own: the thread's descriptor and its thread_local variables. In a
/// fork child, fork() itself walks over the descriptors of all threads: their pages must be copied,
/// and MADV_DONTFORK for a whole stack would let every fork crash. So Thread::start, which learns
/// where the descriptor lies, excludes what is below it.
namespace takt::inline v0::platform {

/// Guards the lowest page, keeps the stack free of huge pages (a collapse would stall the thread)
/// and paints it. Repeatable while no thread runs on it; paints anew then.
/// To lock it, lock usable_stack(memory).
/// Blocks: no. Bound: O(bytes). Callable from: one thread at a time.
/// Errors: invalid_argument not aligned, not whole pages or only one; those of mprotect(2) (ENOMEM:
/// too many mappings, vm.max_map_count) and madvise(2).
Status prepare_stack(std::span<std::byte> memory) noexcept;

/// Undoes prepare_stack and the exclusion from fork children, for memory that will be used for
/// something else; the content is lost.
/// Blocks: no. Callable from: one thread, after the join. Errors: as there.
Status release_stack(std::span<std::byte> memory) noexcept;

/// The part above the guard: what the thread may use and what may be locked.
/// Blocks: no. Callable from: any thread.
std::span<std::byte> usable_stack(std::span<std::byte> memory) noexcept;

/// How many bytes at the high end were ever touched since prepare_stack; a function whose frame
/// has holes may have reached a little deeper. Safe while the thread runs.
/// Blocks: no. Bound: O(untouched bytes). Callable from: any thread.
std::size_t stack_high_water(std::span<const std::byte> memory) noexcept;

/// What a stack must offer above its guard so that a thread can be started that does nothing: the
/// system's minimum (it grows with the registers that a signal frame holds) plus the program's
/// thread_local variables. Read at run time, because both depend on machine and program.
/// Blocks: while a library is being loaded. Callable from: any thread.
std::size_t minimum_stack_bytes() noexcept;

namespace detail {

/// Keeps from fork children what lies below the page of `descriptor`. 0 or the errno.
int exclude_stack_from_fork(std::span<std::byte> memory, const void* descriptor) noexcept;

}  // namespace detail

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_STACK_H_
