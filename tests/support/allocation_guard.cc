// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/allocation_guard.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "takt/tests/support/backtrace.h"
#include "takt/tests/support/crash.h"
#include "takt/tests/support/message.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/system_call_filter.h"
#include "takt/tests/support/system_call_gate.h"
#include "takt/tests/support/system_call_name.h"
#include "takt/tests/support/violation.h"

extern "C" [[gnu::weak]] int __sanitizer_install_malloc_and_free_hooks(  // NOLINT(*-identifier*)
    void (*malloc_hook)(const volatile void*, std::size_t),
    void (*free_hook)(const volatile void*));

namespace takt::test {

namespace {

constexpr long kWatchedCalls[] = {
#ifdef __NR_mmap
    __NR_mmap,
#endif
#ifdef __NR_mmap2
    __NR_mmap2,
#endif
    __NR_mremap,
    __NR_brk,
};

// All of it is usable before constructors have run and without a dynamic TLS block: malloc is
// called that early. Flags have 32 bits: g++ 12 sends smaller read-modify-writes to libatomic on
// riscv64.
constinit std::atomic<unsigned> armed_{0};
constinit std::atomic<unsigned> prepared_{0};
constinit bool watches_system_calls_ = false;
[[gnu::tls_model("initial-exec")]] constinit thread_local int exemptions_ = 0;

constexpr std::string_view kRule = "between arm() and disarm()";

bool begins_violation() noexcept {
  // Whoever disarms reports; the report itself, and other threads until the end, may allocate.
  return exemptions_ == 0 && armed_.exchange(0) != 0;
}

void install_hooks() noexcept {
  if (!kSanitizerRuntime) {
    return;
  }
  if (&__sanitizer_install_malloc_and_free_hooks == nullptr) {
    gate_write(STDERR_FILENO, "AllocationGuard: this sanitizer has no hooks\n");
    abort_quietly();
  }
  __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t size) {
        AllocationGuard::check("malloc or operator new", size);
      },
      [](const volatile void* block) {
        if (block != nullptr) {
          AllocationGuard::check("free or operator delete");
        }
      });
}

void tell_unwatched(const char* why) noexcept {
  Message text;
  text.append("SKIPPED: AllocationGuard does not watch mmap, mremap and brk here: ");
  gate_write(STDERR_FILENO, text.append(why).append('\n').view());
}

}  // namespace

void AllocationGuard::check(const char* call, std::size_t size) noexcept {
  if (armed_.load() != 0 && begins_violation()) {
    Message text;
    text.append("AllocationGuard: ").append(call).append('(');
    if (size != kNoSize) {
      text.append_number(size);
    }
    end_with_violation(text.append(')').view(), kRule);
  }
}

void AllocationGuard::judge_system_call(long number) noexcept {
  if (armed_.load() != 0 && begins_violation()) {
    Message text;
    append_system_call(text.append("AllocationGuard: "), number);
    end_with_violation(text.append("()").view(), kRule);
  }
}

void AllocationGuard::prepare() noexcept {
  if (prepared_.exchange(1) != 0) {
    return;
  }
  prepare_backtrace();
  install_hooks();
  if (kSanitizerRuntime) {
    tell_unwatched("the sanitizer's runtime makes them itself");
    return;
  }
  const int error = SystemCallFilter::install(SystemCallFilter::Owner::allocation_guard,
                                              SystemCallFilter::Listed::are_trapped, kWatchedCalls,
                                              SystemCallFilter::Scope::process, judge_system_call);
  watches_system_calls_ = error == 0;
  if (error != 0) {
    tell_unwatched(std::strerror(error));
  }
}

void AllocationGuard::arm() noexcept {
  prepare();
  armed_.store(1);
}

void AllocationGuard::disarm() noexcept { armed_.store(0); }

bool AllocationGuard::armed() noexcept { return armed_.load() != 0; }

bool AllocationGuard::watches_system_calls() noexcept { return watches_system_calls_; }

AllocationGuard::Exempt::Exempt() noexcept { ++exemptions_; }

AllocationGuard::Exempt::~Exempt() { --exemptions_; }

}  // namespace takt::test
