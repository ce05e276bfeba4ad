// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_PI_LOCK_H_
#define TAKT_TESTS_PLATFORM_PI_LOCK_H_

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "takt/platform/futex.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// The calling thread's id as a PI futex word holds it.
inline std::uint32_t own_id() noexcept { return static_cast<std::uint32_t>(platform::thread_id()); }

/// Releases a PI futex as a mutex does: in user space, or through the kernel if somebody waits.
inline void unlock(platform::FutexWord& word) noexcept {
  std::uint32_t expected = own_id();
  if (word.compare_exchange_strong(expected, 0)) return;
  EXPECT_EQ(platform::futex_unlock_pi(word, platform::FutexScope::process_private), 0);
}

/// A thread that owns a PI futex for as long as this object lives.
class PiHolder {
 public:
  explicit PiHolder(platform::FutexWord& word)
      : thread_([this, &word] {
          word.store(own_id());
          state_.store(kHolding);
          state_.notify_all();
          state_.wait(kHolding);
          unlock(word);
        }) {
    state_.wait(kStarting);
  }
  ~PiHolder() {
    state_.store(kReleasing);
    state_.notify_all();
    thread_.join();
  }

 private:
  static constexpr int kStarting = 0;
  static constexpr int kHolding = 1;
  static constexpr int kReleasing = 2;

  std::atomic<int> state_{kStarting};
  std::thread thread_;  // last: it uses the above
};

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_PI_LOCK_H_
