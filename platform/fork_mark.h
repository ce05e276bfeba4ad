// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_FORK_MARK_H_
#define TAKT_PLATFORM_FORK_MARK_H_

#include <cstdint>

#include "takt/platform/thread_id.h"

namespace takt::inline v0::platform {

/// A member by which an object learns, in its destructor above all, that it is only a fork child's
/// copy of the real one, or not even that: exclude_from_fork may have left its memory out. All bits
/// zero in a process that was not forked.
class ForkMark {
 public:
  constexpr ForkMark() noexcept = default;
  /// The mark of an object that comes to life in the calling process.
  /// Blocks: no. Bound: wait-free. Callable from: any thread.
  static ForkMark here() noexcept { return ForkMark(fork_generation()); }

  /// True in fork children of the marked process. Reads the mark only if its memory is there.
  /// Blocks: no. Bound: one load; in forked processes a system call more.
  /// Callable from: any thread.
  bool in_child() const noexcept;
  /// Whether this process is the marked one. Of an object whose memory is there: no system call in
  /// any process. Blocks: no. Bound: one load. Callable from: any thread.
  bool is_here() const noexcept { return generation_ == fork_generation(); }

 private:
  explicit constexpr ForkMark(std::uint32_t generation) noexcept : generation_(generation) {}

  std::uint32_t generation_ = 0;
};

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_FORK_MARK_H_
