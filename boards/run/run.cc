// SPDX-License-Identifier: Apache-2.0
// boards/takt run: executes a described task set and reports what it held. See README.md.
#include <fcntl.h>

#include <cerrno>
#include <cstddef>
#include <span>

#include "takt/boards/run/program.h"

namespace {

/// Where a standard descriptor was closed, the next file would take its place and be written to by
/// mistake: something stands there from now on that refuses to be read, or written.
void hold_standard_descriptors() noexcept {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    static_cast<void>(::open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY));
  }
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
  return takt::run::run_program(arguments.subspan(arguments.empty() ? 0 : 1));
}
