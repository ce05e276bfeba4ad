// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_LIMITS_H_
#define TAKT_TESTS_MODEL_LIMITS_H_

#include <cstddef>

/// Capacities of the checker. Reaching one ends the execution as truncated, which fails the model:
/// nothing is ever dropped in silence.
namespace takt::model {

inline constexpr int kMaxThreads = 8;   ///< the model's main thread included
inline constexpr int kMain = 0;         ///< index of the thread that runs the model's body
inline constexpr int kMaxEvents = 192;  ///< sequentially consistent operations of one execution
inline constexpr int kMaxLocations = 1024;
inline constexpr int kMaxStores = 4096;
inline constexpr int kMaxCandidates = 32;  ///< stores that one load may choose from
inline constexpr std::size_t kMaxChoices = 1 << 16;
inline constexpr int kMaxSites = 1024;
inline constexpr std::size_t kStackBytes = 256 * 1024;

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_LIMITS_H_
