// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_STRESS_STEPS_H_
#define TAKT_TESTS_STRESS_STEPS_H_

#include <cstdint>

#include "takt/tests/support/report.h"

namespace takt::test {

/// How many steps a stress test makes here: `native` on the plain build, fewer where each is slower
/// (sanitizers, emulators), so that it takes about as long everywhere.
inline std::uint32_t steps(std::uint32_t native) noexcept {
  return static_cast<std::uint32_t>(native / time_scale());
}

}  // namespace takt::test

#endif  // TAKT_TESTS_STRESS_STEPS_H_
