// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/seccomp_allow.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>

#include "takt/tests/support/backtrace.h"
#include "takt/tests/support/message.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/system_call_gate.h"
#include "takt/tests/support/system_call_name.h"
#include "takt/tests/support/violation.h"

namespace takt::test {

namespace {

// Which of these exist, and which the C library uses, depends on the architecture.
#define TAKT_CALLS_AFTER_START \
  __NR_futex, __NR_clock_nanosleep, __NR_clock_gettime, __NR_restart_syscall, __NR_rt_sigprocmask
#if defined(__NR_futex_time64) && defined(__NR_clock_gettime64)
#define TAKT_CALLS_AFTER_START_TIME64 \
  , __NR_futex_time64, __NR_clock_nanosleep_time64, __NR_clock_gettime64
#else
#define TAKT_CALLS_AFTER_START_TIME64
#endif
#ifdef __NR_epoll_wait
#define TAKT_EPOLL_WAIT , __NR_epoll_wait
#else
#define TAKT_EPOLL_WAIT
#endif

constexpr long kAfterStart[] = {TAKT_CALLS_AFTER_START TAKT_CALLS_AFTER_START_TIME64};
constexpr long kWatching[] = {TAKT_CALLS_AFTER_START TAKT_CALLS_AFTER_START_TIME64 TAKT_EPOLL_WAIT,
                              __NR_epoll_ctl,
                              __NR_epoll_pwait,
#ifdef __NR_epoll_pwait2
                              __NR_epoll_pwait2,
#endif
                              __NR_read,
                              __NR_write};

constexpr long kAlwaysAllowed[] = {__NR_rt_sigreturn, __NR_exit, __NR_exit_group};

constexpr long kNotRepeatable[] = {
    __NR_clone,
#ifdef __NR_clone3
    __NR_clone3,
#endif
#ifdef __NR_fork
    __NR_fork,
    __NR_vfork,
#endif
};

std::atomic<bool> enforcing_{false};

void judge(long number) noexcept {
  const bool repeatable = std::find(std::begin(kNotRepeatable), std::end(kNotRepeatable), number) ==
                          std::end(kNotRepeatable);
  if (!enforcing_.load() && repeatable) {
    return;
  }
  Message text;
  append_system_call(text.append("SeccompAllow: "), number);
  end_with_violation(text.append("()").view(), "is not allowed");
}

}  // namespace

constinit const std::span<const long> kSystemCallsAfterStart(kAfterStart);
constinit const std::span<const long> kSystemCallsOfWatchingLanes(kWatching);

SeccompAllow::SeccompAllow(std::span<const long> allowed, Scope scope) noexcept {
  const char* obstacle = "the sanitizer's runtime makes calls of its own";
  if (!kSanitizerRuntime) {
    prepare_backtrace();
    long numbers[200];
    const std::size_t count =
        std::min(allowed.size(), std::size(numbers) - std::size(kAlwaysAllowed));
    long* const end = std::copy_n(allowed.begin(), count, numbers);
    std::copy(std::begin(kAlwaysAllowed), std::end(kAlwaysAllowed), end);
    enforcing_.store(true);
    const int error = SystemCallFilter::install(
        SystemCallFilter::Owner::allow_list, SystemCallFilter::Listed::are_let_through,
        std::span(numbers, count + std::size(kAlwaysAllowed)), scope, judge);
    enforced_ = error == 0;
    obstacle = std::strerror(error);
  }
  if (!enforced_) {
    enforcing_.store(false);
    Message text;
    text.append("SKIPPED: SeccompAllow is not enforced here: ").append(obstacle).append('\n');
    gate_write(STDERR_FILENO, text.view());
  }
}

SeccompAllow::~SeccompAllow() { enforcing_.store(false); }

}  // namespace takt::test
