// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_FREEZER_H_
#define TAKT_TESTS_EXECUTOR_FREEZER_H_

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "takt/tests/support/test.h"

namespace takt::test {

/// Stops one thread of this process as a debugger does, wherever it is: a process of its own traces
/// it. Construct it before threads are started.
class Freezer {
 public:
  Freezer() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    here_ = ends[0];
    tracer_ = ::fork();
    if (tracer_ == 0) {
      ::close(ends[0]);
      trace(ends[1]);
    }
    ::close(ends[1]);
    ::prctl(PR_SET_PTRACER, tracer_, 0, 0, 0);  // Yama lets only those trace who were named
  }
  /// Lets the thread go on.
  ~Freezer() {
    ::close(here_);
    ::waitpid(tracer_, nullptr, 0);
  }
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;

  /// Returns 0 when the thread of this kernel id stands still, else the errno of who refused it.
  [[nodiscard]] int freeze(pid_t thread) const { return command(thread); }
  /// Lets it go on.
  void thaw() const { EXPECT_EQ(command(0), 0); }

 private:
  int command(pid_t thread) const {
    int answer = EPIPE;
    if (::write(here_, &thread, sizeof thread) != sizeof thread ||
        ::read(here_, &answer, sizeof answer) != sizeof answer) {
      return EPIPE;
    }
    return answer;
  }

  /// The tracer: its end ends the tracing.
  [[noreturn]] static void trace(int commands) {
    pid_t thread = 0;
    pid_t frozen = 0;
    while (::read(commands, &thread, sizeof thread) == sizeof thread) {
      const bool done = thread != 0 ? seize(frozen = thread)
                                    : ::ptrace(PTRACE_DETACH, frozen, nullptr, nullptr) == 0;
      const int answer = done ? 0 : errno;
      if (::write(commands, &answer, sizeof answer) != sizeof answer) break;
    }
    ::_exit(0);
  }
  static bool seize(pid_t thread) {
    return ::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0 &&
           ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 &&
           ::waitpid(thread, nullptr, __WALL) == thread;
  }

  int here_ = -1;
  pid_t tracer_ = -1;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_FREEZER_H_
