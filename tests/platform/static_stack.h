// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_STATIC_STACK_H_
#define TAKT_TESTS_PLATFORM_STATIC_STACK_H_

#include <cstddef>
#include <span>

#include "takt/platform/memory.h"

namespace takt::test {

/// Memory for one thread's stack, as the executor embeds it: guard page and room enough for the
/// thread sanitizer, which puts 800 KiB of thread_local variables on each.
struct StaticStack {
  static constexpr std::size_t kBytes = platform::kLargestPage + 1280 * 1024;

  std::span<std::byte> memory() noexcept { return bytes; }

  alignas(platform::kLargestPage) std::byte bytes[kBytes];
};

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_STATIC_STACK_H_
