// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace takt::run {
namespace {

/// What the parent process has had ignored stays so: nohup, and jobs in the background.
sigset_t interrupting_signals() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) ::sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Interrupt::~Interrupt() {
  if (signals_ >= 0) ::close(signals_);
}

Status Interrupt::open() noexcept {
  const sigset_t set = interrupting_signals();
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) return Status::from_errno(errno, "signalfd");
  const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return error == 0 ? Status() : Status::from_errno(error, "pthread_sigmask");
}

Interrupt::Event Interrupt::wait_until(TimePoint deadline, int descriptor) noexcept {
  for (;;) {
    timespec left{};
    if (deadline != kNever) {
      const Duration duration = deadline - now();
      if (duration <= Duration::zero()) return Event::deadline;
      left.tv_sec = static_cast<time_t>(duration.count() / kNanosecondsPerSecond);
      left.tv_nsec = static_cast<long>(duration.count() % kNanosecondsPerSecond);
    }
    pollfd descriptors[] = {{.fd = signals_, .events = POLLIN, .revents = 0},
                            {.fd = descriptor, .events = POLLIN, .revents = 0}};
    const int ready = ::ppoll(descriptors, 2, deadline == kNever ? nullptr : &left, nullptr);
    if (ready <= 0) continue;  // the time is over, or a stray signal
    if (descriptors[0].revents != 0) {
      // The default disposition again: the next Ctrl-C is for who has no patience. This one is
      // taken out of the queue first.
      signalfd_siginfo signal{};
      [[maybe_unused]] const ssize_t bytes = ::read(signals_, &signal, sizeof signal);
      const sigset_t set = interrupting_signals();
      ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
      return Event::interrupted;
    }
    return Event::descriptor;
  }
}

}  // namespace takt::run
