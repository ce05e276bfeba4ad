// SPDX-License-Identifier: Apache-2.0
// A lane without an executor: posters that pause at random, workers that park whenever they find
// nothing, timers that move. That it ends at all shows that no wake-up is lost.
#include "takt/executor/lane.h"

#include <sched.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/tests/stress/steps.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Lane;
using takt::Parker;
using takt::Priority;
using takt::test::Random;

constexpr std::uint32_t kSlots = 32;
constexpr std::uint32_t kPosters = 4;

/// A lane with its memory, and counts of what went through it.
struct Traffic {
  explicit Traffic(std::uint32_t workers) {
    lane.attach(cells.data(), kSlots, words.data(), kSlots);
    lane.open(parkers.data(), workers);
  }

  std::array<takt::IndexRing::Cell, takt::kPriorityLevels * kSlots> cells{};
  std::array<takt::SlotBitmap::Word, takt::SlotBitmap::words_for(kSlots)> words{};
  std::array<Parker, 2 * Lane::kMaxWorkers> parkers{};
  std::array<std::uint32_t, kSlots> items{};  // plain: the thread sanitizer judges
  Lane lane{};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> sum{0};
};

/// As Executor::serve() does it, with nothing to run.
void work(Traffic& traffic, std::uint32_t worker) {
  Lane& lane = traffic.lane;
  for (;;) {
    std::uint32_t slot = lane.take();
    if (slot == Lane::kNone && lane.closed()) {
      slot = lane.take();
      if (slot == Lane::kNone) return;
    }
    if (slot == Lane::kNone) {
      lane.park(worker);
      continue;
    }
    lane.step_down(worker);
    lane.pass_on();
    traffic.sum += traffic.items[slot];
    ++traffic.taken;
    lane.release_slot(slot);
  }
}

/// Posts one item; false when it was refused.
bool post(Traffic& traffic, Random& random, std::uint32_t item) {
  const std::uint32_t slot = traffic.lane.acquire_slot();
  if (slot == Lane::kNone) return false;
  traffic.items[slot] = item;
  if (traffic.lane.publish(static_cast<Priority>(random.below(4)), slot)) {
    ++traffic.accepted;
    return true;
  }
  traffic.lane.release_slot(slot);
  return false;
}

std::vector<std::thread> start_workers(Traffic& traffic, std::uint32_t count) {
  std::vector<std::thread> workers;
  for (std::uint32_t worker = 0; worker < count; ++worker) {
    workers.emplace_back([&traffic, worker] { work(traffic, worker); });
  }
  return workers;
}

TEST_EACH(LaneStress, wakes_somebody_for_each_job, 1U, 2U, 5U) {
  Traffic traffic(param);
  std::vector<std::thread> workers = start_workers(traffic, param);
  std::atomic<std::uint64_t> sum{0};
  std::vector<std::thread> posters;
  for (std::uint32_t poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&, poster] {
      Random random(poster);
      for (std::uint32_t step = 0; step < takt::test::steps(10'000); ++step) {
        const auto item = static_cast<std::uint32_t>(random.below(1000));
        while (!post(traffic, random, item)) ::sched_yield();
        sum += item;
        // Let the lane run dry now and then, so that workers park and must be woken.
        if (random.one_in(4)) {
          while (traffic.taken.load() < traffic.accepted.load()) ::sched_yield();
        }
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  while (traffic.taken.load() < traffic.accepted.load()) ::sched_yield();
  traffic.lane.close();
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(traffic.taken.load(), traffic.accepted.load());
  EXPECT_EQ(traffic.sum.load(), sum.load());
}

// Posts race with the end of the lane: what was accepted was taken, nothing else.
TEST(LaneStress, closing_loses_no_accepted_job) {
  constexpr std::uint32_t kWorkers = 2;
  Traffic traffic(kWorkers);
  std::atomic<bool> over{false};
  std::vector<std::thread> posters;
  for (std::uint32_t poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&, poster] {
      Random random(poster);
      while (!over.load()) post(traffic, random, 1);
    });
  }
  for (std::uint32_t round = 0; round < takt::test::steps(100); ++round) {
    if (round != 0) traffic.lane.open(traffic.parkers.data() + round % 3, kWorkers);
    std::vector<std::thread> workers = start_workers(traffic, kWorkers);
    const std::uint64_t before = traffic.taken.load();
    while (traffic.taken.load() < before + 10) ::sched_yield();
    traffic.lane.close();
    for (std::thread& worker : workers) worker.join();
  }
  over.store(true);
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(traffic.taken.load(), traffic.accepted.load());
  EXPECT_EQ(traffic.sum.load(), traffic.accepted.load());
}

// Workers that do nothing but look at the timer: each release that is set, at once or in a while,
// is noticed by somebody, whoever leads.
TEST(LaneStress, notices_each_release) {
  constexpr std::uint32_t kWorkers = 3;
  Traffic traffic(kWorkers);
  Lane& lane = traffic.lane;
  std::atomic<std::uint32_t> noticed{0};
  std::vector<std::thread> workers;
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      Random random(worker);
      while (!lane.closed()) {
        const std::int64_t release = lane.next_release();
        if (release <= takt::to_ns(takt::now())) {
          // The test sets the next one only after this, so that no two threads write at once.
          if (noticed.load() % 2 == 0) {
            lane.step_down(worker);
            std::uint32_t even = noticed.load() & ~1U;
            noticed.compare_exchange_strong(even, even + 1);
          }
          ::sched_yield();
          continue;
        }
        if (random.one_in(4)) lane.step_down(worker);
        lane.park(worker);
      }
    });
  }
  Random random(kWorkers);
  for (std::uint32_t round = 0; round < takt::test::steps(3'000); ++round) {
    const takt::Duration delay = random.one_in(2) ? 0us : 50us;
    lane.set_next_release(takt::to_ns(takt::now() + delay), true);
    while (noticed.load() != 2 * round + 1) ::sched_yield();
    lane.set_next_release(takt::to_ns(takt::kNever), false);
    noticed.fetch_add(1);
  }
  lane.close();
  for (std::thread& worker : workers) worker.join();
}

}  // namespace
