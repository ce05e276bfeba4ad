// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_GATE_H_
#define TAKT_TESTS_EXECUTOR_GATE_H_

#include <cstdint>

#include "takt/platform/futex.h"

namespace takt::test {

/// Holds jobs until the test lets them go: each calls pass(), the test wait_for_entries() and
/// open(). Its destructor opens it and waits for those inside, so it comes after the executor's
/// Running in a test. Makes no system call but futex: std::atomic's waits also yield.
class Gate {
 public:
  Gate() noexcept = default;
  ~Gate() {
    open();
    for (std::uint32_t inside = inside_.load(); inside != 0; inside = inside_.load()) {
      platform::futex_wait(inside_, inside, kNever, kScope);
    }
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// The job's: says that it has come, and waits for open().
  void pass() noexcept {
    inside_.fetch_add(1);
    enter();
    while (open_.load() == 0) platform::futex_wait(open_, 0, kNever, kScope);
    inside_.fetch_sub(1);  // the last touch: the wake takes only the address
    platform::futex_wake(inside_, kEverybody, kScope);
  }
  /// The job's: only says that it has come.
  void enter() noexcept {
    entries_.fetch_add(1);
    platform::futex_wake(entries_, kEverybody, kScope);
  }
  /// The test's: returns when `count` jobs have come.
  void wait_for_entries(std::uint32_t count = 1) const noexcept {
    for (std::uint32_t seen = entries_.load(); seen < count; seen = entries_.load()) {
      platform::futex_wait(entries_, seen, kNever, kScope);
    }
  }
  /// The test's: lets all go, now and later.
  void open() noexcept {
    open_.store(1);
    platform::futex_wake(open_, kEverybody, kScope);
  }
  [[nodiscard]] std::uint32_t entries() const noexcept { return entries_.load(); }

 private:
  static constexpr int kEverybody = 0x7FFF'FFFF;
  static constexpr platform::FutexScope kScope = platform::FutexScope::process_private;

  platform::FutexWord entries_{0};
  platform::FutexWord inside_{0};
  platform::FutexWord open_{0};
};

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_GATE_H_
