// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/random.h"

namespace takt::test {

namespace {
std::uint64_t seed_ = 1;
}

std::uint64_t seed() noexcept { return seed_; }

void set_seed(std::uint64_t seed) noexcept { seed_ = seed; }

Random::Random(std::uint64_t stream) noexcept : state_(mix(seed_) ^ mix(~stream)) {}

}  // namespace takt::test
