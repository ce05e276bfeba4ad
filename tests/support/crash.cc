// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/crash.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "takt/tests/support/backtrace.h"
#include "takt/tests/support/message.h"
#include "takt/tests/support/system_call_gate.h"

namespace takt::test {

namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// For the main thread; a stack overflow elsewhere ends the process without this report.
alignas(16) char alternate_stack_[64 * 1024];

void on_crash(int signal, siginfo_t* information, void* /*context*/) {
  char name[16] = {};
  prctl(PR_GET_NAME, name);
  Message text;
  text.format("thread '%s' got SIG%s", name, signal_name(signal));
  if (signal != SIGABRT) {
    text.format(" at address %p", information->si_addr);
  }
  gate_write(STDERR_FILENO, text.append('\n').view());
  write_backtrace();
  // SA_RESETHAND: the signal, blocked until this returns, now ends the process.
  raise(signal);
}

}  // namespace

const char* signal_name(int signal) noexcept {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? name : "RT";
}

void install_crash_handlers() noexcept {
  prepare_backtrace();
  stack_t stack{};
  stack.ss_sp = alternate_stack_;
  stack.ss_size = sizeof alternate_stack_;
  sigaltstack(&stack, nullptr);
  for (const int signal : kSignals) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
        action.sa_handler == SIG_DFL) {
      action.sa_sigaction = on_crash;
      action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
      sigaction(signal, &action, nullptr);
    }
  }
}

void abort_quietly() noexcept {
  signal(SIGABRT, SIG_DFL);
  sigset_t abort_signal;
  sigemptyset(&abort_signal);
  sigaddset(&abort_signal, SIGABRT);
  pthread_sigmask(SIG_UNBLOCK, &abort_signal, nullptr);
  std::abort();
}

}  // namespace takt::test
