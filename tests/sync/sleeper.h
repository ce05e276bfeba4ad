// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SYNC_SLEEPER_H_
#define TAKT_TESTS_SYNC_SLEEPER_H_

#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "takt/platform/proc_reader.h"
#include "takt/platform/thread_id.h"
#include "takt/platform/time.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// A thread that blocks in `body`: asleep when the constructor returns. Joined by the destructor.
class Sleeper {
 public:
  explicit Sleeper(std::function<void()> body)
      : thread_([this, body = std::move(body)] {
          switches_ = own_switches();
          id_.store(platform::thread_id());
          body();
          over_.store(true);
        }) {
    while (id_.load() == 0) ::sched_yield();
    const std::uint64_t before = switches_;
    // /proc shows a thread asleep a little before it leaves its CPU.
    while ((switches_ = switches_after_falling_asleep()) == before) ::sched_yield();
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { join(); }

  /// The kernel's id of the thread.
  [[nodiscard]] std::int32_t id() const { return id_.load(); }
  /// Whether the body has ended.
  [[nodiscard]] bool over() const { return over_.load(); }
  /// Whether the thread has slept on without a break since it was made: nobody has woken it.
  [[nodiscard]] bool undisturbed() const {
    const auto stat = platform::read_thread_stat(id());
    const auto status = platform::read_thread_status(id());
    return stat.ok() && status.ok() && stat->state == 'S' &&
           status->voluntary_switches == switches_ && !over();
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  static std::uint64_t own_switches() {
    const auto status = platform::read_thread_status(platform::thread_id());
    EXPECT_OK(status);
    return status.ok() ? status->voluntary_switches : 0;
  }
  std::uint64_t switches_after_falling_asleep() {
    const auto status = platform::read_thread_status(wait_until_asleep(id_));
    EXPECT_OK(status);
    return status.ok() ? status->voluntary_switches : 0;
  }

  std::atomic<std::int32_t> id_{0};
  std::atomic<bool> over_{false};
  std::uint64_t switches_ = 0;
  std::thread thread_;  // last: it uses the above
};

/// A wall clock that somebody sets by `kStep` right after it was first read: a wait until one of
/// its times has to notice, a wait for a time must not care.
struct SteppedClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<SteppedClock>;
  static constexpr bool is_steady = false;

  static time_point now() noexcept {
    const duration offset = readings++ == 0 ? duration{0} : step;
    return time_point(takt::now().time_since_epoch() + offset);
  }
  /// Starts anew: the first reading comes before the step.
  static void will_step_by(duration by) {
    readings = 0;
    step = by;
  }

 private:
  static inline int readings = 0;
  static inline duration step{0};
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SYNC_SLEEPER_H_
