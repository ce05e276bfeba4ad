// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "takt/platform/check.h"
#include "takt/tests/model/limits.h"

#if defined(__x86_64__)

extern "C" {
void takt_model_switch(void** save, void* load);
void takt_model_start();
}

// System V: rbx, rbp and r12 to r15 belong to the caller, everything else is lost over a call.
asm(R"(
        .text
        .globl takt_model_switch
        .type takt_model_switch, @function
takt_model_switch:
        pushq %rbp
        pushq %rbx
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        movq %rsp, (%rdi)
        movq %rsi, %rsp
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbx
        popq %rbp
        ret
        .size takt_model_switch, . - takt_model_switch
        .globl takt_model_start
        .type takt_model_start, @function
takt_model_start:
        movq %r13, %rdi
        callq *%r12
        ud2
        .size takt_model_start, . - takt_model_start
)");

#endif

namespace takt::model {

Fiber::~Fiber() {
  if (map_ != nullptr) ::munmap(map_, map_bytes_);
}

void Fiber::prepare(Entry entry, void* argument) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (map_ == nullptr) {
    map_bytes_ = kStackBytes + page;
    void* map = ::mmap(nullptr, map_bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    TAKT_CHECK(map != MAP_FAILED, "no memory for a model thread's stack");
    map_ = static_cast<char*>(map);
    TAKT_CHECK(::mprotect(map_, page, PROT_NONE) == 0, "no guard page");
  }
#if defined(__x86_64__)
  void** top = reinterpret_cast<void**>(map_ + map_bytes_);
  *--top = nullptr;  // keeps the stack aligned to 16 at takt_model_start's call
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(&takt_model_start);
  *--top = nullptr;                         // rbp: ends a debugger's walk
  *--top = nullptr;                         // rbx
  *--top = reinterpret_cast<void*>(entry);  // r12
  *--top = argument;                        // r13
  *--top = nullptr;                         // r14
  *--top = nullptr;                         // r15
  stack_pointer_ = top;
#else
  ::getcontext(&context_);
  context_.uc_stack.ss_sp = map_ + page;
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  // makecontext passes ints only: the two pointers travel in halves.
  const auto first = reinterpret_cast<std::uintptr_t>(entry);
  const auto second = reinterpret_cast<std::uintptr_t>(argument);
  void (*start)(unsigned, unsigned, unsigned, unsigned) = [](unsigned a, unsigned b, unsigned c,
                                                             unsigned d) {
    const auto join = [](unsigned low, unsigned high) {
      return static_cast<std::uintptr_t>(std::uint64_t{low} | std::uint64_t{high} << 32);
    };
    reinterpret_cast<Entry>(join(a, b))(reinterpret_cast<void*>(join(c, d)));
  };
  const auto low = [](std::uint64_t value) { return static_cast<unsigned>(value); };
  const auto high = [](std::uint64_t value) { return static_cast<unsigned>(value >> 32); };
  ::makecontext(&context_, reinterpret_cast<void (*)()>(start), 4, low(first), high(first),
                low(second), high(second));
#endif
}

void Fiber::transfer(Fiber& from, Fiber& to) {
#if defined(__x86_64__)
  takt_model_switch(&from.stack_pointer_, to.stack_pointer_);
#else
  ::swapcontext(&from.context_, &to.context_);
#endif
}

}  // namespace takt::model
