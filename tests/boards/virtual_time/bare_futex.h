// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BOARDS_VIRTUAL_TIME_BARE_FUTEX_H_
#define TAKT_TESTS_BOARDS_VIRTUAL_TIME_BARE_FUTEX_H_

#include <atomic>
#include <cstdint>

#include "takt/platform/futex.h"
#include "takt/platform/time.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::virtual_time {

/// The least that waking a thread takes: a store, a system call, a load.
class BareFutex {
 public:
  explicit BareFutex(bench::Place place) : thread_(place, [this] { serve(); }) {}
  BareFutex(const BareFutex&) = delete;
  BareFutex& operator=(const BareFutex&) = delete;
  ~BareFutex() { send(kEnd); }

  void wake() { send(kWork); }
  /// When the woken thread ran its first instruction; 0: not yet. Only once a wake().
  std::int64_t take_arrival() { return arrival_.exchange(0); }

 private:
  static constexpr std::uint32_t kNothing = 0;
  static constexpr std::uint32_t kWork = 1;
  static constexpr std::uint32_t kEnd = 2;

  void send(std::uint32_t what) {
    word_.store(what);
    platform::futex_wake(word_, 1, platform::FutexScope::process_private);
  }

  void serve() {
    for (;;) {
      std::uint32_t seen = word_.load();
      if (seen == kEnd) return;
      if (seen == kWork) {
        arrival_.store(to_ns(now()));
        word_.compare_exchange_strong(seen, kNothing);  // keeps an end that came meanwhile
      } else {
        platform::futex_wait(word_, kNothing, kNever, platform::FutexScope::process_private);
      }
    }
  }

  platform::FutexWord word_{kNothing};
  std::atomic<std::int64_t> arrival_{0};
  bench::PinnedThread thread_;  // the last: it uses the others
};

}  // namespace takt::virtual_time

#endif  // TAKT_TESTS_BOARDS_VIRTUAL_TIME_BARE_FUTEX_H_
