// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BOARDS_VIRTUAL_TIME_LOAD_H_
#define TAKT_TESTS_BOARDS_VIRTUAL_TIME_LOAD_H_

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>

#include "takt/platform/check.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/this_thread.h"

namespace takt::virtual_time {

/// While it lives, one CPU has a program under SCHED_OTHER that copies without end. What is
/// measured there has to preempt the kernel's own code.
///
/// Only that CPU: the board's CPUs execute one after another, each until the next timer of any of
/// them, and whoever has to wait for a busy one waits for milliseconds, whoever it is.
class Load {
 public:
  explicit Load(std::size_t cpu) : pid_(::fork()) {
    TAKT_CHECK(pid_ >= 0, "load: fork() failed");
    if (pid_ == 0) run(cpu);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  [[noreturn]] static void run(std::size_t cpu) {
    if (platform::set_affinity(CpuSet::of(cpu)).ok()) {
      ::execl("/bin/dd", "dd", "if=/dev/zero", "of=/dev/null", "bs=64k", nullptr);
    }
    ::_exit(127);
  }

  pid_t pid_;
};

}  // namespace takt::virtual_time

#endif  // TAKT_TESTS_BOARDS_VIRTUAL_TIME_LOAD_H_
