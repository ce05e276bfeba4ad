// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BOARDS_VIRTUAL_TIME_LOAD_H_
#define TAKT_TESTS_BOARDS_VIRTUAL_TIME_LOAD_H_

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "takt/platform/check.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/this_thread.h"
#include "takt/tests/boards/virtual_time/contestants.h"

namespace takt::virtual_time {

/// While it lives, the measured CPU has a program under SCHED_OTHER that copies without end. What is
/// measured has to preempt the kernel's own code. Only that CPU, and nothing that would wake others:
/// the board's CPUs execute one after another, and behind a busy one each wake-up waits for its
/// turn, 1 to 13 ms, whoever is measured.
class Load {
 public:
  explicit Load(bool wanted) : wanted_(wanted) {
    if (!wanted_) return;
    pid_ = ::fork();
    TAKT_CHECK(pid_ >= 0, "load: fork() failed");
    if (pid_ == 0) run();
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    if (!wanted_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  [[noreturn]] static void run() {
    if (platform::set_affinity(CpuSet::of(kMeasured.slot)).ok()) {
      ::execl("/bin/dd", "dd", "if=/dev/zero", "of=/dev/null", "bs=64k", nullptr);
    }
    ::_exit(127);
  }

  bool wanted_;
  pid_t pid_ = 0;
};

}  // namespace takt::virtual_time

#endif  // TAKT_TESTS_BOARDS_VIRTUAL_TIME_LOAD_H_
