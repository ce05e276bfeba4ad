// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_THREAD_SANITIZER_H_
#define TAKT_PLATFORM_THREAD_SANITIZER_H_

/// Whether ThreadSanitizer is compiled in: the one of GCC 12 and clang 14 does not know glibc's
/// newer calls, which are then made in an older form. Private to platform/.
#if defined(__SANITIZE_THREAD__)
#define TAKT_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TAKT_THREAD_SANITIZER 1
#endif
#endif
#ifndef TAKT_THREAD_SANITIZER
#define TAKT_THREAD_SANITIZER 0
#endif

#endif  // TAKT_PLATFORM_THREAD_SANITIZER_H_
