// SPDX-License-Identifier: Apache-2.0
// Items of 8 bytes through 1,024 slots, as fast as they go. A round lasts from the first thread's
// first push or pop to the last one's last, divided by the items. It is made of runs well below a
// second with a rest between them, because the kernel takes 5 % of each second from fixed
// priorities.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "takt/platform/time.h"
#include "takt/sync/mpmc_queue.h"
#include "takt/sync/spsc_queue.h"
#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/pinned_thread.h"
#include "takt/tests/bench/sync/reference_queues.h"

namespace takt::bench {
namespace {

using Item = std::uint64_t;
constexpr std::size_t kSlots = 1'024;
constexpr std::size_t kBatch = 32;
constexpr std::uint64_t kRuns = 8;
constexpr std::uint64_t kItems = 2'560'000;  // a run
static_assert(kRuns * kItems >= 20'000'000);
constexpr Duration kRest = std::chrono::milliseconds(50);

/// What a thread does that finds the queue full or empty: with a CPU of its own it lets the other
/// side work for a microsecond or two, beside another thread it makes way.
struct Pauses {
  static void back_off() { pause_times(40); }
};
struct Yields {
  static void back_off() { ::sched_yield(); }
};

template <class Wait>
struct Single {
  template <class Queue>
  static void push(Queue& queue, std::uint64_t count) {
    for (Item item = 0; item < count; ++item) {
      while (!queue.try_push(item)) Wait::back_off();
    }
  }
  template <class Queue>
  static void pop(Queue& queue, std::uint64_t count) {
    Item sum = 0;
    for (std::uint64_t popped = 0; popped < count;) {
      if (const std::optional<Item> item = queue.try_pop()) {
        sum += *item;
        ++popped;
      } else {
        Wait::back_off();
      }
    }
    keep(sum);
  }
};

struct Batches {
  template <class Queue>
  static void push(Queue& queue, std::uint64_t count) {
    Item items[kBatch] = {};
    for (std::uint64_t pushed = 0; pushed < count;) {
      keep(items);
      const std::size_t some = queue.try_push_n(
          items, static_cast<std::size_t>(std::min<std::uint64_t>(kBatch, count - pushed)));
      pushed += some;
      if (some == 0) Pauses::back_off();
    }
  }
  template <class Queue>
  static void pop(Queue& queue, std::uint64_t count) {
    Item items[kBatch];
    for (std::uint64_t popped = 0; popped < count;) {
      const std::size_t some = queue.try_pop_n(
          items, static_cast<std::size_t>(std::min<std::uint64_t>(kBatch, count - popped)));
      keep(items);
      popped += some;
      if (some == 0) Pauses::back_off();
    }
  }
};

/// One run: `pairs` threads push their share on one CPU, and as many pop it on another; or with
/// `mixed` one of each on each CPU. Returns nanoseconds from the first begin to the last end.
template <class Queue, class Way>
std::int64_t run(std::size_t pairs, bool mixed) {
  const auto queue = std::make_unique<Queue>();
  std::atomic<std::size_t> ready{0};
  std::atomic<std::int64_t> begin{INT64_MAX};
  std::atomic<std::int64_t> end{0};
  const auto measured = [&](auto work) {
    ++ready;
    await([&] { return ready.load() == 2 * pairs; });
    const std::int64_t mine = to_ns(now());
    work(*queue, kItems / pairs);
    const std::int64_t last = to_ns(now());
    for (std::int64_t seen = begin; mine < seen && !begin.compare_exchange_weak(seen, mine);) {
    }
    for (std::int64_t seen = end; last > seen && !end.compare_exchange_weak(seen, last);) {
    }
  };
  {
    std::deque<PinnedThread> threads;
    for (std::size_t i = 0; i < pairs; ++i) {
      const std::size_t slot = mixed ? i : 0;
      threads.emplace_back(Place{slot, kPriority}, [&] { measured(Way::template push<Queue>); });
      threads.emplace_back(Place{slot + 1, kPriority}, [&] { measured(Way::template pop<Queue>); });
    }
  }
  return end - begin;
}

/// A round; nanoseconds an item.
template <class Queue, class Way, std::size_t kPairs, bool kMixed = false>
double round_of() {
  std::int64_t sum = 0;
  for (std::uint64_t i = 0; i < kRuns; ++i) {
    sum += run<Queue, Way>(kPairs, kMixed);
    platform::sleep_until(deadline_after(kRest));
  }
  return static_cast<double>(sum) / static_cast<double>(kRuns * kItems);
}

void spsc_row(Suite& suite, const std::string& row) {
  using Lamport = LamportRing<Item, kSlots>;
  using Takt = SpscQueue<Item, kSlots>;
  const std::string lamport = "Lamport's ring";
  suite.cost(row,
             {{lamport, {}, &round_of<Lamport, Single<Pauses>, 1>},
              {"takt::SpscQueue", {{lamport, 0.7}}, &round_of<Takt, Single<Pauses>, 1>},
              {"takt::SpscQueue, batches of 32", {{lamport, 0.2}}, &round_of<Takt, Batches, 1>}});
}

template <class Wait, std::size_t kPairs, bool kMixed = false>
void mpmc_row(Suite& suite, const std::string& row, double at_most) {
  using Mutexed = MutexDeque<Item, kSlots>;
  using Takt = MpmcQueue<Item, kSlots>;
  const std::string mutexed = "mutex and deque";
  suite.cost(
      row,
      {{mutexed, {}, &round_of<Mutexed, Single<Wait>, kPairs, kMixed>},
       {"takt::MpmcQueue", {{mutexed, at_most}}, &round_of<Takt, Single<Wait>, kPairs, kMixed>}});
}

void queue_rows(Suite& suite) {
  const auto run_row = [&suite](const char* row, void (*measure)(Suite&, const std::string&)) {
    if (!suite.wants(row)) return;
    if (cpu_count() < 2) {
      suite.skip(row, "needs two CPUs");
    } else {
      measure(suite, row);
    }
  };
  run_row("spsc queue: one to one", &spsc_row);
  run_row("mpmc queue: one to one",
          [](Suite& s, const std::string& row) { mpmc_row<Pauses, 1>(s, row, 0.10); });
  run_row("mpmc queue: two to two, a side a CPU",
          [](Suite& s, const std::string& row) { mpmc_row<Yields, 2>(s, row, 0.13); });
  run_row("mpmc queue: two to two, mixed",
          [](Suite& s, const std::string& row) { mpmc_row<Yields, 2, true>(s, row, 0.13); });
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Suite suite("queue", argc, argv);
  takt::bench::queue_rows(suite);
  return suite.finish();
}
