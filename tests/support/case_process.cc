// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/case_process.h"

#include <cxxabi.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "takt/tests/support/crash.h"
#include "takt/tests/support/thread_dump.h"

namespace takt::test {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kDefaultLimit = 60s;
constexpr std::chrono::nanoseconds kTimeToDie = 1s;

volatile sig_atomic_t interrupt_signal_ = 0;

void on_child_signal(int /*signal*/) {}  // only there to end ppoll
void on_interrupt(int signal) { interrupt_signal_ = signal; }

// SIGCHLD and the signals that end the run are blocked except inside ppoll: none is missed between
// a look at the child and the wait.
class SupervisorSignals {
 public:
  SupervisorSignals() {
    sigset_t blocked;
    sigemptyset(&blocked);
    for (std::size_t index = 0; index < kCount; ++index) {
      struct sigaction action {};
      action.sa_handler = kSignals[index] == SIGCHLD ? on_child_signal : on_interrupt;
      sigaction(kSignals[index], &action, &old_actions_[index]);
      sigaddset(&blocked, kSignals[index]);
    }
    sigprocmask(SIG_BLOCK, &blocked, &old_mask_);
    waiting_mask_ = old_mask_;
    for (const int signal : kSignals) {
      sigdelset(&waiting_mask_, signal);
    }
  }
  ~SupervisorSignals() { restore(); }
  SupervisorSignals(const SupervisorSignals&) = delete;
  SupervisorSignals& operator=(const SupervisorSignals&) = delete;

  void restore() const {
    for (std::size_t index = 0; index < kCount; ++index) {
      sigaction(kSignals[index], &old_actions_[index], nullptr);
    }
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  }
  [[nodiscard]] const sigset_t* waiting_mask() const { return &waiting_mask_; }

 private:
  static constexpr int kSignals[] = {SIGCHLD, SIGTERM, SIGINT};
  static constexpr std::size_t kCount = sizeof kSignals / sizeof kSignals[0];

  struct sigaction old_actions_[kCount];
  sigset_t old_mask_;
  sigset_t waiting_mask_;
};

void run_body(const Case& test_case) {
  try {
    test_case.run();
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (const std::exception& exception) {
    ADD_FAILURE("uncaught exception: %s", exception.what());
  } catch (...) {
    ADD_FAILURE("uncaught exception");
  }
}

[[noreturn]] void be_case(const Case& test_case, int descriptor, pid_t supervisor,
                          const SupervisorSignals& signals) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) {
    _exit(1);
  }
  signals.restore();
  set_report_descriptor(descriptor);
  install_crash_handlers();
  run_body(test_case);
  report(RecordKind::ended, "");
  std::exit(has_failed() ? 1 : 0);
}

/// The supervisor's side of one case.
class Supervision {
 public:
  Supervision(pid_t child, int descriptor, Clock::time_point start, CaseResult& result)
      : child_(child), descriptor_(descriptor), result_(result), start_(start) {}

  void run(const sigset_t* waiting_mask) {
    while (!ended()) {
      const Clock::duration left = deadline() - Clock::now();
      if (!killed_ && interrupt_signal_ != 0) {
        give_up("ended by a signal from outside while it was running");
      } else if (!killed_ && left <= 0ns) {
        const std::string seconds = std::to_string(std::chrono::duration<double>(limit()).count());
        give_up("still running after its time limit of " + seconds + " s");
      } else if (killed_ && left <= 0ns) {
        kill(-child_, SIGKILL);
        wait(waiting_mask, 1s);
      } else {
        wait(waiting_mask, left);
      }
    }
    result_.duration = Clock::now() - start_;
    // Processes that the case left behind are the subreaper's, ours, since it ended.
    kill(-child_, SIGKILL);
    while (waitpid(-child_, nullptr, 0) > 0) {
    }
    read_records();
    judge();
  }

