// SPDX-License-Identifier: Apache-2.0
// From before the post to the first instruction of the job, the worker asleep; beside a bare futex.
#include <array>
#include <atomic>
#include <string>

#include "takt/platform/futex.h"
#include "takt/tests/bench/executor/rows.h"
#include "takt/tests/bench/executor/running.h"

namespace takt::bench {
namespace {

/// Where a woken thread says when it ran its first instruction; 0: not yet.
using Arrival = std::atomic<std::int64_t>;

std::int64_t await_arrival(const Arrival& arrival) {
  // acquire: pairs with the release of the woken thread.
  await([&] { return arrival.load(std::memory_order_acquire) != 0; });
  return arrival.load(std::memory_order_relaxed);
}

/// The least that waking a thread takes: a store, a system call, a load.
class BareFutex {
 public:
  explicit BareFutex(Place place) : thread_(place, [this] { serve(); }) {}
  BareFutex(const BareFutex&) = delete;
  BareFutex& operator=(const BareFutex&) = delete;
  ~BareFutex() { send(kEnd); }

  std::int64_t wake() {
    arrival_.store(0, std::memory_order_relaxed);
    const std::int64_t begin = to_ns(now());
    send(kWork);
    return await_arrival(arrival_) - begin;
  }

 private:
  static constexpr std::uint32_t kNothing = 0;
  static constexpr std::uint32_t kWork = 1;
  static constexpr std::uint32_t kEnd = 2;

  void send(std::uint32_t what) {
    word_.store(what, std::memory_order_release);
    platform::futex_wake(word_, 1, platform::FutexScope::process_private);
  }

  void serve() {
    for (;;) {
      std::uint32_t seen = word_.load(std::memory_order_acquire);
      if (seen == kEnd) return;
      if (seen == kWork) {
        const std::int64_t first = to_ns(now());
        // The CAS keeps an end that came meanwhile.
        word_.compare_exchange_strong(seen, kNothing);
        arrival_.store(first, std::memory_order_release);
      } else {
        platform::futex_wait(word_, kNothing, kNever, platform::FutexScope::process_private);
      }
    }
  }

  platform::FutexWord word_{kNothing};
  Arrival arrival_{0};
  PinnedThread thread_;  // the last: it uses the others
};

std::int64_t post_once(Executor& executor) {
  Arrival arrival{0};
  const std::int64_t begin = to_ns(now());
  const Status posted =
      executor.post([&arrival] { arrival.store(to_ns(now()), std::memory_order_release); });
  TAKT_CHECK(posted.ok(), posted.text());
  return await_arrival(arrival) - begin;
}

void wake_row(Suite& suite, const std::string& row, Place poster, Place worker, int samples,
              double target) {
  static StaticExecutor<ExecutorLimits{.workers = 1}> stamping;
  static StaticExecutor<ExecutorLimits{.workers = 1}> plain;
  const std::array workers{worker_at(worker)};
  const Running stamping_runs(stamping, workers, true);
  const Running plain_runs(plain, workers, false);
  BareFutex bare(worker);
  // Long enough for the woken thread to sleep again before the next sample.
  constexpr Duration kRest = std::chrono::microseconds(100);
  suite.latency(row,
                {{"bare futex wake", {}, {}},
                 {"takt post", {{"bare futex wake", target}}, {}},
                 {"takt post, no time stamps", {{"bare futex wake", target}}, {}}},
                [&](std::span<Samples> all) {
                  const PinnedThread thread(poster, [&] {
                    alternate(samples, all, [&](std::size_t contestant) {
                      platform::sleep_until(deadline_after(kRest));
                      if (contestant == 0) return bare.wake();
                      return post_once(contestant == 1 ? static_cast<Executor&>(stamping) : plain);
                    });
                  });
                });
}

}  // namespace

void wake_rows(Suite& suite) {
  const char* row = "wake: worker parked on another CPU";
  if (suite.wants(row)) {
    if (cpu_count() < 2) {
      suite.skip(row, "needs two CPUs");
    } else {
      wake_row(suite, row, {0, kPriority}, {1, kPriority}, 1'000, 1.05);
    }
  }
  row = "wake: worker of higher priority, same CPU";
  if (suite.wants(row)) {
    if (!fifo_granted()) {
      suite.skip(row, "needs SCHED_FIFO, else the worker does not preempt");
    } else {
      wake_row(suite, row, {0, kPriority}, {0, kPriority + 1}, 1'000, 1.15);
    }
  }
}

}  // namespace takt::bench
