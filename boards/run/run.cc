// SPDX-License-Identifier: Apache-2.0
// boards/takt run: executes a described task set and reports what it held. See README.md.
#include <cstddef>
#include <span>

#include "takt/boards/run/program.h"

int main(int argc, char** argv) {
  const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
  return takt::run::run_program(arguments.subspan(arguments.empty() ? 0 : 1));
}
