// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_OPTIONS_H_
#define TAKT_BOARDS_RUN_OPTIONS_H_

#include <span>

#include "takt/boards/profiles/board_profile.h"
#include "takt/platform/result.h"
#include "takt/platform/time.h"

namespace takt::run {

/// The command line.
struct Options {
  const char* file = nullptr;       ///< null: the quickstart; "-": standard input
  const char* json_file = nullptr;  ///< null: none; "-": standard output
  const char* metrics_file = nullptr;
  const char* trace_file = nullptr;
  const boards::BoardProfile* board = nullptr;  ///< that this machine has to be
  Duration duration{};                          ///< 0: the file's
  bool strict = false;
  bool help = false;
};

/// What --help prints.
extern const char* const kUsage;

/// Reads the arguments after the program's name. The texts of the result are the arguments' own.
/// Errors: invalid_argument names the argument. Blocks: no. Callable from: anywhere.
Result<Options> parse_options(std::span<const char* const> arguments) noexcept;

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_OPTIONS_H_
