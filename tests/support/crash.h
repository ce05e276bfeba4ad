// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_CRASH_H_
#define TAKT_TESTS_SUPPORT_CRASH_H_

namespace takt::test {

/// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT print the signal, the thread's name and
/// its stack before they end the process as they would have. A signal that already has a handler (a
/// sanitizer's) keeps it.
void install_crash_handlers() noexcept;

/// The signal's name without SIG, for example "SEGV". Callable from: anywhere.
const char* signal_name(int signal) noexcept;

/// Ends the process by SIGABRT without a second backtrace, whatever handler or mask is in place.
/// Callable from: any thread, signal handlers included.
[[noreturn]] void abort_quietly() noexcept;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_CRASH_H_
