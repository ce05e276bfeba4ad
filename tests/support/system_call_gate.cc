// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/system_call_gate.h"

#include <sys/syscall.h>

#include <cerrno>

// long takt_test_gate(long number, const long* arguments): in assembler, because the address of
// the instruction after the call has to be known to the filter.
extern "C" {
[[gnu::visibility("hidden")]] long takt_test_gate(long number, const long* arguments) noexcept;
[[gnu::visibility("hidden")]] extern const char takt_test_gate_return[];  // NOLINT(*-naming)
}

#if defined(__x86_64__) && defined(__LP64__)
asm(R"(
  .pushsection .text
  .hidden takt_test_gate
  .hidden takt_test_gate_return
  .globl takt_test_gate
  .globl takt_test_gate_return
  .type takt_test_gate, @function
takt_test_gate:
  .cfi_startproc
  endbr64
  mov %rdi, %rax
  mov %rsi, %r11
  mov (%r11), %rdi
  mov 8(%r11), %rsi
  mov 16(%r11), %rdx
  mov 24(%r11), %r10
  mov 32(%r11), %r8
  mov 40(%r11), %r9
  syscall
takt_test_gate_return:
  ret
  .cfi_endproc
  .size takt_test_gate, .-takt_test_gate
  .popsection
)");
#elif defined(__aarch64__)
asm(R"(
  .pushsection .text
  .hidden takt_test_gate
  .hidden takt_test_gate_return
  .globl takt_test_gate
  .globl takt_test_gate_return
  .type takt_test_gate, %function
  .balign 4
takt_test_gate:
  .cfi_startproc
  mov x8, x0
  mov x9, x1
  ldp x0, x1, [x9]
  ldp x2, x3, [x9, #16]
  ldp x4, x5, [x9, #32]
  svc #0
takt_test_gate_return:
  ret
  .cfi_endproc
  .size takt_test_gate, .-takt_test_gate
  .popsection
)");
#elif defined(__arm__)
asm(R"(
  .pushsection .text
  .syntax unified
  .arm
  .hidden takt_test_gate
  .hidden takt_test_gate_return
  .globl takt_test_gate
  .globl takt_test_gate_return
  .type takt_test_gate, %function
  .balign 4
takt_test_gate:
  .fnstart
  push {r4, r5, r7, lr}
  .save {r4, r5, r7, lr}
  mov r7, r0
  mov r12, r1
  ldm r12, {r0, r1, r2, r3, r4, r5}
  svc #0
takt_test_gate_return:
  pop {r4, r5, r7, pc}
  .fnend
  .size takt_test_gate, .-takt_test_gate
  .popsection
)");
#elif defined(__riscv) && __riscv_xlen == 64
asm(R"(
  .pushsection .text
  .hidden takt_test_gate
  .hidden takt_test_gate_return
  .globl takt_test_gate
  .globl takt_test_gate_return
  .type takt_test_gate, @function
  .balign 4
takt_test_gate:
  .cfi_startproc
  mv a7, a0
  mv t0, a1
  ld a0, 0(t0)
  ld a1, 8(t0)
  ld a2, 16(t0)
  ld a3, 24(t0)
  ld a4, 32(t0)
  ld a5, 40(t0)
  ecall
takt_test_gate_return:
  ret
  .cfi_endproc
  .size takt_test_gate, .-takt_test_gate
  .popsection
)");
#else
#error "the system call gate is not written for this architecture"
#endif

namespace takt::test {

long gate_call(long number, const SystemCallArguments& arguments) noexcept {
  return takt_test_gate(number, arguments.data());
}

std::uint64_t gate_address() noexcept {
  return reinterpret_cast<std::uintptr_t>(takt_test_gate_return);
}

void gate_write(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const long written = gate_call(__NR_write, {descriptor, reinterpret_cast<long>(text.data()),
                                                static_cast<long>(text.size())});
    if (written == -EINTR || written == -EAGAIN) {
      continue;
    }
    if (written <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace takt::test
