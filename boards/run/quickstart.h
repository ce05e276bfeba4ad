// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_QUICKSTART_H_
#define TAKT_BOARDS_RUN_QUICKSTART_H_

#include <string_view>

namespace takt::run {

/// boards/workloads/quickstart.json, compiled in: the program runs alone on a board.
extern const std::string_view kQuickstart;
inline constexpr const char* kQuickstartFile = "boards/workloads/quickstart.json";

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_QUICKSTART_H_