 private:
  [[nodiscard]] std::chrono::nanoseconds limit() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(limit_ * time_scale());
  }
  [[nodiscard]] Clock::time_point deadline() const {
    return killed_ ? killed_at_ + kTimeToDie : start_ + limit();
  }

  bool ended() { return waitpid(child_, &wait_status_, WNOHANG) == child_; }

  void wait(const sigset_t* mask, std::chrono::nanoseconds at_most) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at_most);
    timespec timeout{};
    timeout.tv_sec = static_cast<time_t>(seconds.count());
    timeout.tv_nsec = static_cast<long>((at_most - seconds).count());
    pollfd poll{descriptor_, POLLIN, 0};
    // Without a writer the pipe is always ready: then only the child's end is waited for.
    const bool readable = !pipe_closed_;
    if (ppoll(&poll, readable ? 1 : 0, &timeout, mask) > 0) {
      pipe_closed_ = !read_records();
    }
  }

  /// Takes what is in the pipe; false when nobody can write to it any more.
  bool read_records() {
    char part[4096];
    for (;;) {
      const ssize_t count = read(descriptor_, part, sizeof part);
      if (count > 0) {
        records_.append(part, static_cast<std::size_t>(count));
        take_records();
      } else if (count == 0 || errno != EINTR) {
        return count != 0;
      }
    }
  }

  void take_records() {
    RecordHeader header;
    while (records_.size() >= sizeof header) {
      std::memcpy(&header, records_.data(), sizeof header);
      if (records_.size() < sizeof header + header.size) {
        return;
      }
      take_record(header.kind, records_.substr(sizeof header, header.size));
      records_.erase(0, sizeof header + header.size);
    }
  }

  void take_record(RecordKind kind, const std::string& text) {
    if (kind == RecordKind::failure) {
      result_.failures.push_back(text);
    } else if (kind == RecordKind::skipped) {
      result_.skip_reason = text;
    } else if (kind == RecordKind::ended) {
      body_ended_ = true;
    } else {
      limit_ = std::chrono::nanoseconds(std::atoll(text.c_str()));
    }
  }

  void give_up(const std::string& why) {
    add_failure(why);
    dump_threads(child_);
    kill(child_, SIGABRT);  // its handler prints the stack of the thread that takes it
    kill(child_, SIGCONT);
    killed_ = true;
    killed_at_ = Clock::now();
  }

  void judge() {
    if (killed_) {
      return;
    }
    if (WIFSIGNALED(wait_status_)) {
      const int signal = WTERMSIG(wait_status_);
      add_failure("crashed: SIG" + std::string(signal_name(signal)) + explain(signal));
    } else if (const int status = WEXITSTATUS(wait_status_);
               status != 0 && result_.failures.empty()) {
      add_failure("its process left with status " + std::to_string(status));
    } else if (!body_ended_) {
      add_failure("its process left before the case had ended");
    }
  }

  static const char* explain(int signal) {
    // A trapped call cannot be delivered to a thread that blocks SIGSYS: the kernel kills.
    return signal == SIGSYS ? " (a call that a seccomp filter traps, with SIGSYS blocked)" : "";
  }

  void add_failure(const std::string& text) {
    result_.failures.push_back(text);
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
  }

  pid_t child_;
  int descriptor_;
  CaseResult& result_;
  Clock::time_point start_;
  std::chrono::nanoseconds limit_ = kDefaultLimit;
  Clock::time_point killed_at_;
  bool killed_ = false;
  bool pipe_closed_ = false;
  bool body_ended_ = false;
  int wait_status_ = 0;
  std::string records_;
};

}  // namespace

bool interrupted() noexcept { return interrupt_signal_ != 0; }

CaseResult run_case_in_process(const Case& test_case) {
  CaseResult result;
  result.suite = test_case.suite();
  Message name;
  test_case.append_name(name);
  result.name = name.view();

  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const SupervisorSignals signals;
  int descriptors[2];
  if (pipe2(descriptors, O_CLOEXEC) != 0) {
    result.failures.push_back(std::string("pipe2: ") + std::strerror(errno));
    return result;
  }
  fcntl(descriptors[0], F_SETFL, O_NONBLOCK);
  std::fflush(nullptr);  // else the child prints what is still buffered a second time
  const pid_t supervisor = getpid();
  const Clock::time_point start = Clock::now();
  const pid_t child = fork();
  if (child == 0) {
    close(descriptors[0]);
    be_case(test_case, descriptors[1], supervisor, signals);
  }
  close(descriptors[1]);
  if (child < 0) {
    result.failures.push_back(std::string("fork: ") + std::strerror(errno));
  } else {
    setpgid(child, child);  // here too: a kill of the group must not come before the child did it
    Supervision(child, descriptors[0], start, result).run(signals.waiting_mask());
  }
  close(descriptors[0]);
  return result;
}

}  // namespace takt::test
