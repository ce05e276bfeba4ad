// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_VERSION_H_
#define TAKT_PLATFORM_VERSION_H_

#if __cplusplus < 202002L
#error "takt needs C++20: compile with -std=c++20"
#endif

namespace takt::inline v0 {

/// The library's version, semantic versioning (semver.org). The inline namespace carries the major
/// number: two majors can be linked into one program.
inline constexpr int kVersionMajor = 0;
inline constexpr int kVersionMinor = 1;
inline constexpr int kVersionPatch = 0;
inline constexpr const char* kVersion = "0.1.0";

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_VERSION_H_
