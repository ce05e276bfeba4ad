// SPDX-License-Identifier: Apache-2.0
// The waker sleeps between two samples instead of spinning: CPUs that execute one after another
// would have the woken one wait for the spinning one.
#include <array>
#include <atomic>

#include "takt/tests/bench/executor/running.h"
#include "takt/tests/boards/virtual_time/bare_futex.h"
#include "takt/tests/boards/virtual_time/contestants.h"

namespace takt::virtual_time {
namespace {

/// In each interval `wake`, and then, when it has come, what `take_arrival` says (0: not yet).
template <class Wake, class TakeArrival>
Figures measure(bench::Place place, int samples, Wake wake, TakeArrival take_arrival) {
  Figures figures;
  const bench::PinnedThread waker(place, [&] {
    TimePoint next = deadline_after(10 * kInterval);
    for (int i = 0; i < samples; ++i) {
      platform::sleep_until(next);
      const TimePoint begin = now();
      wake();
      std::int64_t arrival = 0;
      while (arrival == 0) {
        next = saturating_add(next, kInterval);
        platform::sleep_until(next);
        arrival = take_arrival();
      }
      figures.add(from_ns(arrival) - begin);
    }
  });
  return figures;
}

}  // namespace

Figures futex_wake(const Places& places, int samples) {
  BareFutex futex(places.measured);
  return measure(
      places.waker, samples, [&] { futex.wake(); }, [&] { return futex.take_arrival(); });
}

Figures post_dispatch(const Places& places, int samples) {
  static StaticExecutor<ExecutorLimits{.workers = 1}> executor;
  std::atomic<std::int64_t> arrival{0};
  const std::array workers{bench::worker_at(places.measured)};
  const bench::Running runs(executor, workers, true);
  return measure(
      places.waker, samples,
      [&] {
        const Status posted = executor.post([&arrival] { arrival.store(to_ns(now())); });
        TAKT_CHECK(posted.ok(), posted.text());
      },
      [&] { return arrival.exchange(0); });
}

}  // namespace takt::virtual_time
