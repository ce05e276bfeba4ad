// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_STRESS_SIGNAL_STORM_H_
#define TAKT_TESTS_STRESS_SIGNAL_STORM_H_

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "takt/platform/thread_id.h"
#include "takt/platform/time.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// For as long as it lives, each of its targets gets a SIGUSR1 every `interval`, whose handler lets
/// system calls end with EINTR. One at a time in a process.
class SignalStorm {
 public:
  explicit SignalStorm(Duration interval) : interval_(interval) {
    delivered_.store(0);
    struct sigaction action {};
    action.sa_handler = [](int /*signal*/) { delivered_.fetch_add(1, std::memory_order_relaxed); };
    EXPECT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);  // sa_flags: no SA_RESTART
    thread_ = std::thread([this] { rage(); });
  }
  SignalStorm(const SignalStorm&) = delete;
  SignalStorm& operator=(const SignalStorm&) = delete;
  ~SignalStorm() {
    over_.store(true);
    thread_.join();
  }

  /// While it lives, its thread is a target. It must not outlive the storm.
  class Target {
   public:
    explicit Target(SignalStorm& storm) {
      for (auto& place : storm.targets_) {
        std::int32_t free = 0;
        if (!place.compare_exchange_strong(free, platform::thread_id())) continue;
        place_ = &place;
        return;
      }
      FAIL("a storm has %zu targets at most", kTargets);
    }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    ~Target() {
      if (place_ != nullptr) place_->store(0);
    }

   private:
    std::atomic<std::int32_t>* place_ = nullptr;
  };

  /// How many signals have reached a target.
  [[nodiscard]] std::uint32_t delivered() const { return delivered_.load(); }

 private:
  static constexpr std::size_t kTargets = 128;

  void rage() {
    while (!over_.load()) {
      for (const auto& target : targets_) {
        // A thread that has just ended is none of ours (tgkill names the process): ESRCH.
        if (const std::int32_t id = target.load()) ::syscall(SYS_tgkill, ::getpid(), id, SIGUSR1);
      }
      // Never faster than the interval, however late: the targets have to get on.
      platform::sleep_until(deadline_after(interval_));
    }
  }

  static inline std::atomic<std::uint32_t> delivered_{0};

  Duration interval_;
  std::array<std::atomic<std::int32_t>, kTargets> targets_{};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_STRESS_SIGNAL_STORM_H_
