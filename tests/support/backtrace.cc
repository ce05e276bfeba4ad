// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/backtrace.h"

#include <execinfo.h>
#include <link.h>
#include <unistd.h>

#include <cstddef>

#include "takt/tests/support/message.h"
#include "takt/tests/support/system_call_gate.h"

namespace takt::test {

namespace {

constexpr int kFrames = 48;

int save_load_address(dl_phdr_info* info, std::size_t /*size*/, void* address) {
  *static_cast<ElfW(Addr)*>(address) = info->dlpi_addr;
  return 1;  // the program itself comes first
}

}  // namespace

void prepare_backtrace() noexcept {
  void* frame[1];
  backtrace(frame, 1);
}

void write_backtrace() noexcept {
  void* frames[kFrames];
  const int count = backtrace(frames, kFrames);
  backtrace_symbols_fd(frames, count, STDERR_FILENO);
  ElfW(Addr) load_address = 0;
  dl_iterate_phdr(save_load_address, &load_address);
  Message text;
  text.format("(program loaded at 0x%zx)\n", static_cast<std::size_t>(load_address));
  gate_write(STDERR_FILENO, text.view());
}

}  // namespace takt::test
