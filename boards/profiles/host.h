// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_PROFILES_HOST_H_
#define TAKT_BOARDS_PROFILES_HOST_H_

#include "takt/boards/profiles/board_profile.h"

namespace takt::boards {

/// The machine that one develops on: nothing is known of it but that it has a CPU.
inline constexpr BoardProfile kHost{
    .name = "host", .cache_line_bytes = 0, .housekeeping = CpuSet::of(0)};

}  // namespace takt::boards

#endif  // TAKT_BOARDS_PROFILES_HOST_H_
