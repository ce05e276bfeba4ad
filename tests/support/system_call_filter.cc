// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/system_call_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "takt/tests/support/system_call_gate.h"

namespace takt::test {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#elif defined(__arm__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_ARM;
#elif defined(__riscv)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_RISCV64;
#endif

// Not in glibc's headers: siginfo's si_code of a trapped system call.
constexpr int kTrappedBySeccomp = 1;

std::atomic<SystemCallFilter::Judge> judges_[3];
std::atomic<bool> standing_down_{false};

/// The registers of the trapped call; the kernel has put back those that it had overwritten.
SystemCallArguments arguments_of(const ucontext_t& context) noexcept {
#if defined(__x86_64__)
  const greg_t* registers = context.uc_mcontext.gregs;
  return {static_cast<long>(registers[REG_RDI]), static_cast<long>(registers[REG_RSI]),
          static_cast<long>(registers[REG_RDX]), static_cast<long>(registers[REG_R10]),
          static_cast<long>(registers[REG_R8]),  static_cast<long>(registers[REG_R9])};
#elif defined(__aarch64__)
  const auto* registers = context.uc_mcontext.regs;
  SystemCallArguments arguments;
  for (std::size_t index = 0; index < arguments.size(); ++index) {
    arguments[index] = static_cast<long>(registers[index]);
  }
  return arguments;
#elif defined(__arm__)
  const mcontext_t& registers = context.uc_mcontext;
  return {static_cast<long>(registers.arm_r0), static_cast<long>(registers.arm_r1),
          static_cast<long>(registers.arm_r2), static_cast<long>(registers.arm_r3),
          static_cast<long>(registers.arm_r4), static_cast<long>(registers.arm_r5)};
#elif defined(__riscv)
  const auto* registers = context.uc_mcontext.__gregs;
  SystemCallArguments arguments;
  for (std::size_t index = 0; index < arguments.size(); ++index) {
    arguments[index] = static_cast<long>(registers[REG_A0 + index]);
  }
  return arguments;
#endif
}

void set_result(ucontext_t& context, long result) noexcept {
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RAX] = result;
#elif defined(__aarch64__)
  context.uc_mcontext.regs[0] = static_cast<unsigned long long>(result);
#elif defined(__arm__)
  context.uc_mcontext.arm_r0 = static_cast<unsigned long>(result);
#elif defined(__riscv)
  context.uc_mcontext.__gregs[REG_A0] = static_cast<unsigned long>(result);
#endif
}

void on_trap(int /*signal*/, siginfo_t* information, void* context) {
  if (information->si_code != kTrappedBySeccomp) {
    return;
  }
  const int saved_errno = errno;
  const auto owner = static_cast<std::size_t>(information->si_errno);
  const long number = information->si_syscall;
  if (const SystemCallFilter::Judge judge = judges_[owner].load();
      judge != nullptr && !standing_down_.load()) {
    judge(number);
  }
  auto& machine = *static_cast<ucontext_t*>(context);
  const long result = gate_call(number, arguments_of(machine));
  set_result(machine, result);
  errno = saved_errno;
}

int install_handler() noexcept {
  struct sigaction action {};
  action.sa_sigaction = on_trap;
  // NODEFER: what the judge itself calls, to report and abort, may be trapped in its turn.
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_NODEFER | SA_ONSTACK);
  return sigaction(SIGSYS, &action, nullptr) == 0 ? 0 : errno;
}

/// Of fixed size: a filter may be installed while the allocation guard is armed.
class Program {
 public:
  void add(const sock_filter& instruction) noexcept {
    if (size_ < kCapacity) {
      instructions_[size_] = instruction;
    }
    ++size_;
  }
  [[nodiscard]] bool complete() const noexcept { return size_ <= kCapacity; }
  [[nodiscard]] sock_fprog view() noexcept {
    return {static_cast<unsigned short>(size_), instructions_};
  }

 private:
  static constexpr std::size_t kCapacity = 512;

  sock_filter instructions_[kCapacity];
  std::size_t size_ = 0;
};

void write_program(SystemCallFilter::Owner owner, SystemCallFilter::Listed listed,
                   std::span<const long> numbers, Program& program) noexcept {
  const std::uint32_t trap = SECCOMP_RET_TRAP | static_cast<std::uint32_t>(owner);
  const std::uint32_t allow = SECCOMP_RET_ALLOW;
  const bool trap_listed = listed == SystemCallFilter::Listed::are_trapped;
  const std::uint64_t gate = gate_address();
  const auto load = [](std::size_t offset) {
    return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  };
  const auto unless_equal_skip = [](std::uint32_t value, std::uint8_t count) {
    return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
  };
  const auto if_equal_skip = [](std::uint32_t value, std::uint8_t count) {
    return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0);
  };
  const auto answer = [](std::uint32_t action) {
    return sock_filter BPF_STMT(BPF_RET | BPF_K, action);
  };
  const std::size_t address = offsetof(seccomp_data, instruction_pointer);
  program.add(load(address));  // its low half comes first: all our machines are little-endian
  program.add(unless_equal_skip(static_cast<std::uint32_t>(gate), 3));
  program.add(load(address + 4));
  program.add(unless_equal_skip(static_cast<std::uint32_t>(gate >> 32), 1));
  program.add(answer(allow));
  program.add(load(offsetof(seccomp_data, arch)));
  program.add(if_equal_skip(kArchitecture, 1));
  program.add(answer(allow));  // calls of another architecture have other numbers
  program.add(load(offsetof(seccomp_data, nr)));
  for (const long number : numbers) {
    program.add(unless_equal_skip(static_cast<std::uint32_t>(number), 1));
    program.add(answer(trap_listed ? trap : allow));
  }
  program.add(answer(trap_listed ? allow : trap));
}

}  // namespace

int SystemCallFilter::install(Owner owner, Listed listed, std::span<const long> numbers,
                              Scope scope, Judge judge) noexcept {
  Program written;
  write_program(owner, listed, numbers, written);
  if (!written.complete()) {
    return E2BIG;
  }
  const sock_fprog program = written.view();
  judges_[static_cast<std::size_t>(owner)].store(judge);
  if (const int error = install_handler(); error != 0) {
    return error;
  }
  const long no_new_privileges = gate_call(__NR_prctl, {PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0});
  if (no_new_privileges < 0) {
    return static_cast<int>(-no_new_privileges);
  }
  const long flags = scope == Scope::process ? SECCOMP_FILTER_FLAG_TSYNC : 0;
  const long result = gate_call(
      __NR_seccomp, {SECCOMP_SET_MODE_FILTER, flags, reinterpret_cast<long>(&program), 0, 0, 0});
  // With TSYNC a positive result is the thread that could not be given the filter.
  return result < 0 ? static_cast<int>(-result) : result > 0 ? ESRCH : 0;
}

void SystemCallFilter::stand_down() noexcept { standing_down_.store(true); }

}  // namespace takt::test
