// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace takt::test {

bool ChildOutcome::exited_with(int status) const noexcept {
  return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == status;
}

bool ChildOutcome::killed_by(int signal) const noexcept {
  return WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == signal;
}

namespace detail {

namespace {

[[noreturn]] void be_child(int output, pid_t parent, void (*call)(const void*),
                           const void* statement) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(1);
  }
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  // A child's abort is mostly wanted: no backtrace of it, which would bury its last words.
  signal(SIGABRT, SIG_DFL);
  call(statement);
  std::fflush(nullptr);
  _exit(0);
}

}  // namespace

ChildOutcome run_in_child(void (*call)(const void*), const void* statement) noexcept {
  ChildOutcome outcome;
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) {
    add_failure(__FILE__, __LINE__, "pipe2: %s", std::strerror(errno));
    return outcome;
  }
  std::fflush(nullptr);  // else the child prints what is still buffered a second time
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    be_child(output[1], parent, call, statement);
  }
  close(output[1]);
  if (child < 0) {
    add_failure(__FILE__, __LINE__, "fork: %s", std::strerror(errno));
  } else {
    char text[512];
    for (ssize_t count = 0; (count = read(output[0], text, sizeof text)) != 0;) {
      if (count > 0) {
        outcome.output.append(text, static_cast<std::size_t>(count));
      } else if (errno != EINTR) {
        break;
      }
    }
    while (waitpid(child, &outcome.wait_status, 0) < 0 && errno == EINTR) {
    }
  }
  close(output[0]);
  return outcome;
}

bool judge_abort(const char* file, int line, const ChildOutcome& outcome,
                 const char* expected_output) noexcept {
  const bool aborted = outcome.killed_by(SIGABRT);
  if (aborted && outcome.output.find(expected_output) != std::string::npos) {
    return true;
  }
  Message message;
  message.append("expected an abort that says ");
  append_value(message, expected_output);
  if (aborted) {
    message.append("\n  it aborted, but said: ");
  } else if (WIFSIGNALED(outcome.wait_status)) {
    message.format("\n  signal %d ended it, it said: ", WTERMSIG(outcome.wait_status));
  } else {
    message.format("\n  it left with status %d, it said: ", WEXITSTATUS(outcome.wait_status));
  }
  append_value(message, outcome.output);
  report_failure(file, line, message);
  return false;
}

}  // namespace detail

}  // namespace takt::test
