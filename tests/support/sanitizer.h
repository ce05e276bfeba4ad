// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_SANITIZER_H_
#define TAKT_TESTS_SUPPORT_SANITIZER_H_

// Which sanitizer this is compiled for; g++ defines macros, clang++ answers __has_feature.
#ifndef __has_feature
#define __has_feature(feature) 0
#endif

namespace takt::test {

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

/// Its runtime brings malloc and makes system calls of its own. (The undefined-behaviour sanitizer
/// does neither.)
inline constexpr bool kSanitizerRuntime = kAddressSanitizer || kThreadSanitizer;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_SANITIZER_H_
