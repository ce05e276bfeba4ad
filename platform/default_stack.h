// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_DEFAULT_STACK_H_
#define TAKT_PLATFORM_DEFAULT_STACK_H_

#include <cstddef>

namespace takt::inline v0 {

/// The stack of a thread of takt's unless its limits say otherwise. ThreadSanitizer keeps 800 KB of
/// its own at the top of each stack; glibc refuses stacks below PTHREAD_STACK_MIN, which is 128 KiB
/// on arm64, and takes its own part (thread_local variables) out of it.
#if defined(__aarch64__) || defined(__powerpc64__) || defined(__loongarch__)
inline constexpr std::size_t kPlainStackBytes = 192 * 1024;
#else
inline constexpr std::size_t kPlainStackBytes = 64 * 1024;
#endif
#if defined(__SANITIZE_THREAD__)
inline constexpr std::size_t kDefaultStackBytes = 1024 * 1024;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr std::size_t kDefaultStackBytes = 1024 * 1024;
#else
inline constexpr std::size_t kDefaultStackBytes = kPlainStackBytes;
#endif
#else
inline constexpr std::size_t kDefaultStackBytes = kPlainStackBytes;
#endif

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_DEFAULT_STACK_H_
