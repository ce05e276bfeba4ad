// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_PROGRAM_H_
#define TAKT_BOARDS_RUN_PROGRAM_H_

#include <span>

namespace takt::run {

/// The whole program but its main(): reads the command line (without the program's name) and the
/// file, executes it, reports. Returns the exit status. Once in a process: its memory is static.
/// Blocks: until the run is over. Callable from: the process's first thread, before any other.
int run_program(std::span<const char* const> arguments) noexcept;

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_PROGRAM_H_
