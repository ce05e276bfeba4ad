// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SIZE_RAM_H_
#define TAKT_TESTS_SIZE_RAM_H_

#include <cstddef>

namespace takt::test {

/// Leaves the number in the program's symbol table as the value of `takt_ram_bytes`, where
/// report.sh finds it without running the program. Once a program.
template <std::size_t kBytes>
[[gnu::noinline]] void report_ram() {
  asm volatile(".globl takt_ram_bytes\n.set takt_ram_bytes, %c0" ::"i"(kBytes));
}

}  // namespace takt::test

#endif  // TAKT_TESTS_SIZE_RAM_H_
